import type { Done, LogError, LogStore } from "../../src/log/port.ts";
import type {
  Entry,
  HardState,
  LogId,
  LogIndex,
} from "../../src/raft/types.ts";
import type { Mirror } from "./mirror.ts";

/** Learns of every change of a log before it is made: one that fails may have reached the disk all the same. */
export interface LogObserver {
  appended(entries: readonly Entry[]): void;
  truncated(after: LogIndex, dropped: readonly Entry[]): void;
  purged(to: LogIndex): void;
}

/** Passes everything on to a log and keeps its {@linkcode Mirror}. */
export class ObservedLog implements LogStore {
  readonly #log: LogStore;
  readonly #mirror: Mirror;
  readonly #observer: LogObserver;

  /** Watches `log`. */
  constructor(log: LogStore, mirror: Mirror, observer: LogObserver) {
    this.#log = log;
    this.#mirror = mirror;
    this.#observer = observer;
  }

  get base(): LogId {
    return this.#log.base;
  }

  get last(): LogId {
    return this.#log.last;
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  reserve(count: number, payloadBytes: number): boolean {
    return this.#log.reserve(count, payloadBytes);
  }

  unreserve(): void {
    this.#log.unreserve();
  }

  append(entries: readonly Entry[]): void {
    this.#mirror.append(entries);
    this.#observer.appended(entries);
    this.#log.append(entries);
  }

  truncateAfter(index: LogIndex): void {
    const dropped = this.#mirror.entries.slice(index - this.#mirror.base.index);
    this.#mirror.truncateAfter(index);
    this.#observer.truncated(index, dropped);
    this.#log.truncateAfter(index);
  }

  saveHardState(hardState: HardState): void {
    this.#mirror.latestHardState = hardState;
    this.#log.saveHardState(hardState);
  }

  sync(done: Done): void {
    const durable = this.#mirror.syncBegins();
    this.#log.sync((error) => {
      if (error === null) durable();
      done(error);
    });
  }

  termAt(index: LogIndex): number | undefined {
    return this.#log.termAt(index);
  }

  readCached(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
  ): Entry[] | undefined {
    return this.#log.readCached(from, to, maxBytes);
  }

  read(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
    done: (error: LogError | null, entries: Entry[]) => void,
  ): void {
    this.#log.read(from, to, maxBytes, done);
  }

  scrub(
    budgetBytes: number,
    done: (error: LogError | null, finished: boolean) => void,
  ): void {
    this.#log.scrub(budgetBytes, done);
  }

  purge(to: LogId): void {
    this.#mirror.purge(to.index);
    this.#observer.purged(to.index);
    this.#log.purge(to);
  }

  reset(base: LogId): void {
    this.#mirror.reset(base);
    this.#log.reset(base);
  }

  close(): void {
    this.#log.close();
  }
}
