import type { Network, PeerIdentity } from "../../network/port.ts";
import type { Configuration, MemberId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";

/** Of a member that came (back) to its cluster with nothing. */
const NOTHING_YET =
  "no leader: this member has nothing of its cluster yet and waits for a leader to let it in: start the members that still have their data; if the cluster was begun anew with `hiqlite cluster recover`, empty this member's data directory and start it again";

/** What is known while no leader is, and what an operator can do; for the log and the health status. */
export function describeOutage(
  config: Configuration,
  self: MemberId,
  network: Network,
  memberOf: (peer: PeerIdentity) => MemberId,
): string {
  if (config.voters.length === 0) return NOTHING_YET;
  const states = config.voters.map((voter) => {
    const node = nodeIdOf(voter);
    if (voter === self) return { ok: true, text: `node ${node} is this one` };
    const peer = network.peer(node);
    if (peer === undefined) {
      return { ok: false, text: `node ${node} cannot be reached` };
    }
    return memberOf(peer) === voter
      ? { ok: true, text: `node ${node} is here` }
      : { ok: false, text: `node ${node} came back without its memory` };
  });
  const there = states.filter(({ ok }) => ok).length;
  const needed = Math.floor(config.voters.length / 2) + 1;
  const advice = there >= needed
    ? "an election is under way"
    : `${needed} of ${config.voters.length} voters are needed: bring one back; only if that is impossible for ever, stop all members and run \`hiqlite cluster recover\` on the one with the newest data`;
  const known = states.map(({ text }) => text).join(", ");
  return `no leader: ${known}; ${advice}`;
}
