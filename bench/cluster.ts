import { join } from "node:path";
import type { ClusterStatus } from "../src/node/port.ts";
import type { OpenOptions } from "../mod.ts";
import { freePorts } from "../tests/ports.ts";
import { Child } from "./child.ts";
import type { BenchOptions } from "./options.ts";
import type { PipelineOptions } from "./pipeline.ts";
import { driverOf, PERMISSIONS } from "./sqlite_way.ts";
import { CREATE } from "./workload.ts";

/** The secret of the measured API. */
export const SECRET = "the-secret-of-this-bench";

/** When the log is synced; the names of `HQL_LOG_SYNC`. */
export type LogSyncName = "immediate" | "immediate_async" | "interval_200";

const LOG_SYNC: Record<LogSyncName, NonNullable<OpenOptions["logSync"]>> = {
  immediate: { mode: "immediate" },
  immediate_async: { mode: "immediate_async" },
  interval_200: { mode: "interval", ms: 200 },
};

/** Three processes that replicate. */
export interface Trio {
  readonly children: readonly Child[];
  close(): Promise<void>;
}

/** How the processes of a trio run. */
export type TrioOptions = Pick<BenchOptions, "profileDir" | "sqlite"> & {
  /** Whether they may read how long their threads waited for a processor, for which Deno asks for all permissions. */
  readonly schedule?: boolean;
};

function spawn(
  dir: string,
  script: string,
  options: TrioOptions,
): Child[] {
  return [1, 2, 3].map((node) =>
    spawnOne(join(dir, `${node}`), script, options)
  );
}

function spawnOne(
  own: string,
  script: string,
  { profileDir, sqlite, schedule }: TrioOptions,
): Child {
  Deno.mkdirSync(own, { recursive: true });
  return new Child({
    script,
    dir: profileDir === undefined ? own : `${own},${profileDir}`,
    ...(profileDir === undefined ? {} : { profileDir }),
    permissions: schedule ? ["--allow-all"] : PERMISSIONS[sqlite],
  });
}

async function close(children: readonly Child[]): Promise<void> {
  try {
    await Promise.all(children.map((child) => child.ask("close")));
  } finally {
    await Promise.all(children.map((child) => child.close()));
  }
}

async function orKill<T>(
  children: readonly Child[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.close()));
    throw error;
  }
}

/** A cluster of three members. */
export class Cluster implements Trio {
  readonly #children: Child[];
  readonly #apiPorts: readonly number[];
  /** Starts a process for a member, which is to be opened by `open`. */
  readonly #spawn: (node: number) => Child;
  readonly #open: (node: number, child: Child) => Promise<unknown>;

  private constructor(
    children: Child[],
    apiPorts: number[],
    spawn: (node: number) => Child,
    open: (node: number, child: Child) => Promise<unknown>,
  ) {
    this.#children = children;
    this.#apiPorts = apiPorts;
    this.#spawn = spawn;
    this.#open = open;
  }

  /** The members' processes. */
  get children(): readonly Child[] {
    return this.#children;
  }

  /** Starts the members in folders of `dir` and waits until they are ready. */
  static start(
    dir: string,
    logSync: LogSyncName,
    options: TrioOptions,
    others: OpenOptions = {},
  ): Promise<Cluster> {
    const ports = freePorts(6);
    const nodes = [1, 2, 3].map((id) => ({
      id,
      raft: `127.0.0.1:${ports[2 * id - 2]}`,
      api: `127.0.0.1:${ports[2 * id - 1]}`,
    }));
    const children = spawn(dir, "member.ts", options);
    const driver = driverOf(options.sqlite);
    const open = (node: number, child: Child): Promise<unknown> =>
      child.ask("open", {
        nodeId: node,
        nodes,
        dataDir: join(dir, `${node}`, "data"),
        secretRaft: SECRET,
        secretApi: SECRET,
        logSync: LOG_SYNC[logSync],
        sqliteDriver: driver.kind,
        sqliteLib: driver.kind === "ffi" ? driver.library : "",
        ...others,
      });
    return orKill(children, async () => {
      await Promise.all(children.map((child, at) => open(at + 1, child)));
      const cluster = new Cluster(
        children,
        [1, 3, 5].map((at) => ports[at]!),
        (node) => spawnOne(join(dir, `${node}`), "member.ts", options),
        open,
      );
      const { leader } = await cluster.roles();
      await leader.ask("execute", { sql: CREATE });
      return cluster;
    });
  }

  /** Who leads a group at the moment. */
  async roles(
    group = "db",
  ): Promise<{ leader: Child; follower: Child; apiUrl: string }> {
    const { groups } = await this.children[0]!.ask<ClusterStatus>("status");
    const status = groups.find(({ name }) => name === group);
    const node = status?.members.find(({ id }) => id === status.leader)?.nodeId;
    if (node === undefined) throw new Error(`group ${group} has no leader`);
    return {
      leader: this.children[node - 1]!,
      follower: this.children[node % 3]!,
      apiUrl: `http://127.0.0.1:${this.#apiPorts[node - 1]}`,
    };
  }

  /** Waits until every member has applied everything. */
  async settle(): Promise<void> {
    const { leader } = await this.roles();
    const { commitIndex } = await leader.ask<ClusterStatus>("status");
    const index = { index: commitIndex };
    await Promise.all(this.children.map((child) => child.ask("settle", index)));
  }

  /** Kills a member with SIGKILL, starts it again on what it has, and waits until it is ready; how long that took, ms. */
  async restart(child: Child, readyTimeoutMs: number): Promise<number> {
    const at = this.#children.indexOf(child);
    child.kill();
    await child.close();
    const begun = performance.now();
    this.#children[at] = this.#spawn(at + 1);
    const opened = this.#open(at + 1, this.#children[at]!);
    const late = setTimeout(() => this.#children[at]!.kill(), readyTimeoutMs);
    await opened.finally(() => clearTimeout(late));
    return performance.now() - begun;
  }

  /** Stops the members. */
  close(): Promise<void> {
    return close(this.children);
  }
}

/** A fixed-leader pipeline; the first child leads. */
export async function startPipeline(
  dir: string,
  followersApply: boolean,
  options: TrioOptions,
): Promise<Trio> {
  const ports = freePorts(3);
  const children = spawn(dir, "pipeline.ts", options);
  const driver = driverOf(options.sqlite);
  await orKill(children, async () => {
    await Promise.all(children.map((child, at) =>
      child.ask(
        "open",
        {
          node: at + 1,
          ports,
          dir: join(dir, `${at + 1}`),
          followersApply,
          driver,
        } satisfies PipelineOptions,
      )
    ));
    await Promise.all(children.map((child) => child.ask("connect")));
    await children[0]!.ask("create");
  });
  return { children, close: () => close(children) };
}
