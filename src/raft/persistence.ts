import { assert } from "../util/assert.ts";
import type { Persist } from "./io.ts";
import type { Entry, HardState, LogIndex } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = [];

/**
 * What must become durable, and what is. An index counts as durable only if no
 * write that is still on its way cuts the log below it (the ABA rule: an
 * acknowledgement older than truncate and rewrite proves nothing).
 */
export class Persistence {
  /** Everything up to here is durable and will stay. */
  durable: LogIndex;
  private hardState: HardState | null = null;
  private truncation: LogIndex | null = null;
  private entries: Entry[] = [];
  private nextId = 1;
  private durableId = 0;
  /** Taken and not yet durable, oldest first; `last` is capped by later truncations. */
  private outstanding: { id: number; last: LogIndex }[] = [];

  /** Starts with a log that is durable up to `durable`. */
  constructor(durable: LogIndex) {
    this.durable = durable;
  }

  /** Whether there is something to take. */
  get pending(): boolean {
    return this.hardState !== null || this.truncation !== null ||
      this.entries.length > 0;
  }

  /** The id that what is pending will have. */
  get pendingId(): number {
    return this.nextId;
  }

  /** Term or vote changed. */
  saveHardState(hardState: HardState): void {
    this.hardState = hardState;
  }

  /** An entry was appended. */
  append(entry: Entry): void {
    this.entries.push(entry);
  }

  /** Every entry above `index` was dropped. */
  truncateAfter(index: LogIndex): void {
    this.durable = Math.min(this.durable, index);
    for (const write of this.outstanding) {
      write.last = Math.min(write.last, index);
    }
    const first = this.entries[0]?.index;
    if (first !== undefined && index >= first - 1) {
      this.entries.length = index - first + 1;
    } else {
      this.entries = [];
      this.truncation = Math.min(this.truncation ?? index, index);
    }
  }

  /** A snapshot replaced the log, durably. */
  reset(index: LogIndex): void {
    assert(
      this.truncation === null && this.entries.length === 0,
      "entries appended while a snapshot was installed",
    );
    this.durable = index;
    for (const write of this.outstanding) write.last = index;
  }

  /** Hands out what is pending; `last` is the log's last index. */
  take(last: LogIndex): Persist | null {
    if (!this.pending) return null;
    const id = this.nextId++;
    const persist: Persist = {
      id,
      ...(this.hardState === null ? {} : { hardState: this.hardState }),
      ...(this.truncation === null ? {} : { truncateAfter: this.truncation }),
      entries: this.entries.length === 0 ? NO_ENTRIES : this.entries,
    };
    this.outstanding.push({ id, last });
    this.hardState = null;
    this.truncation = null;
    this.entries = [];
    return persist;
  }

  /** Everything up to the write with this id is durable. */
  complete(id: number): void {
    assert(id < this.nextId, `persisted ${id} was never asked for`);
    this.durableId = Math.max(this.durableId, id);
    let done = 0;
    while (done < this.outstanding.length && this.outstanding[done]!.id <= id) {
      this.durable = Math.max(this.durable, this.outstanding[done]!.last);
      done++;
    }
    this.outstanding.splice(0, done);
  }

  /** Whether the write with this id is durable. */
  isDurable(id: number): boolean {
    return id <= this.durableId;
  }
}
