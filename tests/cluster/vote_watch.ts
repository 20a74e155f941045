import { decodeMessage } from "../../src/network/raft_codec.ts";
import type { Message } from "../../src/raft/messages.ts";
import type { MemberId } from "../../src/raft/types.ts";

/**
 * Finds the votes of one life of a group among the messages on the wire, and who contradicts itself: a voter
 * has one vote in each term, and a term has one leader. What members say of themselves does not count.
 */
export class VoteWatch {
  readonly #group: number;
  /** Voter and term → whom it chose. */
  readonly #votes = new Map<string, MemberId>();
  readonly #leaders = new Map<string, MemberId>();
  readonly #voters = new Set<MemberId>();
  readonly #contradictions = new Set<string>();

  /** Looks at one group only. */
  constructor(group: number) {
    this.#group = group;
  }

  /** How many votes were given, each counted once, however often it was sent. */
  get votes(): number {
    return this.#votes.size;
  }

  /** How many leaders there were, each in its term. */
  get leaders(): number {
    return this.#leaders.size;
  }

  /** Everybody who gave a vote. */
  get voters(): ReadonlySet<MemberId> {
    return this.#voters;
  }

  /** What must never be. */
  get contradictions(): readonly string[] {
    return [...this.#contradictions];
  }

  /** Hears a Raft message as it travels. */
  hear(bytes: Uint8Array): void {
    const { group, message } = decodeMessage(bytes);
    if (group === this.#group) this.#note(message);
  }

  #note(message: Message): void {
    const { from, to, term } = message;
    switch (message.type) {
      case "requestVote":
        if (!message.preVote) this.#vote(from, term, from);
        break;
      case "voteReply":
        if (!message.preVote && message.granted) this.#vote(from, term, to);
        break;
      case "appendEntries":
      case "heartbeat":
        this.#once(this.#leaders, `leader of term ${term}`, from);
    }
  }

  /** Who asks for votes has given its own to itself. */
  #vote(voter: MemberId, term: number, candidate: MemberId): void {
    this.#voters.add(voter);
    this.#once(this.#votes, `vote of ${voter} in term ${term}`, candidate);
  }

  #once(chosen: Map<string, MemberId>, what: string, member: MemberId): void {
    const before = chosen.get(what) ?? member;
    chosen.set(what, before);
    if (before !== member) {
      this.#contradictions.add(`${what}: ${before} and ${member}`);
    }
  }
}
