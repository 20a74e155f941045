import type { LogError, LogStore } from "../log/port.ts";
import type { AppendEntries } from "../raft/messages.ts";
import type { Entry, MemberId } from "../raft/types.ts";

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
      queue.push(message);
    } else if (!this.#fromMemory(message)) {
      this.#waiting.set(message.to, [message]);
      this.#fromDisk(message);
    }
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

  #fromDisk(message: AppendEntries): void {
    this.#log.read(
      message.prev.index + 1,
      message.last,
      Infinity,
      (error, entries) => {
        if (error !== null) return this.#fail(error);
        this.#sendWith(message, entries);
        this.#next(message.to);
      },
    );
  }

  #next(to: MemberId): void {
    const queue = this.#waiting.get(to)!;
    queue.shift();
    while (queue.length > 0) {
      if (!this.#fromMemory(queue[0]!)) return this.#fromDisk(queue[0]!);
      queue.shift();
    }
    this.#waiting.delete(to);
  }

  /** An empty range was purged meanwhile, or truncated and rewritten: dropped, as a network may. */
  #sendWith(message: AppendEntries, entries: readonly Entry[]): void {
    const last = entries.at(-1);
    if (last === undefined || last.term > message.term) return;
    if (this.#log.termAt(message.prev.index) !== message.prev.term) return;
    this.#send({ ...message, entries, last: last.index });
  }
}
