import type { PeerIdentity } from "../network/port.ts";
import type { Divergence } from "../state/port.ts";
import type { HostedGroupPorts } from "./groups/hosted_group.ts";
import type { NodeParts } from "./parts.ts";
import type { LeaderTraces } from "./telemetry/leader_traces.ts";
import { groupOptions, starterOf } from "./volume/boot.ts";
import { memberIdOf } from "./volume/identity.ts";

/** The number of the group whose log says who the members are. */
const DURABLE_GROUP = 0;
/** The name of the durable group in logs, status and metrics. */
const DURABLE = "db";

/** What the durable group alone asks for. */
export function durablePorts(
  { vault, config, createGroup }: NodeParts,
  events: {
    diverged(group: string, divergence: Divergence): void;
    stepped(): void;
  },
  leaderTraces: Pick<LeaderTraces, "stepped">,
): Pick<
  HostedGroupPorts,
  | "id"
  | "name"
  | "diverged"
  | "self"
  | "epoch"
  | "memberOf"
  | "create"
  | "stepped"
> {
  return {
    id: DURABLE_GROUP,
    name: DURABLE,
    diverged: (divergence) => events.diverged(DURABLE, divergence),
    self: () => memberIdOf(vault.identity),
    epoch: () => 0,
    memberOf: ({ id }: PeerIdentity) => id,
    create: (ports) =>
      createGroup({
        starter: starterOf(vault.identity),
        storage: vault.storage,
        options: groupOptions(config),
      }, ports),
    stepped: () => {
      leaderTraces.stepped(DURABLE_GROUP);
      events.stepped();
    },
  };
}
