import type { Configuration, MemberId } from "./types.ts";

/** How a vote stands. */
export type VoteResult = "won" | "lost" | "pending";

/**
 * The highest value that a quorum of the configuration has reached: of a joint
 * one, both majorities (§6). `reached` returns how far a member is. Without
 * voters nothing is decided, and the value is 0.
 */
export function quorumValue(
  config: Configuration,
  reached: (member: MemberId) => number,
): number {
  const incoming = majorityValue(config.voters, reached);
  if (config.votersOutgoing.length === 0) return incoming;
  return Math.min(incoming, majorityValue(config.votersOutgoing, reached));
}

function majorityValue(
  voters: readonly MemberId[],
  reached: (member: MemberId) => number,
): number {
  if (voters.length === 0) return 0;
  const values = voters.map(reached).sort((a, b) => b - a);
  return values[Math.floor(voters.length / 2)]!;
}

/** Whether the members of which `has` is true are a quorum. */
export function isQuorum(
  config: Configuration,
  has: (member: MemberId) => boolean,
): boolean {
  return quorumValue(config, (member) => has(member) ? 1 : 0) === 1;
}

/** How a vote stands; `undefined` in `votes` means no reply yet. */
export function voteResult(
  config: Configuration,
  votes: ReadonlyMap<MemberId, boolean>,
): VoteResult {
  if (isQuorum(config, (member) => votes.get(member) === true)) return "won";
  const canWin = isQuorum(config, (member) => votes.get(member) !== false);
  return canWin ? "pending" : "lost";
}
