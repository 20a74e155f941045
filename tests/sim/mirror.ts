import {
  type Entry,
  type HardState,
  type LogId,
  type LogIndex,
  type MemberId,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";

/** What a log was told and what it promised to keep, written down beside it. */
export class Mirror {
  readonly member: MemberId;
  base: LogId = ZERO_LOG_ID;
  /** The entries after `base`. */
  entries: Entry[] = [];
  /** Entries up to here were reported durable. */
  durable: LogIndex = 0;
  /** Whether a sync was reported done that began when there was something. */
  kept = false;
  /** The last term and vote that were reported durable. */
  hardState: HardState = { term: 0, vote: null };
  latestHardState: HardState = this.hardState;
  readonly #trusting: boolean;
  readonly #syncs: { last: LogIndex; readonly hardState: HardState }[] = [];

  /** Of the log of `member`; `trusting`: what was handed to the system counts as durable. */
  constructor(member: MemberId, trusting: boolean) {
    this.member = member;
    this.#trusting = trusting;
  }

  get lastIndex(): LogIndex {
    return this.base.index + this.entries.length;
  }

  /** The entry at `index`; undefined outside. */
  at(index: LogIndex): Entry | undefined {
    return this.entries[index - this.base.index - 1];
  }

  /** The term at `index`, also at the base; undefined outside. */
  termAt(index: LogIndex): number | undefined {
    if (index === this.base.index) return this.base.term;
    return this.at(index)?.term;
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.entries.push(entry);
    if (!this.#trusting) return;
    this.durable = this.lastIndex;
    this.kept = true;
  }

  truncateAfter(index: LogIndex): void {
    this.entries.length = Math.max(0, index - this.base.index);
    this.durable = Math.min(this.durable, index);
    for (const sync of this.#syncs) sync.last = Math.min(sync.last, index);
  }

  purge(to: LogIndex): void {
    const count = to - this.base.index;
    if (count <= 0) return;
    const last = this.entries[count - 1]!;
    this.base = { index: last.index, term: last.term };
    this.entries.splice(0, count);
  }

  reset(base: LogId): void {
    this.entries = [];
    this.base = base;
    this.durable = base.index;
    for (const sync of this.#syncs) sync.last = base.index;
  }

  /** A sync begins; call the answer when it is reported done. */
  syncBegins(): () => void {
    const sync = { last: this.lastIndex, hardState: this.latestHardState };
    const something = this.lastIndex > 0;
    this.#syncs.push(sync);
    return () => {
      const at = this.#syncs.indexOf(sync);
      if (at < 0) return;
      this.#syncs.splice(0, at + 1);
      this.durable = Math.max(this.durable, sync.last);
      this.hardState = sync.hardState;
      this.kept ||= something;
    };
  }

  /** A restart found this; all of it is on the platter. */
  restore(base: LogId, entries: Entry[], hardState: HardState): void {
    this.base = base;
    this.entries = entries;
    this.durable = this.lastIndex;
    this.hardState = hardState;
    this.latestHardState = hardState;
  }

  /** The process ended: only promises remain. */
  processEnded(): void {
    this.#syncs.length = 0;
    this.latestHardState = this.hardState;
  }
}
