import { type Client, connect } from "../../src/client/remote.ts";
import type { BackupRecord } from "../../src/state/backups/types.ts";
import { poll, SECRET_API, type TestCluster } from "../cluster/harness.ts";

/** A client of one member of a cluster of processes. */
export function clientOf(cluster: TestCluster, node: number): Client {
  return connect({
    urls: [cluster.network.apiUrl(node)],
    secret: SECRET_API,
    timeoutMs: 60_000,
  });
}

/** Waits until the backups that a member knows of are so, and answers them. */
export async function untilBackups(
  client: Client,
  what: string,
  timeoutMs: number,
  holds: (backups: readonly BackupRecord[]) => boolean,
): Promise<readonly BackupRecord[]> {
  let backups: readonly BackupRecord[] = [];
  await poll(
    () => `${what}: ${JSON.stringify(backups)}`,
    timeoutMs,
    async () => {
      backups = await client.backups().catch(() => []);
      return holds(backups);
    },
  );
  return backups;
}
