import type { NodeConfig } from "../../src/config/types.ts";
import { LocalClient } from "../../src/client/local.ts";
import { CACHE_GROUP, type CacheSpec } from "../../src/node/groups/spec.ts";
import type { HostedGroup } from "../../src/node/groups/hosted_group.ts";
import { DiskCaches } from "../../src/node/open_disk_caches.ts";
import { MemoryCaches } from "../../src/node/open_memory_caches.ts";
import { type NodeId, nodeIdOf } from "../../src/raft/types.ts";
import { LEVEL } from "../../src/state/level.ts";
import { Cluster, until } from "./cluster.ts";

const TIMINGS = {
  logSync: { mode: "immediate" },
  cacheLogSync: { mode: "interval", ms: 200 },
  walSize: 8192,
  logsUntilSnapshot: 10_000,
  tickMs: 5,
  electionTicks: 20,
  writeTimeoutMs: 10_000,
} as const;

/** Members with caches beside their durable group, on the disk if there is a `dataDir`. */
export class CacheMembers implements AsyncDisposable {
  readonly cluster: Cluster;
  /** The caches of each node as it was started last. */
  readonly specs = new Map<NodeId, CacheSpec>();
  /** Nodes that keep their caches in memory, though others have them on the disk. */
  readonly inMemory = new Set<NodeId>();
  readonly ids: readonly NodeId[];

  constructor(size = 3, config: Partial<NodeConfig> = {}) {
    this.ids = Array.from({ length: size }, (_, i) => i + 1);
    this.cluster = new Cluster(
      size,
      { cache: true, cacheMaxBytes: 2 ** 26, ...config },
      (id) => {
        const timings = TIMINGS as unknown as NodeConfig;
        const caches = config.dataDir === undefined || this.inMemory.has(id)
          ? new MemoryCaches(timings, LEVEL)
          : new DiskCaches(timings, LEVEL);
        this.specs.set(id, caches);
        return { following: [caches], caches };
      },
    );
  }

  /** Members that are ready. */
  static async started(
    ...args: ConstructorParameters<typeof CacheMembers>
  ): Promise<CacheMembers> {
    const members = new CacheMembers(...args);
    await members.cluster.startAll();
    return members;
  }

  /** A client of one member. Do not shut it down. */
  client(id: NodeId): LocalClient {
    return new LocalClient(this.cluster.node(id));
  }

  hosted(id: NodeId): HostedGroup {
    return this.cluster.node(id).hosted(CACHE_GROUP)!;
  }

  /** The node that leads the caches, as `id` sees it. */
  leader(id: NodeId): NodeId | null {
    const leader = this.hosted(id).group?.core.leader ?? null;
    return leader === null ? null : nodeIdOf(leader);
  }

  /** Makes a node the caches' leader. */
  async lead(id: NodeId): Promise<void> {
    await until(`node ${id} leads the caches`, () => {
      const from = this.leader(id);
      if (from === null || from === id) return from === id;
      this.hosted(from).group!.transferLeadership(this.hosted(id).self);
      return false;
    });
  }

  /** A checksum of what a member's caches hold, and where it stands. */
  state(id: NodeId): { readonly index: number; readonly hash: number } {
    const { machine } = this.hosted(id).group!;
    return machine.stateHashes().at(-1) ??
      { index: machine.applied.index, hash: 0 };
  }

  /** Stops a node and starts it again on its volume: it forgets its caches. */
  async restart(id: NodeId): Promise<void> {
    await this.cluster.stop(id);
    await this.cluster.start(id).whenReady(60_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }
}
