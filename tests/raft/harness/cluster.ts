import assert from "node:assert/strict";
import type { RaftCore } from "../../../src/raft/core.ts";
import type {
  Input,
  MembershipChange,
  Outcome,
  Ready,
} from "../../../src/raft/io.ts";
import type { RaftOptions } from "../../../src/raft/options.ts";
import type { Message } from "../../../src/raft/messages.ts";
import {
  type Entry,
  EntryKind,
  type LogIndex,
  type MemberId,
  type SnapshotMeta,
} from "../../../src/raft/types.ts";
import { configOf, members } from "./configurations.ts";
import { TEST_OPTIONS } from "./core.ts";
import { type Disk, persistTo } from "./disk.ts";
import { checkLogMatching, Invariants } from "./invariants.ts";
import { Links } from "./links.ts";
import { Node } from "./node.ts";
import { bytes, text } from "./payloads.ts";
import { tick } from "./talk.ts";

/** How a {@linkcode Cluster} starts. */
export interface ClusterOptions {
  readonly voters?: number;
  readonly learners?: number;
  readonly options?: Partial<RaftOptions>;
  readonly seed?: number;
  /** Members that exist and are not in the configuration. */
  readonly spares?: number;
  /** Options of single members. */
  readonly optionsOf?: (id: MemberId) => Partial<RaftOptions>;
  /** Terms of the entries each member has, by position. */
  readonly logs?: readonly (readonly number[])[];
}

/**
 * Cores with links, disks and state machines that the test controls. After each
 * step the safety properties of the paper's figure 3 are checked.
 */
export class Cluster {
  readonly nodes: Map<MemberId, Node> = new Map();
  /** Members whose writes do not become durable by themselves. */
  readonly slowDisks: Set<MemberId> = new Set();
  /** Whether requested snapshots arrive by themselves. */
  autoSnapshots = true;
  /** Whether received snapshots are installed by themselves. */
  autoInstall = true;
  /** What snapshots contain. */
  readonly #contents: WeakMap<SnapshotMeta, string[]> = new WeakMap();
  readonly #links: Links = new Links();
  readonly #invariants: Invariants = new Invariants();
  readonly #optionsOf: (id: MemberId) => RaftOptions;
  readonly #seed: number;
  #nextRead = 1;

