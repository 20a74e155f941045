import type { AppendEntries } from "../raft/messages.ts";
import { EntryKind, type Term } from "../raft/types.ts";

/** A follower's own time counts for so many election timeouts after it heard the leader's clock; more would pass without a leader. */
const UNHEARD_TIMEOUTS = 2;

/**
 * Milliseconds during which the cluster had a leader, as far as this member knows. A leader
 * counts its own time and stamps entries with it; heartbeats carry it, so that
 * the next leader goes on from there. It ignores wall clocks, never goes back,
 * and stands still while nobody leads: what is to last for a while lasts that
 * long at least. Only what stands in entries is replicated state; the rest keeps
 * it accurate.
 */
export class ClusterClock {
  readonly #electionMs: number;
  readonly #sinceTickMs: () => number;
  /** As of the last entry applied here. */
  #applied: number;
  /** What a leader said last; of a leader what its clock was at its last tick. */
  #heard = 0;
  /** This member's own time from then to its last tick; negative if that tick was before. */
  #since = 0;
  /** The leader that said so led in this term. */
  #heardIn: Term = 0;
  #leads = false;
  #stamped = 0;

  /** Continues from what the state machine has applied; `sinceTickMs` says how much time {@linkcode tick} has not told yet. */
  constructor(
    appliedMs: number,
    electionMs: number,
    sinceTickMs: () => number = () => 0,
  ) {
    this.#applied = appliedMs;
    this.#electionMs = electionMs;
    this.#sinceTickMs = sinceTickMs;
  }

  /** Whole milliseconds: a leader's clock, or what this member would begin with if it led now. */
  get ms(): number {
    return Math.floor(this.#now);
  }

  /** For an entry that a leader is about to append. An older time would end too early what lives for a while from it on. */
  stamp(): number {
    this.#stamped = Math.max(this.#stamped, this.ms);
    return this.#stamped;
  }

  get #now(): number {
    const own = this.#since + this.#untold;
    const most = this.#leads ? own : Math.min(own, this.#unheardMost);
    return Math.max(this.#applied, this.#heard + most);
  }

  get #unheardMost(): number {
    return UNHEARD_TIMEOUTS * this.#electionMs;
  }

  /** Time since the last tick, of which the next one will tell. */
  get #untold(): number {
    return Math.min(this.#sinceTickMs(), this.#electionMs);
  }

  /** So much of this member's monotonic time passed. One step counts an election timeout at most: who was frozen for longer cannot know that it led meanwhile. */
  tick(elapsedMs: number): void {
    const ms = Math.min(elapsedMs, this.#electionMs);
    if (this.#leads) this.#heard += ms;
    else if (this.#heard > 0) {
      this.#since = Math.min(this.#since + ms, this.#unheardMost);
    }
  }

  /** Leadership in `term` was won, or lost. */
  lead(leads: boolean, term: Term): void {
    if (this.#leads === leads) return;
    // What the next tick tells of begins at the last one.
    this.#heard = this.#now - this.#untold;
    this.#leads = leads;
    this.#since = 0;
    if (!leads) return;
    this.#heardIn = term;
    // What it stamped in an earlier term may be ahead of leaders since.
    this.#stamped = 0;
  }

  /**
   * The leader of `term` sent something. It may have begun behind what leaders of earlier terms say, of which
   * it did not hear: with their time, what lives for a while from its entries on would end too early.
   */
  follow(term: Term): void {
    if (this.#leads || term <= this.#heardIn) return;
    this.#heardIn = term;
    this.#heard = 0;
    this.#since = 0;
  }

  /**
   * The leader of `term` said so, with a heartbeat or by an entry that it stamped. What it said earlier and comes
   * late says nothing new; what it says again it says of now, for the clock of one that stalls stands still.
   */
  heard(clockMs: number, term: Term): void {
    this.follow(term);
    if (this.#leads || clockMs < this.#heard) return;
    this.#heard = clockMs;
    // The next tick tells also of time before this.
    this.#since = -this.#untold;
  }

  /**
   * The leader of `term` sent entries; `stampOf` tells the clock of those that it stamped. If this member leads next,
   * it must not be ahead of them, as it would be with what it counted by itself while that leader stalled.
   */
  received(
    { term, entries }: Pick<AppendEntries, "term" | "entries">,
    stampOf: (payload: Uint8Array) => number,
  ): void {
    this.follow(term);
    if (term !== this.#heardIn) return;
    const own = entries.findLast((entry) =>
      entry.term === term && entry.kind === EntryKind.command
    );
    if (own !== undefined) this.heard(stampOf(own.payload), term);
  }

  /** The state machine has applied an entry with this clock. */
  applied(clockMs: number): void {
    this.#applied = Math.max(this.#applied, clockMs);
    // A new leader may not have applied yet what its log says.
    if (!this.#leads) return;
    this.#heard = Math.max(this.#heard, clockMs - this.#untold);
  }
}
