import type { LogError, LogStore } from "../log/port.ts";
import type { AppendEntries } from "../raft/messages.ts";
import type { Entry, MemberId } from "../raft/types.ts";

/** Messages to one member that wait for the disk; more are dropped, as a network may. */
const WAITING_MAX = 512;

/**
 * Fills AppendEntries with entries and keeps their order per receiver: a message
 * that waits for the disk holds back the later ones, which would be rejected if
 * they overtook it.
 */
export class AppendOutbox {
  readonly #log: LogStore;
  readonly #send: (message: AppendEntries) => void;
  readonly #fail: (error: LogError) => void;
  readonly #waiting = new Map<MemberId, AppendEntries[]>();

  /** Messages leave through `send`; a damaged log is reported to `fail`. */
  constructor(
    log: LogStore,
    send: (message: AppendEntries) => void,
    fail: (error: LogError) => void,
  ) {
    this.#log = log;
    this.#send = send;
    this.#fail = fail;
  }

  /** Sends a message whose entries are still to be put in. */
  push(message: AppendEntries): void {
    const queue = this.#waiting.get(message.to);
    if (queue !== undefined) {
      if (queue.length < WAITING_MAX) queue.push(message);
    } else if (!this.#fromMemory(message)) {
      this.#waiting.set(message.to, [message]);
      this.#pump(message.to);
    }
  }

  /** Sends what is due to `to`, until something has to wait for the disk. */
  #pump(to: MemberId): void {
    const queue = this.#waiting.get(to)!;
    for (let message; (message = queue[0]) !== undefined; queue.shift()) {
      if (!this.#fromMemory(message) && !this.#fromDisk(message)) return;
    }
    this.#waiting.delete(to);
  }

  #fromMemory(message: AppendEntries): boolean {
    if (message.last === message.prev.index) {
      this.#send(message);
      return true;
    }
    const entries = this.#log.readCached(
      message.prev.index + 1,
      message.last,
      Infinity,
    );
    if (entries === undefined) return false;
    this.#sendWith(message, entries);
    return true;
  }

  /** Returns false if the disk is still reading; then the rest is sent once it is done. */
  #fromDisk(message: AppendEntries): boolean {
    let [waited, finished] = [false, false];
    this.#log.read(
      message.prev.index + 1,
      message.last,
      Infinity,
      (error, entries) => {
        if (error !== null) return this.#fail(error);
        this.#sendWith(message, entries);
        finished = true;
        if (!waited) return;
        this.#waiting.get(message.to)!.shift();
        this.#pump(message.to);
      },
    );
    waited = true;
    return finished;
  }

  /** If the range was purged, or truncated and rewritten meanwhile, the message is dropped, as a network may. */
  #sendWith(message: AppendEntries, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined || last.term > message.term) return;
    if (this.#log.termAt(message.prev.index) !== message.prev.term) return;
    this.#send({ ...message, entries, last: last.index });
  }
}
