import assert from "node:assert/strict";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import { RaftCore } from "../../src/raft/core.ts";
import type {
  Input,
  MembershipChange,
  Outcome,
  Persist,
  RaftInit,
  RaftOptions,
  RaftStatus,
  Ready,
} from "../../src/raft/io.ts";
import type { Message } from "../../src/raft/messages.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../src/raft/options.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type HardState,
  type LogIndex,
  type MemberId,
  type SnapshotMeta,
} from "../../src/raft/types.ts";
import { SeededRandom } from "../../src/util/random.ts";

/** Few ticks, so that traces stay short. */
export const TEST_OPTIONS: RaftOptions = {
  ...DEFAULT_RAFT_OPTIONS,
  electionTicks: 10,
  heartbeatTicks: 1,
};

/** Text as payload, and back. */
export const bytes = (text: string): Uint8Array =>
  new TextEncoder().encode(text);
const text = (payload: Uint8Array): string => new TextDecoder().decode(payload);

/** A configuration without doubt about what is empty. */
export function configOf(
  voters: readonly MemberId[],
  learners: readonly MemberId[] = [],
  votersOutgoing: readonly MemberId[] = [],
  learnersNext: readonly MemberId[] = [],
): Configuration {
  return { voters, votersOutgoing, learners, learnersNext };
}

/** `1 … count` as member ids. */
export function members(count: number): MemberId[] {
  return Array.from({ length: count }, (_, i) => `${i + 1}`);
}

/** What is on a member's disk: everything a core is started from. */
export interface Disk {
  hardState: HardState;
  base: SnapshotMeta;
  entries: Entry[];
}

/** An init for a core whose log has entries of these terms, with no configuration entry. */
export function initOf(
  id: MemberId,
  config: Configuration,
  terms: readonly number[] = [],
  hardState: HardState = { term: terms.at(-1) ?? 0, vote: null },
): RaftInit {
  return {
    id,
    hardState,
    base: { last: { term: 0, index: 0 }, config },
    entries: terms.map((term, i) => ({ index: i + 1, term, bytes: 1 })),
    configs: [],
    applied: 0,
  };
}

/** A core of member `id` among `voters`, alone with the test. */
export function coreOf(
  init: RaftInit,
  options: Partial<RaftOptions> = {},
  seed = 1,
): RaftCore {
  return new RaftCore(
    init,
    { ...TEST_OPTIONS, ...options },
    new SeededRandom(seed),
  );
}

/** Takes everything out, with every write durable at once; the messages in order. */
export function drain(core: RaftCore): Message[] {
  const messages: Message[] = [];
  for (let i = 0; core.hasReady(); i++) {
    assert(i < 1000, "the core never comes to rest");
    const { persist, send, sendAfterPersist } = core.takeReady();
    messages.push(...send);
    if (persist !== null) core.step({ kind: "persisted", id: persist.id });
    messages.push(...sendAfterPersist);
  }
  return messages;
}

/** Hands a message in and takes the answers out. */
export function receive(core: RaftCore, message: Message): Message[] {
  core.step({ kind: "message", message });
  return drain(core);
}

/** A core of three (or more) voters that leads term 1; its no-op is committed. */
export function leaderOf(
  options: Partial<RaftOptions> = {},
  voters = 3,
): RaftCore {
  const core = coreOf(initOf("1", configOf(members(voters))), options);
  tickUntilCampaign(core);
  for (const preVote of [true, false]) {
    for (const from of members(voters).slice(1)) {
      const reply = { from, to: "1", term: 1, granted: true } as const;
      receive(core, { ...reply, type: "voteReply", preVote });
    }
  }
  for (const from of members(voters).slice(1)) {
    const reply = { from, to: "1", term: 1, ok: true, index: 1 } as const;
    const hint = { term: 0, index: 0 };
    receive(core, { ...reply, type: "appendReply", hint });
  }
  assert.equal(core.role, "leader");
  assert.equal(core.commit, 1);
  return core;
}

