import type { GroupMessage } from "../../src/group/messages.ts";
import type { RaftStatus } from "../../src/raft/io.ts";
import type { LogIndex, MemberId, Term } from "../../src/raft/types.ts";
import type { Mirror } from "./mirror.ts";
import { Violation } from "./violation.ts";

/** Checks what members tell one another: promises are durable before they leave, a voter has one vote in each term, a term one leader. */
export class PromiseOracle {
  readonly #leaders = new Map<Term, MemberId>();
  readonly #votes = new Map<string, MemberId>();
  /** By leader and term: what it knew of its members last. */
  readonly #matches = new Map<string, Map<MemberId, LogIndex>>();

  /** A message is about to leave: its promises must be durable. */
  sent(mirror: Mirror, message: GroupMessage): void {
    const { member, hardState } = mirror;
    switch (message.type) {
      case "voteReply": {
        if (message.preVote || !message.granted) return;
        const kept = hardState.term > message.term ||
          (hardState.term === message.term && hardState.vote === message.to);
        if (!kept) this.#unsynced(member, `a vote in term ${message.term}`);
        const key = `${member}:${message.term}`;
        const before = this.#votes.get(key);
        if (before !== undefined && before !== message.to) {
          throw new Violation(
            "one vote per term",
            `${member} voted for ${before} and ${message.to} in term ${message.term}`,
          );
        }
        this.#votes.set(key, message.to);
        return;
      }
      case "requestVote":
        if (message.preVote || hardState.term >= message.term) return;
        return this.#unsynced(member, `candidacy in term ${message.term}`);
      case "appendReply":
        // Held until it was durable, and meanwhile out of date: as if the network had kept it.
        if (!message.ok || message.term < mirror.latestHardState.term) return;
        if (hardState.term < message.term) {
          return this.#unsynced(member, `term ${message.term}`);
        }
        if (message.index > mirror.durable) {
          return this.#unsynced(member, `entry ${message.index}`);
        }
        return;
      case "appendEntries":
      case "heartbeat":
        return this.leads(message.from, message.term);
    }
  }

  /** A member leads in a term: nobody else does. */
  leads(member: MemberId, term: Term): void {
    const leader = this.#leaders.get(term);
    if (leader === undefined) this.#leaders.set(term, member);
    else if (leader !== member) {
      throw new Violation(
        "election safety",
        `${leader} and ${member} lead in term ${term}`,
      );
    }
  }

  /** Progress on a leader only grows within a term, where what is acknowledged stays. */
  progress(status: RaftStatus): void {
    const key = `${status.id}:${status.term}`;
    const before = this.#matches.get(key);
    const now = new Map<MemberId, LogIndex>();
    for (const { member, match } of status.progress) {
      now.set(member, match);
      if (match >= (before?.get(member) ?? 0)) continue;
      throw new Violation(
        "monotonic match",
        `${key} has ${member} at ${match}, was ${before!.get(member)}`,
      );
    }
    this.#matches.set(key, now);
  }

  #unsynced(member: MemberId, what: string): never {
    throw new Violation("promise before sync", `${member} sent ${what}`);
  }
}
