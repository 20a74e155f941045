import { REMOVED } from "./cluster/identity_check.ts";
import { describeOutage } from "./cluster/outage.ts";
import type { HostedGroup } from "./groups/hosted_group.ts";
import type { Rooms } from "./rooms.ts";
import { latestConfiguration } from "./volume/boot.ts";
import type { NodeVault } from "./volume/vault.ts";

/** Why nobody leads a group, as far as this member knows. */
export function whyNobodyLeads(
  hosted: HostedGroup,
  { participation, formation, greeting, durable, network }: Rooms,
  vault: NodeVault,
): string {
  if (participation.rebuilding) {
    return "this member is being rebuilt from the others";
  }
  if (greeting.removed) return REMOVED;
  if (hosted.group === null && greeting.doubt !== null) return greeting.doubt;
  if (vault.identity.phase === "new") return formation.obstacle;
  if (hosted.group === null && hosted !== durable) {
    return "it has not begun: that takes a leader of the durable group, and a majority of its voters that host this one";
  }
  const config = hosted.group?.core.config ??
    latestConfiguration(vault.storage);
  return describeOutage(
    config,
    hosted.self,
    network,
    (peer) => hosted.memberOf(peer),
  );
}
