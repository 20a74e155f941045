import type { GroupMessage } from "../../src/group/messages.ts";
import {
  decodeConfiguration,
  isJoint,
  isVoter,
} from "../../src/raft/configuration.ts";
import type { RaftStatus } from "../../src/raft/io.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type MemberId,
  type Role,
  type Term,
} from "../../src/raft/types.ts";
import type { SimMember } from "./member.ts";
import type { Probes } from "./probes.ts";

/** Notices rare paths from outside of the code under test. */
export class Watch {
  readonly #probes: Probes;
  #leader: MemberId | null = null;
  /** The term in which the newest joint configuration was made. */
  #jointTerm: Term = 0;
  #learners: ReadonlySet<MemberId> = new Set();

  /** Counts into `probes`. */
  constructor(probes: Probes) {
    this.#probes = probes;
  }

  /** A message leaves. */
  sent(message: GroupMessage): void {
    if (message.type === "appendReply" && !message.ok) {
      this.#probes.hit("conflictHint");
    } else if (
      message.type === "voteReply" && message.preVote && !message.granted
    ) {
      this.#probes.hit("preVoteRefused");
    }
  }

  /** A message arrives. */
  received({ core, member, state }: SimMember, message: GroupMessage): void {
    if (member !== message.to) this.#probes.hit("replayedToLaterIncarnation");
    const { config } = core;
    if (config.voters.length === 0) this.#probes.hit("amnesiacHeard");
    if (message.type === "requestVote" && config.learners.includes(member)) {
      this.#probes.hit("voteAskedOfLearner");
    }
    if (
      message.type === "appendEntries" && message.entries.length > 0 &&
      (state.installing || state.receiving)
    ) this.#probes.hit("snapshotRace");
  }

  /** A member became leader. */
  elected({ member, core }: SimMember): void {
    this.#probes.hit("elected");
    if (this.#leader !== null && this.#leader !== member) {
      this.#probes.hit("leaderReplaced");
    }
    this.#leader = member;
    if (isJoint(core.config)) this.#probes.hit("jointLeaderChange");
  }

  /** A member's role changed. */
  turned({ member, core }: SimMember, before: Role, term: Term): void {
    if (before !== "leader" || core.role === "leader") return;
    if (core.term !== term) return;
    this.#probes.hit(
      isVoter(core.config, member)
        ? "steppedDownWithoutQuorum"
        : "removedLeaderSteppedDown",
    );
  }

  /** A leader appended entries of its own. */
  appended(entries: readonly Entry[], before: Configuration): void {
    for (const entry of entries) {
      if (entry.kind !== EntryKind.config) continue;
      if (isJoint(decodeConfiguration(entry.payload))) {
        this.#probes.hit("joint");
        this.#jointTerm = entry.term;
      } else if (isJoint(before)) {
        this.#probes.hit("jointLeft");
        if (entry.term !== this.#jointTerm) {
          this.#probes.hit("leftoverJointFinished");
        }
      }
    }
  }

  /** A configuration was committed. */
  committed(config: Configuration): void {
    if (config.voters.some((voter) => this.#learners.has(voter))) {
      this.#probes.hit("learnerPromoted");
    }
    this.#learners = new Set(config.learners);
  }

  /** What a leader knows of the others. */
  progress(status: RaftStatus): void {
    for (const { state, match, next } of status.progress) {
      if (state !== "replicate" || next > status.last.index) continue;
      if (next > match + 1) this.#probes.hit("windowFull");
    }
  }
}
