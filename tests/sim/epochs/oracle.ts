import type { GroupMessage } from "../../../src/group/messages.ts";
import type { Entry, LogIndex, MemberId } from "../../../src/raft/types.ts";
import { bytesEqual } from "../bytes.ts";
import { Violation } from "../violation.ts";

/** A put that was acknowledged. */
export interface Acknowledged {
  readonly index: LogIndex;
  readonly key: string;
}

/** One life of the group, as all members together show it. */
class Life {
  readonly applied = new Map<LogIndex, Entry>();
  readonly acknowledged: Acknowledged[] = [];
}

/** Sees everything and checks what decision 46 promises. */
export class EpochOracle {
  readonly #lives = new Map<number, Life>();
  readonly #votes = new Map<string, MemberId>();
  #epoch = 0;

  /** The present life by the durable facts. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Puts that were acknowledged in a life. */
  acknowledgedIn(epoch: number): readonly Acknowledged[] {
    return this.#life(epoch).acknowledged;
  }

  /** A new life begins by the facts; `able` are members of the last one that could still commit something there. */
  begins(epoch: number, able: readonly MemberId[]): void {
    if (epoch !== this.#epoch + 1) {
      throw new Violation("one life after the other", `${epoch}`);
    }
    this.#epoch = epoch;
    if (able.length === 0) return;
    throw new Violation("a living group was given up", `led by ${able}`);
  }

  /** A member sends something. */
  sent(epoch: number, message: GroupMessage): void {
    const { from, to, term } = message;
    switch (message.type) {
      case "requestVote":
        if (!message.preVote) this.#once(`vote of ${from} in ${term}`, from);
        break;
      case "voteReply":
        if (!message.preVote && message.granted) {
          this.#once(`vote of ${from} in ${term}`, to);
        }
        break;
      case "heartbeat":
      case "appendEntries":
        this.#once(`leader of ${term} in epoch ${epoch}`, from);
    }
  }

  /** A member applied entries. */
  applied(epoch: number, entries: readonly Entry[]): void {
    const { applied } = this.#life(epoch);
    for (const entry of entries) {
      const other = applied.get(entry.index) ?? entry;
      applied.set(entry.index, other);
      const same = other.term === entry.term &&
        bytesEqual(other.payload, entry.payload);
      if (same) continue;
      throw new Violation(
        "one history",
        `entry ${entry.index} of epoch ${epoch} has terms ${other.term} and ${entry.term}`,
      );
    }
  }

  /** A put was acknowledged in `epoch`; when it was proposed, the facts were at `since`. */
  acknowledged(epoch: number, since: number, put: Acknowledged): void {
    this.#mustLive("an acknowledgement", epoch, since);
    this.#life(epoch).acknowledged.push(put);
  }

  /** A linearizable read in `epoch` may be answered at `index`; it began when `known` puts were acknowledged there, and the facts were at `since`. */
  read(epoch: number, since: number, known: number, index: LogIndex): void {
    this.#mustLive("a read", epoch, since);
    const newest = this.acknowledgedIn(epoch).slice(0, known)
      .reduce((most, put) => Math.max(most, put.index), 0);
    if (index < newest) {
      throw new Violation("stale read", `at ${index}, behind ${newest}`);
    }
  }

  /** What is asked for after others have given a life up is answered by nobody in it. */
  #mustLive(what: string, epoch: number, since: number): void {
    if (since <= epoch) return;
    throw new Violation(
      "a life that is over",
      `${what} in epoch ${epoch}, asked for in epoch ${since}`,
    );
  }

  #once(what: string, member: MemberId): void {
    const before = this.#votes.get(what) ?? member;
    this.#votes.set(what, before);
    if (before === member) return;
    throw new Violation(
      "one vote, one leader",
      `${what}: ${before}, ${member}`,
    );
  }

  #life(epoch: number): Life {
    let life = this.#lives.get(epoch);
    if (life === undefined) this.#lives.set(epoch, life = new Life());
    return life;
  }
}
