import { CLUSTER_ROUTES } from "../../api/routes/cluster.ts";
import type { Member } from "../../node/port.ts";
import { type Mounting, mountMember } from "../mount.ts";

/** Mounts the routes that show and change the cluster. */
export function mountCluster(mounting: Mounting, member: Member): void {
  for (const route of Object.values(CLUSTER_ROUTES)) {
    mountMember<unknown, unknown>(mounting, route, member);
  }
}
