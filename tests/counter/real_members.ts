import { join } from "node:path";
import { configOf } from "../../src/config/options.ts";
import type { NodeAddress, NodeConfig } from "../../src/config/types.ts";
import type { HostedGroup } from "../../src/node/groups/hosted_group.ts";
import type { HiqliteNode } from "../../src/node/node.ts";
import { openNode } from "../../src/node/open.ts";
import type { ClusterFacts } from "../../src/state/cluster_facts.ts";
import type { SqlMachine } from "../../src/state/sql/port.ts";
import type { SqlParameters } from "../../src/state/sql/types.ts";
import { listen, type Listeners } from "../../src/server/listen.ts";
import { Logger } from "../../src/util/logger.ts";
import { freePorts, ownLoopback } from "../ports.ts";
import { contentsOf } from "../data/three_members.ts";
import { COUNTER_GROUP, CounterSpec } from "./spec.ts";

const SECRET = "secret-of-the-counter";

/** A release, as the levels it knows. */
export const OLD: readonly string[] = ["0.1.0"];
/** The next one, with a level that does not exist. */
export const NEW: readonly string[] = ["0.1.0", "0.2.0-test"];

interface Running {
  readonly node: HiqliteNode;
  readonly listeners: Listeners;
  readonly spec: CounterSpec;
}

/** Members in this process on real sockets, logs and databases, with the counter beside SQL. */
export class RealMembers implements AsyncDisposable {
  readonly dir: string;
  /** `id: message`. */
  readonly lines: string[] = [];
  /** Why a member ended. */
  readonly failures = new Map<number, Error>();
  readonly #nodes: readonly NodeAddress[];
  readonly #running = new Map<number, Running>();

  private constructor(dir: string, size: number) {
    this.dir = dir;
    const host = ownLoopback();
    const ports = freePorts(2 * size, host);
    this.#nodes = Array.from({ length: size }, (_, i) => ({
      id: i + 1,
      raft: `${host}:${ports[i]}`,
      api: `${host}:${ports[size + i]}`,
    }));
  }

  /** Nobody runs yet. */
  static async create(size = 3): Promise<RealMembers> {
    const dir = await Deno.makeTempDir({ prefix: "hiqlite-counter-" });
    return new RealMembers(dir, size);
  }

  /** Starts all members of one release and waits until they are ready. */
  async startAll(levels?: readonly string[]): Promise<void> {
    await Promise.all(this.#nodes.map(async ({ id }) => {
      await (await this.start(id, levels)).whenReady(60_000);
    }));
  }

  /** Starts a member on its folder, which may be new. `known` are the nodes in its configuration. */
  async start(
    id: number,
    levels: readonly string[] = OLD,
    known = this.#nodes.length,
  ): Promise<HiqliteNode> {
    const config = this.#config(id, known);
    const logger = new Logger("info", ({ message }) => {
      this.lines.push(`${id}: ${message}`);
    });
    const spec = new CounterSpec({}, levels.length);
    const node = await openNode(config, {
      logger,
      fatal: (error) => void this.failures.set(id, error),
      following: [spec],
      levels,
    });
    const listeners = await listen({
      config,
      logger,
      member: node,
      links: node.links,
      api: () => new Response(null, { status: 404 }),
    });
    node.beforeRelease(listeners.close);
    this.#running.set(id, { node, listeners, spec });
    node.start();
    return node;
  }

  node(id: number): HiqliteNode {
    return this.#running.get(id)!.node;
  }

  raftAddress(id: number): string {
    return this.#nodes[id - 1]!.raft;
  }

  counter(id: number): HostedGroup {
    return this.node(id).hosted(COUNTER_GROUP)!;
  }

  /** What a member knows of the cluster. */
  facts(id: number): ClusterFacts {
    const { machine } = this.node(id).hosted(0)!.group!;
    return (machine as SqlMachine).facts;
  }

  sum(id: number): number {
    return this.#running.get(id)!.spec.sum;
  }

  async execute(
    id: number,
    sql: string,
    params?: SqlParameters,
  ): Promise<void> {
    const statement = params === undefined ? { sql } : { sql, params };
    const { result } = await this.node(id).write({
      body: { kind: "execute", statement },
      timeoutMs: 30_000,
    });
    if (!result.ok) throw new Error(result.error.message);
  }

  async stop(id: number): Promise<void> {
    const running = this.#running.get(id);
    this.#running.delete(id);
    await running?.node.shutdown();
  }

  /** Ends a member that hands over nothing and answers nobody. */
  async kill(id: number): Promise<void> {
    const { node } = this.#running.get(id)!;
    for (const group of [0, COUNTER_GROUP]) node.hosted(group)!.stop();
    await this.stop(id);
  }

  /** What the database of a stopped member holds. */
  contents(id: number): string {
    const state = join(this.dir, `${id}`, "state_machine");
    const current = Deno.readTextFileSync(join(state, "current"));
    return contentsOf(join(state, current, "hiqlite.db"));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((id) => this.stop(id)));
    await Deno.remove(this.dir, { recursive: true });
  }

  #config(nodeId: number, known: number): NodeConfig {
    const [host] = this.#nodes[0]!.raft.split(":") as [string];
    return configOf({
      nodeId,
      nodes: this.#nodes.filter(({ id }) => id <= known || id === nodeId),
      dataDir: join(this.dir, `${nodeId}`),
      listenAddrRaft: host,
      listenAddrApi: host,
      secretRaft: SECRET,
      secretApi: SECRET,
      readPoolSize: 1,
      tickMs: 10,
      logsUntilSnapshot: 1_000,
    });
  }
}
