/** A single core, alone with the test: making it, talking to it, reading it. */
import assert from "node:assert/strict";
import { RaftCore } from "../../../src/raft/core.ts";
import type {
  Outcome,
  RaftInit,
  RaftOptions,
  RaftStatus,
} from "../../../src/raft/io.ts";
import type { Message } from "../../../src/raft/messages.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../../src/raft/options.ts";
import type {
  Configuration,
  HardState,
  MemberId,
} from "../../../src/raft/types.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { accepted, vote } from "../make.ts";
import { configOf, members, THREE } from "./configurations.ts";

/** Few ticks, so that traces stay short. */
export const TEST_OPTIONS: RaftOptions = {
  ...DEFAULT_RAFT_OPTIONS,
  electionTicks: 10,
  heartbeatTicks: 1,
};

/** An init for a core whose log has entries of these terms, with no configuration entry. */
export function initOf(
  id: MemberId,
  config: Configuration,
  terms: readonly number[] = [],
  hardState: HardState = { term: terms.at(-1) ?? 0, vote: null },
): RaftInit {
  return {
    id,
    hardState,
    base: { last: { term: 0, index: 0 }, config },
    entries: terms.map((term, i) => ({ index: i + 1, term, bytes: 1 })),
    configs: [],
    applied: 0,
  };
}

/** A core from this init. */
export function coreOf(
  init: RaftInit,
  options: Partial<RaftOptions> = {},
  seed = 1,
): RaftCore {
  return new RaftCore(
    init,
    { ...TEST_OPTIONS, ...options },
    new SeededRandom(seed),
  );
}

/** Member 1 of three voters, in `term`; its log has entries of `terms`. */
export function followerOf(
  terms: readonly number[],
  term: number = terms.at(-1) ?? 0,
  options: Partial<RaftOptions> = {},
): RaftCore {
  return coreOf(initOf("1", THREE, terms, { term, vote: null }), options);
}

/** Member 1 leads the term after `terms`; everyone acknowledged its no-op. */
export function leaderOf(
  options: Partial<RaftOptions> = {},
  voters = 3,
  terms: readonly number[] = [],
): RaftCore {
  const others = members(voters).slice(1);
  const core = coreOf(initOf("1", configOf(members(voters)), terms), options);
  tickUntilCampaign(core);
  win(core, others);
  for (const from of others) {
    receive(core, accepted(core.term, core.lastIndex, { from }));
  }
  assert.equal(core.commit, terms.length + 1);
  return core;
}

/** These grant a campaigning core what it asks for, and it leads; what it then sends. */
export function win(
  core: RaftCore,
  voters: readonly MemberId[] = ["2"],
): Message[] {
  const rounds = core.role === "precandidate" ? [true, false] : [false];
  const term = core.role === "precandidate" ? core.term + 1 : core.term;
  let messages: Message[] = [];
  for (const preVote of rounds) {
    for (const from of voters) {
      messages = receive(core, vote(term, true, { from, preVote }));
    }
  }
  assert.equal(core.role, "leader");
  return messages;
}

/** Takes everything out, with every write durable at once; the messages in order. */
export function drain(core: RaftCore): Message[] {
  const messages: Message[] = [];
  for (let i = 0; core.hasReady(); i++) {
    assert(i < 1000, "the core never comes to rest");
    const { persist, send, sendAfterPersist } = core.takeReady();
    messages.push(...send);
    if (persist !== null) core.step({ kind: "persisted", id: persist.id });
    messages.push(...sendAfterPersist);
  }
  return messages;
}

/** Hands a message in, and takes nothing out. */
export function deliver(core: RaftCore, message: Message): void {
  core.step({ kind: "message", message });
}

/** Hands a message in and takes the answers out. */
export function receive(core: RaftCore, message: Message): Message[] {
  deliver(core, message);
  return drain(core);
}

/** Lets time pass, and takes nothing out. */
export function tick(core: RaftCore, count = 1): void {
  for (let i = 0; i < count; i++) core.step({ kind: "tick" });
}

/** Ticks until the core campaigns; it becomes candidate (or precandidate) or leader. */
export function tickUntilCampaign(core: RaftCore): Message[] {
  for (let i = 0; i < 100; i++) {
    tick(core);
    const messages = drain(core);
    if (core.role !== "follower") return messages;
  }
  throw new Error("no campaign within 100 ticks");
}

/** What a leader knows of a member. */
export function progressOf(
  core: RaftCore,
  id: MemberId = "2",
): RaftStatus["progress"][number] {
  const found = core.status().progress.find(({ member }) => member === id);
  assert(found !== undefined, `no progress of ${id}`);
  return found;
}

/** Why a request was refused, or what else came of it. */
export function reasonOf(outcome: Outcome): string {
  return outcome.kind === "refused" ? outcome.reason : outcome.kind;
}
