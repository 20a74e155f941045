import {
  type Entry,
  EntryKind,
  type HardState,
  type LogId,
  type LogIndex,
  ZERO_LOG_ID,
} from "../raft/types.ts";
import { decodeConfiguration } from "../raft/configuration.ts";
import { assert } from "../util/assert.ts";
import { EntryWindow } from "./entry_window.ts";
import {
  type Done,
  LogError,
  type LogRecovery,
  type LogStore,
} from "./port.ts";

/** Tunables of a {@linkcode MemoryLog}. */
export interface MemoryLogOptions {
  /** Runs a callback later, in order. @default {queueMicrotask} */
  readonly defer?: (run: () => void) => void;
  /** Payload bytes it may hold before `reserve` returns false. @default {Infinity} */
  readonly capacityBytes?: number;
  /** Keep a second copy that advances at each sync, for {@linkcode MemoryLog.crash}. @default {false} */
  readonly crashable?: boolean;
}

/** What a log holds, apart from when it became durable. */
class Contents {
  hardState: HardState = { term: 0, vote: null };
  base: LogId = ZERO_LOG_ID;
  readonly entries = new EntryWindow(1);

  get last(): LogId {
    const entry = this.entries.get(this.entries.last);
    return entry ? { term: entry.term, index: entry.index } : this.base;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.push(entry);
  }

  truncateAfter(index: LogIndex): void {
    this.entries.truncateAfter(index);
  }

  purge(to: LogId): void {
    this.base = to;
    this.entries.dropThrough(to.index);
  }

  reset(base: LogId): void {
    this.base = base;
    this.entries.restart(base.index + 1);
  }
}

/** A {@linkcode LogStore} without a disk: the in-memory twin for tests and for groups that keep nothing. */
export class MemoryLog implements LogStore {
  readonly #options: MemoryLogOptions;
  readonly #defer: (run: () => void) => void;
  readonly #now: Contents;
  #durable = new Contents();
  #unsynced: ((contents: Contents) => void)[] = [];
  #closed = false;
  #reserved = 0;
  #syncs = 0;

  /** An empty log. */
  constructor(options: MemoryLogOptions = {}) {
    this.#options = options;
    this.#defer = options.defer ?? queueMicrotask;
    this.#now = new Contents();
  }

  /** What a member starts from. */
  get recovery(): LogRecovery {
    const { hardState, base, entries } = this.#now;
    const all = entries.slice(entries.first, entries.last, Infinity) ?? [];
    return {
      hardState,
      base,
      entries: all.map(({ index, term, payload }) => ({
        index,
        term,
        bytes: payload.length,
      })),
      configs: all.filter(({ kind }) => kind === EntryKind.config).map((
        { index, payload },
      ) => ({ index, config: decodeConfiguration(payload) })),
    };
  }

  /** Completed syncs, for tests. */
  get syncs(): number {
    return this.#syncs;
  }

  get base(): LogId {
    return this.#now.base;
  }

  get last(): LogId {
    return this.#now.last;
  }

  get bytes(): number {
    return this.#now.entries.bytes;
  }

  reserve(_count: number, payloadBytes: number): boolean {
    const reserved = this.#reserved + payloadBytes;
    const { capacityBytes = Infinity } = this.#options;
    if (this.bytes + reserved > capacityBytes) return false;
    this.#reserved = reserved;
    return true;
  }

  unreserve(): void {
    this.#reserved = 0;
  }

  append(entries: readonly Entry[]): void {
    for (const { payload } of entries) this.#reserved -= payload.length;
    this.#reserved = Math.max(0, this.#reserved);
    this.#mutate((contents) => contents.append(entries));
  }

  truncateAfter(index: LogIndex): void {
    assert(index >= this.base.index, `truncate at ${index} below the base`);
    if (index >= this.last.index) return;
    this.#mutate((contents) => contents.truncateAfter(index));
  }

  saveHardState(hardState: HardState): void {
    this.#mutate((contents) => contents.hardState = hardState);
  }

  sync(done: Done): void {
    const covered = this.#unsynced;
    this.#unsynced = [];
    this.#defer(() => {
      if (this.#closed) return done(new LogError("io", "the log was closed"));
      for (const mutation of covered) mutation(this.#durable);
      this.#syncs++;
      done(null);
    });
  }

  termAt(index: LogIndex): number | undefined {
    return index === this.base.index
      ? this.base.term
      : this.#now.entries.get(index)?.term;
  }

  readCached(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
  ): Entry[] | undefined {
    return this.#now.entries.slice(from, to, maxBytes);
  }

  read(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
    done: (error: LogError | null, entries: Entry[]) => void,
  ): void {
    this.#defer(() => {
      if (this.#closed) done(new LogError("io", "the log was closed"), []);
      else done(null, this.readCached(from, to, maxBytes) ?? []);
    });
  }

  scrub(
    _budgetBytes: number,
    done: (error: LogError | null, finished: boolean) => void,
  ): void {
    done(null, true);
  }

  purge(to: LogId): void {
    if (to.index <= this.base.index) return;
    assert(to.index <= this.last.index, `purge to ${to.index} beyond the end`);
    this.#mutate((contents) => contents.purge(to));
  }

  reset(base: LogId): void {
    this.#mutate((contents) => contents.reset(base));
  }

  close(): void {
    this.#closed = true;
  }

  /**
   * What a restart after a crash at this moment would find: everything up to the
   * last completed sync. This log is closed; callbacks under way fail.
   */
  crash(): MemoryLog {
    assert(this.#options.crashable, "the log was not made crashable");
    this.#closed = true;
    const reopened = new MemoryLog(this.#options);
    const { hardState, base, entries } = this.#durable;
    reopened.#now.hardState = hardState;
    reopened.#now.reset(base);
    reopened.#now.append(
      entries.slice(entries.first, entries.last, Infinity) ?? [],
    );
    reopened.#durable = this.#durable;
    return reopened;
  }

  #mutate(mutation: (contents: Contents) => void): void {
    if (this.#closed) throw new LogError("io", "the log was closed");
    mutation(this.#now);
    if (this.#options.crashable) this.#unsynced.push(mutation);
  }
}
