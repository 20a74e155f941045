import { CLUSTER_ROUTES } from "../../api/routes/cluster.ts";
import { TELEMETRY_ROUTES } from "../../api/routes/telemetry.ts";
import type { Member } from "../../node/port.ts";
import { type Mounting, mountMember } from "../mount.ts";

/** Mounts the routes that show and change the cluster, and those that tell how its members are. */
export function mountCluster(mounting: Mounting, member: Member): void {
  const routes = { ...CLUSTER_ROUTES, ...TELEMETRY_ROUTES };
  for (const route of Object.values(routes)) {
    mountMember<unknown, unknown>(mounting, route, member);
  }
}
