import { assert } from "../util/assert.ts";
import { type Random, randomBetween } from "../util/random.ts";
import { ConfigStack } from "./config_stack.ts";
import type { RaftInit } from "./io.ts";
import type { RaftOptions } from "./options.ts";
import { LogIds } from "./log_ids.ts";
import { Outbox } from "./outbox.ts";
import { Persistence } from "./persistence.ts";
import type { Progress } from "./progress.ts";
import { ReadQueues } from "./read_queues.ts";
import type {
  Configuration,
  Entry,
  LogIndex,
  MemberId,
  Role,
  SnapshotMeta,
  Term,
} from "./types.ts";

/**
 * Everything a core knows. The modules of this folder are functions on it; only
 * {@linkcode RaftCore} has one. Plain fields throughout, so that a test can
 * copy a core and compare two.
 */
export class RaftState {
  readonly id: MemberId;
  readonly options: RaftOptions;
  readonly random: Random;

  term: Term;
  vote: MemberId | null;
  role: Role = "follower";
  leader: MemberId | null = null;

  readonly log: LogIds;
  configs: ConfigStack;
  commit: LogIndex;
  applied: LogIndex;
  readonly persistence: Persistence;
  readonly outbox: Outbox;

  /** Ticks since the start. */
  ticks = 0;
  /** Ticks since a leader was heard, a vote granted or a campaign begun; on a leader since the last quorum check. */
  electionElapsed = 0;
  /** Ticks after which to campaign; drawn anew for each campaign. */
  electionTimeout = 0;
  /** The connection to the leader broke: do not refuse votes on its behalf. */
  leaseLifted = false;

  /** Candidates: the replies of this campaign, by member. */
  votes: Map<MemberId, boolean> = new Map();
  /** Candidates: the own vote counts once this write is durable. */
  ownVoteWrite = 0;

  /** Leaders: ticks since the last heartbeat. */
  heartbeatElapsed = 0;
  /** Leaders: the number of the last round of heartbeats, and the tick at which it left. */
  round = 0;
  /** Leaders: when rounds left that may still extend the lease, oldest first. */
  roundTicks: { round: number; tick: number }[] = [];
  /** Leaders: the tick up to which nobody else can be elected. */
  leaseUntil = 0;
  /** Leaders: where the own term begins in the log. */
  termStart: LogIndex = 0;
  /** Leaders: the other members, sorted. */
  progress: Map<MemberId, Progress> = new Map();
  /** Leaders: what is committed is told with the next entries only, which are about to come. */
  commitsHeld = false;
  /** Leaders: the member that is to take over. */
  transferee: MemberId | null = null;
  transferElapsed = 0;
  /** Leaders: a member was told to campaign in this term, so the lease no longer excludes another leader. */
  leaseForfeited = false;

  readonly reads: ReadQueues;
  /** The snapshot that is replacing the state. */
  installing: SnapshotMeta | null = null;

  constructor(init: RaftInit, options: RaftOptions, random: Random) {
    this.id = init.id;
    this.options = options;
    this.random = random;
    this.term = init.hardState.term;
    this.vote = init.hardState.vote;
    this.log = new LogIds(init.base.last);
    this.configs = new ConfigStack(init.base);
    for (const { index, term, bytes } of init.entries) {
      assert(index === this.log.lastIndex + 1, `gap in the log at ${index}`);
      this.log.append(term, bytes);
    }
    assert(
      this.log.lastTerm <= this.term,
      `entry of term ${this.log.lastTerm} in a log of term ${this.term}`,
    );
    for (const { index, config } of init.configs) {
      assert(index <= this.log.lastIndex, `configuration beyond the log`);
      this.configs.push(index, config);
    }
    assert(
      init.applied >= init.base.last.index &&
        init.applied <= this.log.lastIndex,
      `applied ${init.applied} outside the log`,
    );
    this.commit = init.applied;
    this.applied = init.applied;
    this.configs.foldTo(this.commit);
    this.persistence = new Persistence(this.log.lastIndex);
    this.outbox = new Outbox(this.commit);
    // A restarted member must not take a reply to an earlier run's request for its own.
    this.reads = new ReadQueues(random.uint32() * 2 ** 20);
    drawElectionTimeout(this);
  }

  /** The configuration in effect. */
  get config(): Configuration {
    return this.configs.latest.config;
  }
}

/** Starts the election timer anew with another timeout. */
export function drawElectionTimeout(state: RaftState): void {
  const { electionTicks } = state.options;
  state.electionElapsed = 0;
  state.leaseLifted = false;
  state.electionTimeout = randomBetween(
    state.random,
    electionTicks,
    2 * electionTicks,
  );
}

/**
 * Whether this member may campaign: it is named as a voter, under its own
 * incarnation, and its state is whole. A member whose removal is not committed yet
 * may be the only one that can be elected (thesis §4.2.2).
 */
export function canCampaign(state: RaftState): boolean {
  return state.configs.namesVoter(state.id) && state.installing === null;
}

/** Term or vote changed. */
export function saveHardState(state: RaftState): void {
  state.persistence.saveHardState({ term: state.term, vote: state.vote });
}

/** Adds an entry to the log, durably later. */
export function appendToLog(state: RaftState, entry: Entry): void {
  state.log.append(entry.term, entry.payload.length);
  state.persistence.append(entry);
}

/** The envelope of a message to a member. */
export function envelope(
  state: RaftState,
  to: MemberId,
): { from: MemberId; to: MemberId; term: Term } {
  return { from: state.id, to, term: state.term };
}

/** Whether an entry of this leader's term is committed, and with it all before: only then does it know what is (§5.4.2, §8). */
export function committedInTerm(state: RaftState): boolean {
  return state.commit >= state.termStart;
}
