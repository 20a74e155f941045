import { peekClock } from "../../../src/state/envelope.ts";
import { RaftGroup } from "../../../src/group/group.ts";
import { DEFAULT_GROUP_OPTIONS } from "../../../src/group/ports.ts";
import { MemoryLog } from "../../../src/log/memory_log.ts";
import { GroupRouter } from "../../../src/network/group_router.ts";
import type { Lane, Network, PeerIdentity } from "../../../src/network/port.ts";
import type {
  PeerAnswer,
  PeerHandler,
  PeerRequests,
} from "../../../src/network/requests.ts";
import { Changes } from "../../../src/node/changes.ts";
import { FollowingGroup } from "../../../src/node/groups/following_group.ts";
import { LEAVE, leaveHandler } from "../../../src/node/groups/leaving.ts";
import {
  ROLL_CALL,
  rollCallHandler,
} from "../../../src/node/groups/roll_call.ts";
import {
  CACHE,
  CACHE_GROUP,
  type FollowingSpec,
  type GroupInit,
  type LoopPorts,
} from "../../../src/node/groups/spec.ts";
import { envelopeStamp } from "../../../src/node/groups/stamp.ts";
import { createCore } from "../../../src/node/volume/boot.ts";
import { MemoryHome } from "../../../src/node/volume/home.ts";
import type { GroupStorage } from "../../../src/node/volume/vault.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../../src/raft/options.ts";
import { type NodeId, nodeIdOf } from "../../../src/raft/types.ts";
import type { Clock } from "../../../src/util/clock.ts";
import { Logger } from "../../../src/util/logger.ts";
import { Violation } from "../violation.ts";
import { durableId } from "./durable_group.ts";
import type { Peers } from "./links.ts";
import { WatchedCaches } from "./watched_caches.ts";
import type { EpochWorld } from "./world.ts";

const TICK_MS = 20;
/** Ticks between two steps of a following group. */
const SLOW_TICKS = 5;
const ELECTION_TICKS = 10;

/** One process of a member: the group of caches as it is in production, in memory, on simulated links. */
export class EpochMember {
  readonly node: NodeId;
  readonly identity: PeerIdentity;
  readonly following: FollowingGroup;
  readonly #world: EpochWorld;
  readonly #peers: Peers = new Map();
  readonly #router: GroupRouter;
  readonly #soon: (() => void)[] = [];
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #asked = new Map<NodeId, Set<() => void>>();
  #machine: WatchedCaches | null = null;
  #tickedAt: number;
  #ticks = 0;
  #alive = true;

