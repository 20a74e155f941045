import { isMember } from "../../src/raft/configuration.ts";
import type { LogIndex } from "../../src/raft/types.ts";
import type { World } from "./world.ts";

/** What still differs from a healthy cluster, or null; `committed`: what was committed a while ago. */
export function unhealthy(
  world: World,
  committed: LogIndex,
): string | null {
  const leader = world.leader();
  if (leader === null) return "no leader";
  const { config } = world.oracle;
  if (leader.core.commit < committed) return "the leader's commit lags";
  for (const node of world.nodes) {
    const state = node.process?.state;
    // Half of a batch is no state that could be compared.
    if (state !== undefined && state.seen > state.applied.index) {
      return `${node.member} applies entries up to ${state.seen}`;
    }
    if (world.gone.has(node) || !isMember(config, node.member)) continue;
    if (node.process === null) return `${node.member} is down`;
    const applied = node.process.state.applied.index;
    if (applied < committed) {
      return `${node.member} applied ${applied} of ${committed}`;
    }
  }
  const holding = world.nodes.find(({ process }) =>
    process !== null && process.core.role !== "leader" && process.state.holds
  );
  if (holding) {
    return `${holding.member} holds a transaction and does not lead`;
  }
  if (world.gone.size === 0 && !world.operator.settled) {
    return `not replaced: ${[...world.operator.forgotten]}`;
  }
  const waiting = world.clients.filter((c) => !c.finished).length;
  return waiting === 0 ? null : `${waiting} clients wait`;
}
