import { HiqliteError } from "../errors.ts";
import { type NodeId, nodeIdOf } from "../raft/types.ts";
import { assert } from "../util/assert.ts";
import { LINK_LIMITS, type LinkLimits } from "./link_options.ts";
import type {
  Lane,
  NetworkEvents,
  PeerAddress,
  PeerIdentity,
  PeerNetwork,
} from "./port.ts";

/** What a {@linkcode MemoryNetwork} is made from. */
export interface MemoryNetworkOptions {
  /** Runs a delivery later; a simulator puts it into its own queue. @default {queueMicrotask} */
  readonly schedule?: (deliver: () => void) => void;
  readonly limits?: Partial<Pick<LinkLimits, "queueBytes" | "messageBytes">>;
}

/** What a member of a {@linkcode MemoryNetwork} is made from. */
export interface MemoryMemberOptions {
  readonly self: PeerIdentity;
  readonly peers: readonly PeerAddress[];
  readonly events: NetworkEvents;
}

/** A network inside one process, for tests: the same contract without sockets. */
export class MemoryNetwork {
  readonly #schedule: (deliver: () => void) => void;
  readonly #limits: LinkLimits;
  readonly #members = new Map<NodeId, MemoryMember>();
  readonly #cut = new Set<string>();

  /** An empty network. */
  constructor(options: MemoryNetworkOptions = {}) {
    this.#schedule = options.schedule ?? queueMicrotask;
    this.#limits = { ...LINK_LIMITS, ...options.limits };
  }

  /** Adds a member; it is reachable from its `start()` to its `close()`. */
  join(options: MemoryMemberOptions): PeerNetwork {
    return new MemoryMember(options, this.#limits, {
      schedule: this.#schedule,
      started: (member) => {
        assert(!this.#members.has(member.node), `node ${member.node} runs`);
        this.#members.set(member.node, member);
      },
      closed: (member) => this.#members.delete(member.node),
      reach: (from, to) =>
        this.#cut.has(pair(from, to)) ? undefined : this.#members.get(to),
    });
  }

  /** Breaks the link between two nodes until {@linkcode MemoryNetwork.heal}. */
  cut(a: NodeId, b: NodeId): void {
    this.#cut.add(pair(a, b));
    this.#members.get(a)?.settle(b);
    this.#members.get(b)?.settle(a);
  }

  /** Undoes {@linkcode MemoryNetwork.cut}. */
  heal(a: NodeId, b: NodeId): void {
    this.#cut.delete(pair(a, b));
    this.#members.get(a)?.settle(b);
  }
}

function pair(a: NodeId, b: NodeId): string {
  return `${Math.min(a, b)}-${Math.max(a, b)}`;
}

/** What a member needs from the network around it. */
interface JoinOptions {
  schedule(deliver: () => void): void;
  started(member: MemoryMember): void;
  closed(member: MemoryMember): void;
  reach(from: NodeId, to: NodeId): MemoryMember | undefined;
}

/** One member's end of a link that is up. Another object after every break, so nothing crosses it. */
interface End {
  readonly peer: PeerIdentity;
  readonly other: MemoryMember;
  readonly queued: Record<Lane, number>;
  twin: End | null;
}

class MemoryMember implements PeerNetwork {
  readonly node: NodeId;
  readonly #limits: LinkLimits;
  readonly #events: NetworkEvents;
  readonly #around: JoinOptions;
  readonly #ends = new Map<NodeId, End>();
  #self: PeerIdentity;
  #peers: ReadonlySet<NodeId>;
  #running = false;

  constructor(
    options: MemoryMemberOptions,
    limits: LinkLimits,
    around: JoinOptions,
  ) {
    this.node = nodeIdOf(options.self.id);
    this.#self = options.self;
    this.#peers = new Set(options.peers.map((peer) => peer.id));
    this.#events = options.events;
    this.#limits = limits;
    this.#around = around;
  }