/** Ticks until the core campaigns; it becomes candidate (or precandidate) or leader. */
export function tickUntilCampaign(core: RaftCore): Message[] {
  for (let i = 0; i < 100; i++) {
    core.step({ kind: "tick" });
    const messages = drain(core);
    if (core.role !== "follower") return messages;
  }
  throw new Error("no campaign within 100 ticks");
}

/** One member of a {@linkcode Cluster}. */
export class Node {
  core: RaftCore;
  /** What survives a crash. */
  disk: Disk;
  /** What the log shows, durable or not. */
  entries: Entry[];
  base: SnapshotMeta;
  /** Writes that are not durable yet. */
  writes: { persist: Persist; after: Message[] }[] = [];
  /** Applied commands of all time, oldest first. */
  state: string[] = [];
  applied: LogIndex;
  reads: Map<number, LogIndex | null> = new Map();
  snapshotRequests: Ready["sendSnapshots"][number][] = [];
  installing: { meta: SnapshotMeta; state: string[] } | null = null;
  received: { meta: SnapshotMeta; state: string[] } | null = null;
  up = true;

  constructor(
    readonly id: MemberId,
    disk: Disk,
    readonly options: RaftOptions,
    public seed: number,
  ) {
    this.disk = disk;
    this.entries = [...disk.entries];
    this.base = disk.base;
    this.applied = disk.base.last.index;
    this.core = this.start();
  }

  start(): RaftCore {
    const { hardState, base, entries } = this.disk;
    return new RaftCore(
      {
        id: this.id,
        hardState,
        base,
        entries: entries.map(({ index, term, payload }) => ({
          index,
          term,
          bytes: payload.length,
        })),
        configs: entries.filter(({ kind }) => kind === EntryKind.config).map((
          { index, payload },
        ) => ({ index, config: decodeConfiguration(payload) })),
        applied: base.last.index,
      },
      this.options,
      new SeededRandom(this.seed++),
    );
  }

  get status(): RaftStatus {
    return this.core.status();
  }

  /** The log as text: term and what the entry is. */
  get log(): string {
    return this.entries.map(({ term, kind, payload }) =>
      `${term}${
        kind === EntryKind.command
          ? text(payload)
          : kind === EntryKind.noop
          ? "·"
          : "#"
      }`
    ).join(" ");
  }

  entryAt(index: LogIndex): Entry | undefined {
    return this.entries[index - this.base.last.index - 1];
  }
}

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
 * Cores with a network, disks and state machines that the test controls. After
 * each step the safety properties of the paper's figure 3 are checked.
 */
