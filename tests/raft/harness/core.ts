import assert from "node:assert/strict";
import { RaftCore } from "../../../src/raft/core.ts";
import type { RaftInit } from "../../../src/raft/io.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../../src/raft/options.ts";
import type {
  Configuration,
  HardState,
  MemberId,
} from "../../../src/raft/types.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { accepted } from "../make.ts";
import { configOf, members, THREE } from "./configurations.ts";
import { receive, tickUntilCampaign, win } from "./talk.ts";

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