  start(): void {
    this.#running = true;
    this.#around.started(this);
    for (const node of this.#peers) this.settle(node);
  }

  close(): Promise<void> {
    if (this.#running) {
      this.#running = false;
      this.#around.closed(this);
      this.#break();
    }
    return Promise.resolve();
  }

  setPeers(peers: readonly PeerAddress[]): void {
    assert(
      !peers.some((peer) => peer.id === this.node),
      `node ${this.node} is not its own peer`,
    );
    const before = this.#peers;
    this.#peers = new Set(peers.map((peer) => peer.id));
    for (const node of new Set([...before, ...this.#peers])) this.settle(node);
  }

  setIdentity(self: PeerIdentity): void {
    assert(nodeIdOf(self.id) === this.node, `${self.id} is another node`);
    this.#self = self;
    this.#break();
    for (const node of this.#peers) this.settle(node);
  }

  send(to: NodeId, lane: Lane, bytes: Uint8Array): boolean {
    const { messageBytes, queueBytes } = this.#limits;
    if (bytes.length > messageBytes) {
      throw new HiqliteError(
        "too_large",
        `A message between members has at most ${messageBytes} bytes, this one ${bytes.length}`,
      );
    }
    const end = this.#ends.get(to);
    if (end === undefined) return false;
    if (end.queued[lane] + bytes.length > queueBytes[lane]) return false;
    end.queued[lane] += bytes.length;
    const copy = bytes.slice();
    this.#around.schedule(() => {
      end.queued[lane] -= copy.length;
      end.other.#receive(end, lane, copy);
    });
    return true;
  }

  peer(node: NodeId): PeerIdentity | undefined {
    return this.#ends.get(node)?.peer;
  }

  queued(node: NodeId, lane: Lane): number {
    return this.#ends.get(node)?.queued[lane] ?? 0;
  }

  /** Breaks a link that should not be, and makes one that should, a moment later. */
  settle(node: NodeId): void {
    const other = this.#reachable(node);
    if (other === undefined) {
      this.#lose(node);
    } else if (!this.#ends.has(node)) {
      this.#around.schedule(() => this.#connect(node));
    }
  }

  #connect(node: NodeId): void {
    const other = this.#reachable(node);
    if (other === undefined || this.#ends.has(node)) return;
    const mine = end(other.#self, other);
    const theirs = end(this.#self, this);
    mine.twin = theirs;
    theirs.twin = mine;
    this.#ends.set(node, mine);
    other.#ends.set(this.node, theirs);
    this.#events.linkUp(mine.peer);
    if (other.#ends.get(this.node) === theirs) {
      other.#events.linkUp(theirs.peer);
    }
  }

  #reachable(node: NodeId): MemoryMember | undefined {
    const other = this.#around.reach(this.node, node);
    if (!this.#running || other === undefined) return undefined;
    if (!this.#peers.has(node) || !other.#peers.has(this.node)) {
      return undefined;
    }
    const mine = this.#self.clusterId;
    const theirs = other.#self.clusterId;
    return mine === "" || theirs === "" || mine === theirs ? other : undefined;
  }

  #receive(sender: End, lane: Lane, bytes: Uint8Array): void {
    const mine = sender.twin;
    if (mine === null || this.#ends.get(nodeIdOf(mine.peer.id)) !== mine) {
      return;
    }
    this.#events.frame(mine.peer, lane, bytes);
  }

  #break(): void {
    for (const node of [...this.#ends.keys()]) this.#lose(node);
  }

  #lose(node: NodeId): void {
    const mine = this.#ends.get(node);
    if (mine === undefined) return;
    this.#ends.delete(node);
    mine.other.#lose(this.node);
    this.#events.linkDown(node);
  }
}

function end(peer: PeerIdentity, other: MemoryMember): End {
  return { peer, other, queued: { control: 0, bulk: 0 }, twin: null };
}
