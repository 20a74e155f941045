import type { RaftCore } from "../raft/core.ts";
import type { LogIndex, MemberId } from "../raft/types.ts";

/** A member heard from within this many ticks counts as catching up. */
const HEARD_TICKS = 40;
/** Members that catch up keep at most this many times the usual tail. */
const TAILS_MAX = 16;

/**
 * How much of the log must be kept. A member that catches up slower than the log
 * is purged would need one snapshot after the other, and never arrive.
 */
export class Retention {
  readonly #core: RaftCore;
  readonly #tail: number;
  /** When members were last heard, in ticks. */
  readonly #heard = new Map<MemberId, number>();

  /** Keeps `tail` entries behind the durable state for every member. */
  constructor(core: RaftCore, tail: number) {
    this.#core = core;
    this.#tail = tail;
  }

  /** Call it every tick. */
  tick(now: number): void {
    if (this.#core.role !== "leader") return this.#heard.clear();
    for (const { member, recentlyActive } of this.#core.status().progress) {
      if (recentlyActive) this.#heard.set(member, now);
    }
  }

  /**
   * Up to where the log may be purged, given what is durable in the state and
   * where the oldest snapshot on its way ends, if there is one.
   */
  limit(now: number, durable: LogIndex, snapshot: LogIndex | null): LogIndex {
    const usual = durable - this.#tail;
    let needed = Math.min(usual, snapshot ?? usual);
    if (this.#core.role === "leader") {
      for (
        const { member, state, match, next } of this.#core.status().progress
      ) {
        const heard = this.#heard.get(member);
        if (heard === undefined || now - heard > HEARD_TICKS) continue;
        if (state === "replicate") needed = Math.min(needed, match);
        if (state === "probe") needed = Math.min(needed, next - 1);
      }
    }
    return Math.max(needed, durable - TAILS_MAX * this.#tail);
  }
}