  /** Begins under a mark that nobody ever had. */
  constructor(world: EpochWorld, node: NodeId, mark: string) {
    this.#world = world;
    this.node = node;
    this.identity = {
      id: durableId(node),
      clusterId: "simulated",
      raftAddress: "",
      apiAddress: "",
      level: 1,
      groups: [{ group: CACHE_GROUP, mark }],
      engine: "",
    };
    this.#tickedAt = world.scheduler.now;
    const wall = (): number => 1_700_000_000_000 + world.scheduler.now;
    this.#clock = { monotonic: () => world.scheduler.now, wall };
    this.#logger = new Logger(
      "info",
      ({ message }) => world.note(`${node}: ${message}`),
    );
    const network = this.#network();
    const requests = this.#requests();
    this.#router = new GroupRouter({
      network,
      requests,
      logger: this.#logger,
      clusterId: () => this.identity.clusterId,
      group: (id) => id === CACHE_GROUP ? this.following.hosted : undefined,
    });
    this.following = this.#followingGroup(network, requests);
    world.scheduler.after(0, () => this.#tick());
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Of the present life; null before the first. */
  get machine(): WatchedCaches | null {
    return this.#machine;
  }

  /** Who is at the other end of a link, as far as this process knows. */
  peer(node: NodeId): PeerIdentity | undefined {
    return this.#peers.get(node);
  }

  /** A frame arrives. */
  receive(from: PeerIdentity, bytes: Uint8Array): void {
    this.run(() => this.#router.onFrame(from, "control", bytes));
  }

  linkUp(peer: PeerIdentity): void {
    this.run(() => this.#peers.set(nodeIdOf(peer.id), peer));
  }

  /** A link breaks, if it is one to that process. */
  linkDown(peer: PeerIdentity): void {
    const node = nodeIdOf(peer.id);
    if (this.#peers.get(node) !== peer) return;
    this.run(() => {
      this.#peers.delete(node);
      const lost = this.#asked.get(node) ?? [];
      this.#asked.delete(node);
      for (const tell of lost) tell();
      this.following.hosted.unreachable(node);
    });
  }

  /** Runs `event` in this process, if it still runs. */
  run(event: () => void): void {
    if (!this.#alive) return;
    event();
    while (this.#soon.length > 0) this.#soon.shift()!();
  }

  /** Ends at once. */
  kill(): void {
    this.#alive = false;
  }

  #later(ms: number, event: () => void): void {
    this.#world.scheduler.after(ms, () => this.run(event));
  }

  #tick(): void {
    if (!this.#alive) return;
    this.#world.scheduler.after(TICK_MS, () => this.#tick());
    this.run(() => {
      const { now } = this.#world.scheduler;
      this.following.hosted.group?.tick(now - this.#tickedAt);
      this.#tickedAt = now;
      if (++this.#ticks % SLOW_TICKS !== 0) return;
      this.following.hosted.tick();
      this.following.tick(false);
    });
  }

  #network(): Network {
    return {
      send: (to, _lane: Lane, bytes) => this.#world.links.send(this, to, bytes),
      peer: (node) => this.peer(node),
      queued: () => 0,
    };
  }

  /** Requests without frames: what is asked is called in the other process. */
  #requests(): PeerRequests {
    const ask = (
      to: NodeId,
      method: string,
      body: Uint8Array,
      done: (answer: PeerAnswer) => void,
    ): number => {
      if (this.peer(to) === undefined) {
        this.#later(0, () => done({ kind: "unsent" }));
        return 0;
      }
      const waiting = this.#asked.get(to) ?? new Set();
      this.#asked.set(to, waiting);
      let open = true;
      const once = (answer: PeerAnswer): void => {
        waiting.delete(lost);
        if (open) done(answer);
        open = false;
      };
      const lost = (): void => once({ kind: "lost" });
      waiting.add(lost);
      this.#world.links.ask(
        this,
        to,
        (other, answer) => other.#serve(method, this.identity, body, answer),
        once,
      );
      return 0;
    };
    return { ask } as unknown as PeerRequests;
  }

  #serve(
    method: string,
    from: PeerIdentity,
    body: Uint8Array,
    answer: (ok: boolean, body: Uint8Array) => void,
  ): void {
    const handlers: Record<string, PeerHandler> = {
      [LEAVE]: leaveHandler((_, peer) => this.following.letGo(peer)),
      [ROLL_CALL]: rollCallHandler((_, epoch) =>
        this.following.answerCall(epoch)
      ),
    };
    void handlers[method]!(from, body, answer);
  }

  #followingGroup(
    network: Network,
    requests: PeerRequests,
  ): FollowingGroup {
    const { durable } = this.#world;
    const spec: FollowingSpec = {
      id: CACHE_GROUP,
      name: CACHE,
      // Little is kept, so that whoever comes needs a snapshot.
      options: {
        ...DEFAULT_GROUP_OPTIONS,
        retainEntries: 20,
        checkpointEntries: 20,
        electionMs: TICK_MS * ELECTION_TICKS,
      },
      housing: { kind: "memory", open: () => this.#open() },
    };
    return new FollowingGroup({
      spec,
      home: new MemoryHome({ kind: "memory", open: () => this.#open() }),
      network,
      router: this.#router,
      requests,
      changes: new Changes(),
      clock: this.#clock,
      logger: this.#logger,
      self: () => this.identity,
      durable: () => durable.asSeenBy(this.node),
      facts: () => durable.facts(this.node),
      level: () => 1,
      change: (change) => durable.change(this.node, change),
      create: (init, ports) => this.#create(init, ports),
      leaderChanged: () => {},
      diverged: ({ index }) => {
        throw new Violation("equal answers", `entry ${index}`);
      },
      failed: (error) => {
        throw new Violation("member failed", `${error.stack}`);
      },
      traced: { stepped: () => {} },
      sinceTickMs: () => this.#world.scheduler.now - this.#tickedAt,
    });
  }

  #open(): GroupStorage {
    const log = new MemoryLog({ defer: (run) => this.#later(0, run) });
    const { number } = this.#world.durable.facts(this.node).epochs
      .get(CACHE_GROUP)!;
    const machine = new WatchedCaches(
      (event) => this.#later(1, event),
      (next) => this.#soon.push(next),
      (entries) => this.#world.oracle.applied(number, entries),
    );
    this.#machine = machine;
    return {
      log,
      logRecovery: log.recovery,
      machine,
      state: machine.recovery,
      release: () => Promise.resolve(),
    };
  }

  #create(
    { starter, storage, options }: GroupInit,
    ports: LoopPorts,
  ): RaftGroup {
    const { draw } = this.#world;
    const raft = { ...DEFAULT_RAFT_OPTIONS, electionTicks: ELECTION_TICKS };
    return new RaftGroup({
      core: createCore(starter, storage, raft, draw),
      log: storage.log,
      machine: storage.machine,
      ...ports,
      send: (message) => {
        this.#world.oracle.sent(this.following.hosted.epoch, message);
        return ports.send(message);
      },
      stamp: envelopeStamp(this.#clock, draw),
      stampOf: peekClock,
      defer: (callback) => this.#later(0, callback),
      warn: (message) => this.#world.note(`${this.node}: ${message}`),
    }, options);
  }
}
