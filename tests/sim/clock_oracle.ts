import { peekClock } from "../../src/state/envelope.ts";
import {
  type Entry,
  EntryKind,
  type LogIndex,
  type MemberId,
  type Term,
} from "../../src/raft/types.ts";
import { Violation } from "./violation.ts";

/** The fastest clock that a plan draws shows so many ms in one. */
const FASTEST_CLOCK = 1 / 0.6;

/** Checks that the cluster clock never goes back, is the same for all, and never gains on time. */
export class ClockOracle {
  readonly #now: () => number;
  readonly #steady: () => boolean;
  /** The clock once each committed entry is applied, from the first on. */
  readonly #clocks: number[] = [];
  /** By term and stamp: when it was made, the first and the last time. */
  readonly #stampedAt = new Map<
    string,
    { readonly first: number; readonly last: number }
  >();
  /** The least by which the clock of a committed entry was ahead of virtual time. */
  #leastAhead = Infinity;
  /** The last committed stamp. */
  #stamp = { term: 0, clockMs: 0 };

  /** `now` is virtual time; `steady` whether all clocks have run with it so far. */
  constructor(now: () => number, steady: () => boolean) {
    this.#now = now;
    this.#steady = steady;
  }

  /** A leader, whose clock is `ownMs` and its state's `appliedMs`, stamped something with `clockMs`. */
  stamped(
    member: MemberId,
    term: Term,
    clockMs: number,
    ownMs: number,
    appliedMs: number,
  ): void {
    const key = `${term} ${clockMs}`;
    const now = this.#now();
    this.#stampedAt.set(key, {
      first: this.#stampedAt.get(key)?.first ?? now,
      last: now,
    });
    if (clockMs === ownMs && clockMs >= appliedMs) return;
    throw new Violation(
      "cluster clock",
      `${member} stamped ${clockMs} at ${ownMs}, having applied ${appliedMs}`,
    );
  }

  /** A leader was told of a tick: its clock went on by `advancedMs` since the last one, of `passedMs` that it must count. */
  ticked(member: MemberId, advancedMs: number, passedMs: number): void {
    if (advancedMs >= passedMs - 1) return;
    throw new Violation(
      "cluster clock",
      `${member} counted ${advancedMs} ms in a tick of ${passedMs} ms`,
    );
  }

  /** A member's state at `index` has this clock. */
  clockAt(member: MemberId, index: LogIndex, clockMs: number): void {
    const expected = this.#clockAt(index);
    if (clockMs === expected) return;
    throw new Violation(
      "cluster clock",
      `${member} has ${clockMs} at ${index}, where it is ${expected}`,
    );
  }

  #clockAt(index: LogIndex): number {
    return index === 0 ? 0 : this.#clocks[index - 1]!;
  }

  /** The next entry is committed. */
  committed(entry: Entry): void {
    this.#clocks.push(this.#clockAfter(entry));
  }

  /** Never back, and never faster than time. */
  #clockAfter({ index, kind, payload, term }: Entry): number {
    const before = this.#clockAt(index - 1);
    if (kind !== EntryKind.command) return before;
    const clockMs = peekClock(payload);
    const now = this.#now();
    if (clockMs > now * FASTEST_CLOCK + 1) {
      throw new Violation(
        "cluster clock",
        `entry ${index} says ${clockMs} after ${now} ms`,
      );
    }
    if (this.#stamp.term === term && clockMs < this.#stamp.clockMs) {
      throw new Violation(
        "cluster clock",
        `entry ${index} of term ${term} says ${clockMs} after ${this.#stamp.clockMs}`,
      );
    }
    this.#stamp = { term, clockMs };
    const after = Math.max(before, clockMs);
    this.#keepsTime(index, `${term} ${clockMs}`, after);
    return after;
  }

  /** What lives for a while from an earlier entry on lives that long: the clock never gains on time. */
  #keepsTime(index: LogIndex, key: string, clockMs: number): void {
    const at = this.#stampedAt.get(key);
    if (at === undefined || !this.#steady()) return;
    const gainedMs = clockMs - at.last - this.#leastAhead;
    if (gainedMs > 2) {
      throw new Violation(
        "cluster clock",
        `entry ${index} says ${clockMs}, ${gainedMs} ms more than have passed since an earlier one`,
      );
    }
    this.#leastAhead = Math.min(this.#leastAhead, clockMs - at.first);
  }
}
