import { peekClock } from "../../src/state/envelope.ts";
import { API_SETTINGS, type ApiField } from "../../src/config/api_settings.ts";
import { BACKUP_SETTINGS } from "../../src/config/backup_settings.ts";
import type { BackupConfig } from "../../src/config/backup_types.ts";
import assert from "node:assert/strict";
import type { NodeConfig } from "../../src/config/types.ts";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { PeerNetwork } from "../../src/network/port.ts";
import { MemoryNetwork } from "../../src/network/memory_network.ts";
import {
  amnesia,
  createCore,
  raftOptions,
} from "../../src/node/volume/boot.ts";
import { RaftGroup } from "../../src/group/group.ts";
import { LEVELS } from "../../src/state/level.ts";
import { newIdentity, startedAgain } from "../../src/node/volume/identity.ts";
import type { NodeParts } from "../../src/node/parts.ts";
import { HiqliteNode } from "../../src/node/node.ts";
import type { WriteAnswer } from "../../src/node/port.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import type { NodeId } from "../../src/raft/types.ts";
import type { NetworkEvents } from "../../src/network/port.ts";
import { envelopeStamp } from "../../src/node/groups/stamp.ts";
import { type Clock, systemClock } from "../../src/util/clock.ts";
import { Logger } from "../../src/util/logger.ts";
import { Timings } from "../../src/telemetry/timings.ts";
import { Traces } from "../../src/telemetry/traces.ts";
import { SystemRandom } from "../../src/util/random.ts";
import { CountingMachine, Volume } from "./memory_volume.ts";

/** What a member's release and configuration have it host and know. */
type Hosting = Pick<NodeParts, "following" | "caches" | "levels">;

/** Some members in one process: real nodes, an in-memory network, logs and machines. */
export class Cluster {
  readonly network = new MemoryNetwork();
  readonly lines: string[] = [];
  /** Nodes whose packets get lost, in both directions, while their links look well. */
  readonly silent = new Set<NodeId>();
  /** The group of each node as it was started last. */
  readonly groups = new Map<NodeId, RaftGroup>();
  /** The links of each node as it was started last. */
  readonly links = new Map<NodeId, PeerNetwork>();
  readonly #nodes = new Map<NodeId, HiqliteNode>();
  readonly #volumes = new Map<NodeId, Volume>();
  readonly #clock: Clock;
  readonly #size: number;
  readonly #overrides: Partial<NodeConfig>;
  readonly #hosting: (id: NodeId) => Partial<Hosting>;

  /** `hosting` tells what else each node is started with. */
  constructor(
    size: number,
    overrides: Partial<NodeConfig> = {},
    hosting: (id: NodeId) => Partial<Hosting> = () => ({}),
    clock: Clock = systemClock,
  ) {
    this.#clock = clock;
    this.#size = size;
    this.#overrides = overrides;
    this.#hosting = hosting;
  }

  /** A running node. */
  node(id: NodeId): HiqliteNode {
    return this.#nodes.get(id)!;
  }

  /** The node that leads; throws if none does. */
  get leader(): HiqliteNode {
    const leads = [...this.#nodes.values()].find((node) =>
      node.cluster().leader === node.id
    );
    if (leads === undefined) throw new Error("nobody leads");
    return leads;
  }

  /** Starts a node on its volume. */
  start(
    id: NodeId,
    overrides: Partial<NodeConfig> = {},
    parts: Partial<Hosting> = this.#hosting(id),
  ): HiqliteNode {
    const volume = this.volume(id);
    volume.save(startedAgain(volume.identity));
    if (amnesia(volume.identity.phase, volume.storage) !== null) {
      void volume.startOver();
    }
    const { dataDir = "" } = this.#overrides;
    const config = {
      ...this.#config(id),
      ...this.#overrides,
      dataDir: `${dataDir}/${id}`,
      ...overrides,
    };
    const node = new HiqliteNode({
      config,
      logger: new Logger("info", ({ message }) => {
        this.lines.push(`${id}: ${message}`);
      }),
      clock: this.#clock,
      random: new SystemRandom(),
      vault: volume,
      createNetwork: (self, peers, events) => {
        const links = this.network.join({
          self,
          peers,
          events: this.#heard(id, events),
        });
        this.links.set(id, links);
        return Object.assign(links, {
          accept: () => {},
          refused: () => {},
          refusals: 0,
        });
      },
      levels: LEVELS,
      engine: { name: "none", version: "0" },
      measures: {
        version: "1.2.3",
        syncs: new Timings(),
        traces: new Traces("1.2.3"),
      },
      following: [],
      caches: null,
      listeners: () => [],
      backups: {
        store: null,
        schedule: null,
        verify: null,
        folder: "",
        keepDays: 0,
        keepDaysLocal: 0,
        logIntervalMs: 0,
        inspect: () => Promise.reject(new Error("there are no backups")),
      },
      ...parts,
      createGroup: ({ starter, storage, options }, ports) => {
        const group = new RaftGroup({
          core: createCore(
            starter,
            storage,
            raftOptions(config),
            new SystemRandom(),
          ),
          log: storage.log,
          machine: storage.machine,
          ...ports,
          stamp: envelopeStamp(systemClock, new SystemRandom()),
          stampOf: peekClock,
          defer: queueMicrotask,
          warn: (message) => this.lines.push(`${id}: ${message}`),
        }, options);
        if (storage.machine === volume.machine) this.groups.set(id, group);
        return group;
      },
      fatal: (error) => this.lines.push(`${id}: fatal ${error.message}`),
    });
    this.#nodes.set(id, node);
    node.start();
    return node;
  }