  constructor({
    voters = 3,
    learners = 0,
    spares = 0,
    options = {},
    optionsOf = () => ({}),
    seed = 1,
    logs = [],
  }: ClusterOptions = {}) {
    this.#optionsOf = (id) => ({
      ...TEST_OPTIONS,
      ...options,
      ...optionsOf(id),
    });
    this.#seed = seed;
    const ids = members(voters + learners + spares);
    const insiders = ids.slice(0, voters + learners);
    const config = configOf(insiders.slice(0, voters), insiders.slice(voters));
    const member = {
      term: Math.max(1, ...logs.flat()),
      base: { last: { term: 1, index: 1 }, config },
    };
    const spare = {
      term: 0,
      base: { last: { term: 0, index: 0 }, config: configOf([]) },
    };
    for (const [i, id] of ids.entries()) {
      const { term, base } = i < insiders.length ? member : spare;
      const hardState = { term, vote: null };
      this.add(id, { hardState, base, entries: commands(logs[i] ?? []) });
    }
  }

  add(id: MemberId, disk: Disk): Node {
    const seed = this.#seed * 1000 + this.nodes.size * 100;
    const node = new Node(id, disk, this.#optionsOf(id), seed);
    this.nodes.set(id, node);
    return node;
  }

  node(id: MemberId | number): Node {
    const node = this.nodes.get(`${id}`);
    assert(node !== undefined, `no member ${id}`);
    return node;
  }

  core(id: MemberId | number): RaftCore {
    return this.node(id).core;
  }

  /** Messages on their way. */
  get wire(): Message[] {
    return this.#links.wire;
  }

  set wire(messages: Message[]) {
    this.#links.wire = messages;
  }

  /** Every message ever sent. */
  get sent(): readonly Message[] {
    return this.#links.sent;
  }

  /** Messages for which this is true are lost. */
  set lose(lose: (message: Message) => boolean) {
    this.#links.lose = lose;
  }

  /** Hands an input in and does what the core asks for. */
  step(id: MemberId | number, input: Input): Outcome {
    const node = this.node(id);
    const outcome = node.core.step(input);
    this.#serve(node);
    return outcome;
  }

  #serve(node: Node): void {
    for (let i = 0; node.up && node.core.hasReady(); i++) {
      assert(i < 1000, `member ${node.id} never comes to rest`);
      this.#obey(node, node.core.takeReady());
    }
    this.#invariants.check(node);
  }

  #obey(node: Node, ready: Ready): void {
    const { persist, send, sendAfterPersist } = ready;
    if (persist !== null) node.write(persist);
    this.#post(node, send);
    const pending = node.writes.at(-1);
    if (persist !== null) {
      node.writes.push({ persist, after: [...sendAfterPersist] });
    } else if (pending !== undefined) pending.after.push(...sendAfterPersist);
    else this.#post(node, sendAfterPersist);
    for (const { requestId, index } of ready.reads) {
      assert(!node.reads.has(requestId), `read ${requestId} answered twice`);
      node.reads.set(requestId, index);
    }
    for (const request of ready.sendSnapshots) {
      node.snapshotRequests.push(request);
      if (this.autoSnapshots) this.sendSnapshot(node.id);
    }
    if (!this.slowDisks.has(node.id)) this.flush(node.id);
    this.#apply(node, ready.commit);
    if (ready.installSnapshot !== null) {
      assert(node.received !== null);
      node.installing = node.received;
      if (this.autoInstall) this.install(node.id);
    }
  }

  #post(node: Node, messages: readonly Message[]): void {
    for (const message of messages) {
      const filled = node.fill(message);
      if (filled !== null) this.#links.post(filled);
    }
  }

  #apply(node: Node, commit: LogIndex): void {
    if (node.installing !== null) return;
    for (; node.applied < commit; node.applied++) {
      const entry = node.entryAt(node.applied + 1);
      assert(entry !== undefined, `${node.id} lacks committed entry`);
      this.#invariants.applied(entry);
      if (entry.kind === EntryKind.command) {
        node.state.push(text(entry.payload));
      }
    }
    if (node.core.status().applied < node.applied) {
      node.core.step({ kind: "applied", index: node.applied });
    }
  }

  /** The oldest `count` writes of this member become durable, by default all. */
  flush(id: MemberId | number, count = Infinity): void {
    const node = this.node(id);
    for (let i = 0; i < count; i++) {
      const write = node.writes.shift();
      if (write === undefined) break;
      persistTo(node.disk, write.persist);
      this.#post(node, write.after);
      node.core.step({ kind: "persisted", id: write.persist.id });
    }
    if (node.core.hasReady()) this.#serve(node);
  }

  /** Streams the oldest requested snapshot of this member, of its present state. */
  sendSnapshot(id: MemberId | number, ok = true): void {
    const node = this.node(id);
    const request = node.snapshotRequests.shift();
    assert(request !== undefined, "no snapshot was asked for");
    const { to, term, atLeast } = request;
    const meta = { ...node.snapshotAt(node.applied) };
    this.#contents.set(meta, [...node.state]);
    assert(meta.last.index >= atLeast, "the snapshot is too old");
    if (ok) {
      const envelope = { type: "snapshotReceived", from: node.id, to } as const;
      this.wire.push({ ...envelope, term, snapshot: meta });
    }
    node.core.step({ kind: "snapshotSent", to, last: meta.last, ok });
  }

  /** The received snapshot becomes the state of this member. */
  install(id: MemberId | number): void {
    const node = this.node(id);
    const snapshot = node.installing;
    assert(snapshot !== null, "nothing to install");
    node.replace(snapshot);
    node.core.step({ kind: "snapshotInstalled", snapshot: snapshot.meta });
    this.#serve(node);
  }

  /** Forgets the log of this member up to `index`, by default all that is applied. */
  purge(id: MemberId | number, index?: LogIndex): void {
    const node = this.node(id);
    const to = index ?? node.applied;
    node.purge(to);
    this.step(id, { kind: "purged", index: to });
  }

  /** Delivers one message of the wire, by default the oldest. */
  deliver(message: Message | undefined = this.wire[0]): void {
    if (!this.#links.take(message)) return;
    const node = this.nodes.get(message.to);
    if (node === undefined || !node.up) return;
    if (message.type === "snapshotReceived" && node.installing === null) {
      const state = this.#contents.get(message.snapshot) ?? [];
      node.received = { meta: message.snapshot, state };
    }
    this.step(node.id, { kind: "message", message });
  }

  /** Delivers until nothing is on its way. */
  settle(): this {
    for (let i = 0; this.wire.length > 0; i++) {
      assert(i < 100_000, "the cluster never comes to rest");
      this.deliver();
    }
    return this;
  }

  /** Ticks one member, or everyone, and delivers what follows. */
  tick(count = 1, id?: MemberId | number): this {
    for (let i = 0; i < count; i++) {
      for (const node of this.nodes.values()) {
        const chosen = id === undefined || node.id === `${id}`;
        if (node.up && chosen) this.step(node.id, { kind: "tick" });
      }
      this.settle();
    }
    return this;
  }

  /** Lets the member win an election. Others' leases run out first. */
  elect(id: MemberId | number): this {
    this.step(id, { kind: "campaign" });
    this.settle();
    for (let i = 0; i < 50 && this.core(id).role !== "leader"; i++) {
      for (const node of this.nodes.values()) {
        if (node.up && node.id !== `${id}`) tick(node.core, 9);
      }
      this.step(id, { kind: "campaign" });
      this.settle();
    }
    assert.equal(this.core(id).role, "leader", `${id} leads`);
    return this;
  }

  /** Ticks until somebody leads that others follow; who. */
  awaitLeader(): MemberId {
    for (let i = 0; i < 500; i++) {
      const leader = this.leader();
      if (leader !== null) return leader;
      this.tick();
    }
    throw new Error("no leader within 500 ticks");
  }

  /** The leader of the highest term among the living. */
  leader(): MemberId | null {
    let best: Node | null = null;
    for (const node of this.nodes.values()) {
      if (!node.up || node.core.role !== "leader") continue;
      if (best === null || node.core.term > best.core.term) best = node;
    }
    return best?.id ?? null;
  }

  propose(id: MemberId | number, ...texts: string[]): Outcome {
    return this.step(id, { kind: "propose", payloads: texts.map(bytes) });
  }

  /** Proposes where the member leads, and settles. */
  write(id: MemberId | number, ...texts: string[]): this {
    assert.equal(this.propose(id, ...texts).kind, "appended");
    return this.settle();
  }

  change(id: MemberId | number, change: MembershipChange): Outcome {
    return this.step(id, { kind: "changeMembership", change });
  }

  /** Changes the membership where the member leads, and settles. */
  reconfigure(id: MemberId | number, change: MembershipChange): this {
    assert.equal(this.change(id, change).kind, "appended");
    return this.settle();
  }

  transfer(id: MemberId | number, target: MemberId | null): Outcome {
    return this.step(id, { kind: "transferLeadership", target });
  }

  /** Asks for a linearizable read; its request id. */
  read(id: MemberId | number): number {
    const requestId = this.#nextRead++;
    this.step(id, { kind: "readIndex", requestId });
    return requestId;
  }

  /** Nothing passes from one member to the other, nor back unless `oneWay`. */
  cut(from: MemberId | number, to: MemberId | number, oneWay = false): this {
    this.#links.cut(from, to);
    if (!oneWay) this.#links.cut(to, from);
    return this;
  }

  isolate(id: MemberId | number): this {
    for (const other of this.nodes.keys()) {
      if (other !== `${id}`) this.cut(id, other);
    }
    return this;
  }

  heal(): this {
    this.#links.heal();
    return this;
  }

  /** The member stops; unsynced writes are lost, and so is what it had not sent. */
  crash(id: MemberId | number): this {
    this.node(id).crash();
    return this;
  }

  /** The member starts from its disk and applies anew what is committed. */
  restart(id: MemberId | number): this {
    const node = this.node(id);
    if (node.up) node.crash();
    const { base, applied } = node;
    node.restart(this.#invariants.commandsBetween(base.last.index, applied));
    return this;
  }

  checkLogMatching(): void {
    checkLogMatching([...this.nodes.values()]);
  }

  /** The logs of the members, for comparison. */
  logs(): string[] {
    return Array.from(this.nodes.values(), (node) => node.log);
  }
}

/** Commands of these terms, behind the first configuration. */
function commands(terms: readonly number[]): Entry[] {
  return terms.map((term, at) => ({
    index: at + 2,
    term,
    kind: EntryKind.command,
    payload: bytes(`${term}.${at}`),
  }));
}
