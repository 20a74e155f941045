import { join } from "node:path";
import { open, type OpenOptions } from "../src/app/open.ts";
import type { LocalClient } from "../src/client/local.ts";
import { freePorts } from "./ports.ts";

/** Three members of one cluster for this process, each with a folder of its own. */
export interface ThreeOpened {
  /** In the order of their ids; resolved once all are ready. */
  readonly members: LocalClient[];
  /** Starts one again that was stopped. */
  start(id: number): Promise<LocalClient>;
}

/** Starts three members in folders of `dir`, on real sockets and disks, and waits until all are ready. */
export async function openThree(
  dir: string,
  options: OpenOptions = {},
): Promise<ThreeOpened> {
  const secret = "secret-of-three-members";
  const ports = freePorts(6);
  const nodes = [1, 2, 3].map((id) => ({
    id,
    raft: `127.0.0.1:${ports[id - 1]}`,
    api: `127.0.0.1:${ports[id + 2]}`,
  }));
  const start = (id: number): Promise<LocalClient> =>
    open({
      nodeId: id,
      nodes,
      dataDir: join(dir, `${id}`),
      secretRaft: secret,
      secretApi: secret,
      readPoolSize: 1,
      readyTimeoutMs: 60_000,
      ...options,
    });
  return { members: await Promise.all([1, 2, 3].map(start)), start };
}