  /** Starts all nodes and waits until they are ready. */
  async startAll(): Promise<void> {
    const ids = Array.from({ length: this.#size }, (_, i) => i + 1);
    await Promise.all(ids.map((id) => this.start(id).whenReady(60_000)));
  }

  /** Stops a node; it keeps its volume. */
  async stop(id: NodeId): Promise<void> {
    const node = this.#nodes.get(id);
    this.#nodes.delete(id);
    await node?.shutdown();
    const volume = this.volume(id);
    volume.log = volume.log.crash();
  }

  /** Ends nodes at once, before they can hand over anything to these others; they keep their volumes. */
  async kill(
    ids: readonly NodeId[],
    others: readonly NodeId[] = Array.from(
      { length: this.#size },
      (_, i) => i + 1,
    ),
  ): Promise<void> {
    const pairs = ids.flatMap((id) =>
      others.filter((other) => other !== id).map((other) => [id, other])
    );
    for (const [a, b] of pairs) this.network.cut(a!, b!);
    await Promise.all(ids.map((id) => this.stop(id)));
    for (const [a, b] of pairs) this.network.heal(a!, b!);
  }

  /** Gives a stopped node an empty volume. */
  wipe(id: NodeId): void {
    this.#volumes.delete(id);
  }

  /** Copies a stopped node's volume. */
  backup(id: NodeId): Volume {
    return this.volume(id).copy();
  }

  /** Puts a copy in the place of a stopped node's volume. */
  restore(id: NodeId, volume: Volume): void {
    this.#volumes.set(id, volume);
  }

  /** A stopped node's log is gone, its identity is not. */
  loseLog(id: NodeId): void {
    const volume = this.volume(id);
    volume.log = new MemoryLog({ crashable: true });
    volume.machine = new CountingMachine();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const id of [...this.#nodes.keys()]) await this.stop(id);
  }

  /** What node `to` hears of its network. */
  #heard(to: NodeId, events: NetworkEvents): NetworkEvents {
    return {
      ...events,
      frame: (from, lane, bytes) => {
        const lost = this.silent.has(to) || this.silent.has(nodeIdOf(from.id));
        if (!lost) events.frame(from, lane, bytes);
      },
    };
  }

  /** What a stopped node keeps. */
  volume(id: NodeId): Volume {
    const volume = this.#volumes.get(id) ?? new Volume(newIdentity(id));
    this.#volumes.set(id, volume);
    return volume;
  }

  #config(nodeId: NodeId): NodeConfig {
    return {
      nodeId,
      nodes: Array.from({ length: this.#size }, (_, i) => ({
        id: i + 1,
        raft: `127.0.0.1:${8101 + i}`,
        api: `127.0.0.1:${8201 + i}`,
      })),
      dataDir: "",
      sqliteDriver: "node",
      sqliteLib: "",
      filenameDb: "",
      listenAddrRaft: "127.0.0.1",
      listenAddrApi: "127.0.0.1",
      secretRaft: "",
      secretRaftPrevious: "",
      secretApi: "",
      secretApiPrevious: "",
      tlsAutoCertificates: false,
      tlsRaftKey: "",
      tlsRaftCert: "",
      tlsRaftCa: "",
      tlsRaftDangerTlsNoVerify: false,
      tlsApiKey: "",
      tlsApiCert: "",
      tlsApiCa: "",
      tlsApiDangerTlsNoVerify: false,
      logSync: { mode: "immediate" },
      walSize: 8192,
      logsUntilSnapshot: 10_000,
      logStatements: false,
      logLevel: "info",
      preparedStatementCacheCapacity: 1,
      readPoolSize: 1,
      writeTimeoutMs: 10_000,
      writeBytesMax: 2 ** 30,
      writeTimeoutMaxMs: 3_600_000,
      learnerOnly: false,
      healthCheckDelaySecs: 0,
      logFormat: "auto",
      slowStatementMs: 0,
      tickMs: 5,
      electionTicks: 20,
      heartbeatTicks: 4,
      leaseReads: false,
      apiConnectionsPerAddress: 1,
      maxBodyBytes: 1,
      queryTimeoutMs: 1,
      queryMaxRows: 1,
      cache: false,
      cacheStorageDisk: false,
      cacheLogSync: { mode: "immediate" },
      cacheMaxBytes: 2 ** 20,
      passwordDashboard: "",
      passwordDashboardViewer: "",
      insecureCookie: false,
      ...NOTHING_SET,
    };
  }
}

/** Backups and limits of the API, where nothing of them is set. */
const NOTHING_SET = Object.fromEntries(
  Object.entries({ ...BACKUP_SETTINGS, ...API_SETTINGS }).map((
    [field, { fallback }],
  ) => [field, fallback]),
) as unknown as BackupConfig & Pick<NodeConfig, ApiField>;

/** Waits until `condition` holds; fails after a bounded time. */
export async function until(
  what: string,
  condition: () => boolean,
): Promise<void> {
  for (let i = 0; i < 12_000; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`never: ${what}`);
}

/** Writes something on `node`. */
export function write(
  node: HiqliteNode,
  timeoutMs = 5_000,
): Promise<WriteAnswer> {
  return node.write({
    body: { kind: "execute", statement: { sql: "x" } },
    timeoutMs,
  });
}

/** How many writes `node` has seen, linearizably. */
export async function writesSeen(node: HiqliteNode): Promise<unknown> {
  const { rows } = await node.query({
    sql: "",
    consistency: "linearizable",
  });
  return rows[0]![0];
}