export class Cluster {
  readonly nodes: Map<MemberId, Node> = new Map();
  /** Messages on their way. */
  wire: Message[] = [];
  /** Every message ever sent. */
  sent: Message[] = [];
  /** Messages for which this is true are lost. */
  lose: (message: Message) => boolean = () => false;
  /** Members whose writes do not become durable by themselves. */
  readonly slowDisks: Set<MemberId> = new Set();
  /** Whether requested snapshots arrive by themselves. */
  autoSnapshots = true;
  /** Whether received snapshots are installed by themselves. */
  autoInstall = true;
  /** What snapshots contain. */
  readonly #contents: WeakMap<SnapshotMeta, string[]> = new WeakMap();
  readonly #cuts: Set<string> = new Set();
  readonly #leaders: Map<number, MemberId> = new Map();
  readonly #committed: Map<LogIndex, Entry> = new Map();
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
    const term = Math.max(1, ...logs.flat());
    const config = configOf(
      ids.slice(0, voters),
      ids.slice(voters, voters + learners),
    );
    ids.forEach((id, i) => {
      const inside = i < voters + learners;
      const entries = (logs[i] ?? []).map((term, at): Entry => ({
        index: at + 2,
        term,
        kind: EntryKind.command,
        payload: bytes(`${term}.${at}`),
      }));
      this.add(id, {
        hardState: {
          term: inside ? term : 0,
          vote: null,
        },
        base: inside
          ? { last: { term: 1, index: 1 }, config }
          : { last: { term: 0, index: 0 }, config: configOf([]) },
        entries,
      });
    });
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
    this.#check(node);
  }

  #obey(node: Node, ready: Ready): void {
    const { persist, send, sendAfterPersist } = ready;
    if (persist !== null) writeTo(node, persist);
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

  #apply(node: Node, commit: LogIndex): void {
    if (node.installing !== null) return;
    for (; node.applied < commit; node.applied++) {
      const entry = node.entryAt(node.applied + 1);
      assert(entry !== undefined, `${node.id} lacks committed entry`);
      const known = this.#committed.get(entry.index);
      assert(
        known === undefined || known.term === entry.term,
        `state machine safety: ${entry.index} is ${known?.term} and ${entry.term}`,
      );
      this.#committed.set(entry.index, entry);
      if (entry.kind === EntryKind.command) {
        node.state.push(text(entry.payload));
      }
    }
    if (node.core.status().applied < node.applied) {
      node.core.step({ kind: "applied", index: node.applied });
    }
  }

  /** Every write so far of this member becomes durable. */
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
    const meta = { ...this.#snapshotOf(node) };
    this.#contents.set(meta, [...node.state]);
    assert(meta.last.index >= request.atLeast, "the snapshot is too old");
    if (ok) {
      this.wire.push({
        type: "snapshotReceived",
        from: node.id,
        to: request.to,
        term: request.term,
        snapshot: meta,
      });
    }
    const { to } = request;
    node.core.step({ kind: "snapshotSent", to, last: meta.last, ok });
  }

  #snapshotOf(node: Node): SnapshotMeta {
    if (node.applied === node.base.last.index) return node.base;
    const { term, index } = node.entryAt(node.applied)!;
    let config = node.base.config;
    for (const entry of node.entries) {
      if (entry.index > index) break;
      if (entry.kind === EntryKind.config) {
        config = decodeConfiguration(entry.payload);
      }
    }
    return { last: { term, index }, config };
  }

  /** The received snapshot becomes the state of this member. */
  install(id: MemberId | number): void {
    const node = this.node(id);
    const snapshot = node.installing;
    assert(snapshot !== null, "nothing to install");
    node.installing = null;
    node.received = null;
    node.base = snapshot.meta;
    node.entries = [];
    node.state = [...snapshot.state];
    node.applied = snapshot.meta.last.index;
    node.disk.base = snapshot.meta;
    node.disk.entries = [];
    node.core.step({ kind: "snapshotInstalled", snapshot: snapshot.meta });
    this.#serve(node);
  }

  /** Forgets the log of this member up to `index`, by default all that is applied. */
  purge(id: MemberId | number, index?: LogIndex): void {
    const node = this.node(id);
    const to = index ?? node.applied;
    const applied = node.applied;
    node.applied = to;
    const meta = this.#snapshotOf(node);
    node.applied = applied;
    node.entries = node.entries.filter((entry) => entry.index > to);
    node.disk.entries = node.disk.entries.filter((entry) => entry.index > to);
    node.base = meta;
    node.disk.base = meta;
    this.step(id, { kind: "purged", index: to });
  }

  #post(node: Node, messages: readonly Message[]): void {
    for (const message of messages) {
      const filled = fill(node, message);
      if (filled === null) continue;
      this.sent.push(filled);
      this.wire.push(filled);
    }
  }

  /** Delivers one message of the wire, by default the oldest. */
  deliver(message: Message | undefined = this.wire[0]): void {
    const at = message === undefined ? -1 : this.wire.indexOf(message);
    assert(message !== undefined && at >= 0, "no such message on the wire");
    this.wire.splice(at, 1);
    const node = this.nodes.get(message.to);
    if (node === undefined || !node.up || this.#isLost(message)) return;
    if (message.type === "snapshotReceived" && node.installing === null) {
      const state = this.#contents.get(message.snapshot) ?? [];
      node.received = { meta: message.snapshot, state };
    }
    this.step(node.id, { kind: "message", message });
  }

  #isLost(message: Message): boolean {
    return this.#cuts.has(`${message.from}>${message.to}`) ||
      this.lose(message);
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
        if (node.up && node.id !== `${id}`) {
          for (let k = 0; k < 9; k++) node.core.step({ kind: "tick" });
        }
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

  change(id: MemberId | number, change: MembershipChange): Outcome {
    return this.step(id, { kind: "changeMembership", change });
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
    this.#cuts.add(`${from}>${to}`);
    if (!oneWay) this.#cuts.add(`${to}>${from}`);
    return this;
  }

  isolate(id: MemberId | number): this {
    for (const other of this.nodes.keys()) {
      if (other !== `${id}`) this.cut(id, other);
    }
    return this;
  }

  heal(): this {
    this.#cuts.clear();
    this.lose = () => false;
    return this;
  }

  /** The member stops; unsynced writes are lost, and so is what it had not sent. */
  crash(id: MemberId | number): this {
    const node = this.node(id);
    node.up = false;
    node.writes = [];
    node.installing = null;
    node.received = null;
    node.snapshotRequests = [];
    node.entries = [...node.disk.entries];
    node.base = node.disk.base;
    return this;
  }

  /** The member starts from its disk and applies anew what is committed. */
  restart(id: MemberId | number): this {
    const node = this.node(id);
    if (node.up) this.crash(id);
    const snapshot = node.base.last.index;
    const dropped =
      [...this.#committed.values()].filter(({ index, kind }) =>
        index > snapshot && index <= node.applied && kind === EntryKind.command
      ).length;
    node.state.length -= dropped;
    node.applied = snapshot;
    node.up = true;
    node.core = node.start();
    return this;
  }

  /** Election safety, log matching and leader completeness (figure 3); the commit index stays in the log. */
  #check(node: Node): void {
    const { role, term, commit, lastIndex } = node.core;
    const { applied, base } = node.core.status();
    assert(base.index <= applied && applied <= commit && commit <= lastIndex);
    if (role !== "leader") return;
    const known = this.#leaders.get(term);
    assert(
      known === undefined || known === node.id,
      `election safety: ${known} and ${node.id} lead term ${term}`,
    );
    if (known !== undefined) return;
    this.#leaders.set(term, node.id);
    for (const [index, entry] of this.#committed) {
      if (index <= base.index || entry.term >= term) continue;
      assert.equal(
        node.entryAt(index)?.term,
        entry.term,
        `leader completeness: ${node.id} lacks ${index} in term ${term}`,
      );
    }
  }

  /** Log matching: where two logs have the same id, they are equal up to there. */
  checkLogMatching(): void {
    const nodes = [...this.nodes.values()];
    for (const a of nodes) {
      for (const b of nodes) {
        let agreed = false;
        for (let i = a.entries.length - 1; i >= 0; i--) {
          const entry = a.entries[i]!;
          const other = b.entryAt(entry.index);
          if (other === undefined) continue;
          if (agreed) assert.deepEqual(other, entry, "log matching");
          else if (other.term === entry.term) agreed = true;
        }
      }
    }
  }

  /** The logs of the members, for comparison. */
  logs(): string[] {
    return Array.from(this.nodes.values(), (node) => node.log);
  }
}

/** A message as it goes over the wire; null if its entries are gone. */
function fill(node: Node, message: Message): Message | null {
  if (message.type !== "appendEntries") return message;
  const entries: Entry[] = [];
  for (let i = message.prev.index + 1; i <= message.last; i++) {
    const entry = node.entryAt(i);
    if (entry === undefined) return null;
    entries.push(entry);
  }
  return { ...message, entries };
}

function writeTo(node: Node, { truncateAfter, entries }: Persist): void {
  if (truncateAfter !== undefined) {
    node.entries.length = truncateAfter - node.base.last.index;
  }
  for (const entry of entries) {
    const expected = node.base.last.index + node.entries.length + 1;
    assert.equal(entry.index, expected, "gap in the log");
    node.entries.push(entry);
  }
}

function persistTo(
  disk: Disk,
  { hardState, truncateAfter, entries }: Persist,
): void {
  if (hardState !== undefined) disk.hardState = hardState;
  const base = disk.base.last.index;
  if (truncateAfter !== undefined) {
    disk.entries = disk.entries.filter((entry) => entry.index <= truncateAfter);
  }
  for (const entry of entries) {
    if (entry.index > base) disk.entries.push(entry);
  }
}
