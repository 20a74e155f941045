/**
 * Walks through every state that a few members can reach within bounds, over
 * the real core. Messages stay on the wire once sent, so that each may be
 * delivered at any time, in any order, as often as one likes, or never; disks are
 * slow; members crash and come back with what was durable. Every state is checked.
 *
 * What a member does depends on its own state and the input alone, so each pair
 * of them is computed once: states of the whole are many, of a member few.
 *
 * `deno run tests/raft/explore.ts --seconds 600 --terms 3 --proposals 2` goes on for longer.
 */
import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { RaftCore } from "../../src/raft/core.ts";
import type { Input, Persist, RaftOptions } from "../../src/raft/io.ts";
import type { Message } from "../../src/raft/messages.ts";
import type { Entry, HardState, MemberId } from "../../src/raft/types.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { configOf, members, TEST_OPTIONS } from "./harness.ts";

/** How far to go. Loss, duplication and order of messages need no bound. */
export interface Bounds {
  readonly voters: number;
  /** Terms after the first; as many elections can begin. */
  readonly terms: number;
  readonly proposals: number;
  readonly crashes: number;
  /** Ticks of leaders, each of which sends heartbeats. */
  readonly heartbeats: number;
  /** Linearizable reads. */
  readonly reads: number;
  /** Writes become durable some time later, and a crash loses them. */
  readonly slowDisks: boolean;
}

/** What was found. */
export interface Exploration {
  readonly states: number;
  /** Different states of one member among them. */
  readonly memberStates: number;
  readonly transitions: number;
  /** The longest path. */
  readonly depth: number;
  /** Whether every state within the bounds was visited. */
  readonly complete: boolean;
  /** States in which some member had committed beyond the start. */
  readonly committed: number;
  /** The highest number of leaders on one path. */
  readonly leaders: number;
}

const OPTIONS: RaftOptions = {
  ...TEST_OPTIONS,
  electionTicks: 1000,
  preVote: false,
  checkQuorum: false,
};

/** A state of one member; never modified. */
interface Member {
  /** Equal for equal states. */
  readonly key: number;
  readonly core: RaftCore;
  readonly hardState: HardState;
  /** What is durable, and what the log shows. */
  readonly disk: readonly Entry[];
  readonly log: readonly Entry[];
  readonly writes: readonly { persist: Persist; after: readonly Message[] }[];
  /** What inputs lead to. */
  readonly steps: Map<string, StepResult>;
}

interface StepResult {
  readonly member: Member;
  readonly sent: readonly Posted[];
  readonly answers: readonly { requestId: number; index: number | null }[];
}

/** A message on the wire; equal messages are the same object. */
interface Posted {
  readonly key: number;
  readonly message: Message;
  /** Its delivery. */
  readonly action: Action;
}

/** A state of the whole; never modified. */
interface World {
  readonly members: readonly Member[];
  /** Sorted by key. */
  readonly wire: readonly Posted[];
  readonly left: {
    readonly proposals: number;
    readonly crashes: number;
    readonly heartbeats: number;
    readonly reads: number;
  };
  /** Who led which term, ever. */
  readonly leaders: Readonly<Record<number, MemberId>>;
  /** Everything ever committed. */
  readonly committed: readonly Entry[];
  /** Reads under way: the commit index that they must not miss. */
  readonly reads: Readonly<Record<number, number>>;
}

/** What a member does next. */
interface Action {
  readonly who: number;
  readonly input: Input | "fsync" | "crash";
  /** Names the input. */
  readonly name: string;
}

/** Copies what a core may modify; messages, entries and configurations it never does. */
function copy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array || Object.isFrozen(value)) return value;
  if (value instanceof Float64Array) return value.slice() as T;
  if (value instanceof Map) {
    return new Map(Array.from(value, ([k, v]) => [k, copy(v)])) as T;
  }
  if (Array.isArray(value)) return value.map(copy) as T;
  const made = Object.create(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) {
    made[key] = copy((value as Record<string, unknown>)[key]);
  }
  return made;
}

/** Clocks, and ids of finished writes: they do not decide what can happen. */
const IRRELEVANT = new Set([
  "id",
  "options",
  "random",
  "ticks",
  "electionElapsed",
  "electionTimeout",
  "heartbeatElapsed",
  "ownVoteWrite",
  "totals",
  "nextId",
  "durableId",
  "since",
  "payload",
]);

/** What tells two cores apart as far as the future goes. */
function printCore(core: RaftCore): string {
  const { state } = core as unknown as {
    state: { ownVoteWrite: number; persistence: { nextId: number } };
  };
  const voteAge = state.persistence.nextId - state.ownVoteWrite;
  return `${core.role === "candidate" ? voteAge : ""}${printValue(state)}`;
}

function printValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return `${value}`;
  if (value instanceof Map) return printValue([...value]);
  let print = "";
  if (Array.isArray(value)) {
    for (const item of value) print += `,${printValue(item)}`;
    return `[${print}]`;
  }
  const record = value as Record<string, unknown>;
  for (const key in record) {
    if (!IRRELEVANT.has(key)) print += `,${printValue(record[key])}`;
  }
  return `{${print}}`;
}

/** 53 bits of a text (cyrb53): collisions are unlikely below 10^7 states. */
function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^
    Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^
    Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

const printEntry = ({ term, payload }: Entry): string => `${term}.${payload}`;

function printMember(member: Omit<Member, "key" | "steps">): string {
  const { core, hardState, disk, log, writes } = member;
  const pending = writes.map(({ persist, after }) => {
    const { hardState, truncateAfter, entries } = persist;
    const wait = after.map(showMessage);
    const { term, vote } = hardState ?? {};
    return [term, vote, truncateAfter, entries.map(printEntry), wait].join();
  });
  return [
    core.status().id,
    printCore(core),
    hardState.term,
    hardState.vote,
    disk.map(printEntry),
    log.map(printEntry),
    pending.join(";"),
  ].join("|");
}

function showMessage(message: Message): string {
  return JSON.stringify(
    message,
    (key, value) => key === "payload" ? `${value}` : value,
  );
}

function printWorld(
  { members, wire, left, leaders, committed, reads }: World,
): number {
  let print =
    `${left.proposals},${left.crashes},${left.heartbeats},${left.reads}`;
  for (const { key } of members) print += `|${key}`;
  for (const { key } of wire) print += `,${key}`;
  for (const term in leaders) print += `;${term}${leaders[term]}`;
  for (const read in reads) print += `:${read}${reads[read]}`;
  for (const entry of committed) print += `!${printEntry(entry)}`;
  return hash(print);
}

const BASE = 1;

function start(
  id: MemberId,
  voters: number,
  hardState: HardState,
  disk: readonly Entry[],
): RaftCore {
  return new RaftCore(
    {
      id,
      hardState,
      base: {
        last: { term: 1, index: BASE },
        config: configOf(members(voters)),
      },
      entries: disk.map(({ index, term, payload }) => ({
        index,
        term,
        bytes: payload.length,
      })),
      configs: [],
      applied: BASE,
    },
    OPTIONS,
    { uint32: () => 0 },
  );
}

/** A reply that its receiver will ignore for ever, whatever happens, is as good as lost. */
function isDead({ message }: Posted, receiver: Member): boolean {
  const { core, hardState } = receiver;
  const role = message.type === "voteReply"
    ? "candidate"
    : message.type === "appendReply" || message.type === "heartbeatReply"
    ? "leader"
    : null;
  if (role === null) return false;
  return message.term < hardState.term ||
    (message.term === hardState.term && core.term === message.term &&
      core.role !== role);
}

function* actions(world: World, terms: number): Generator<Action> {
  const { left, members } = world;
  // All members are alike at first: let it be the first one that campaigns.
  if (members.every(({ core }) => core.term === 1)) {
    yield { who: 0, input: { kind: "campaign" }, name: "campaign" };
    return;
  }
  for (const [who, { core, writes }] of members.entries()) {
    if (writes.length > 0) yield { who, input: "fsync", name: "fsync" };
    if (left.crashes > 0) yield { who, input: "crash", name: "crash" };
    if (core.role === "leader") {
      if (left.proposals > 0) {
        const payloads = [new Uint8Array([left.proposals])];
        const name = `propose ${left.proposals}`;
        yield { who, input: { kind: "propose", payloads }, name };
      }
      if (left.heartbeats > 0) {
        yield { who, input: { kind: "tick" }, name: "tick" };
      }
    } else if (core.term < 1 + terms) {
      yield { who, input: { kind: "campaign" }, name: "campaign" };
    }
    if (left.reads > 0) {
      const input = { kind: "readIndex", requestId: left.reads } as const;
      yield { who, input, name: `read ${left.reads}` };
    }
  }
  for (const { action } of world.wire) yield action;
}

/** A member while it takes a step. */
class Step {
  core: RaftCore;
  sent: Message[] = [];
  answers: { requestId: number; index: number | null }[] = [];
  hardState: HardState;
  disk: Entry[];
  log: Entry[];
  writes: { persist: Persist; after: readonly Message[] }[];
  readonly #id: MemberId;
  readonly #slow: boolean;

  constructor(before: Member, slow: boolean) {
    this.core = copy(before.core);
    this.#id = before.core.status().id;
    this.#slow = slow;
    this.hardState = before.hardState;
    this.disk = [...before.disk];
    this.log = [...before.log];
    this.writes = [...before.writes];
  }

  crash(voters: number): void {
    this.core = start(this.#id, voters, this.hardState, this.disk);
    this.log = [...this.disk];
    this.writes = [];
  }

  flush(): void {
    const { persist, after } = this.writes.shift()!;
    const { hardState, truncateAfter, entries } = persist;
    if (hardState !== undefined) {
      const { term, vote } = this.hardState;
      assert.ok(
        hardState.term > term ||
          (hardState.term === term &&
            (vote === null || vote === hardState.vote)),
        `two votes in term ${term}: ${vote} and ${hardState.vote}`,
      );
      this.hardState = hardState;
    }
    if (truncateAfter !== undefined) this.disk.length = truncateAfter - BASE;
    this.disk.push(...entries);
    this.sent.push(...after);
    this.core.step({ kind: "persisted", id: persist.id });
  }

  serve(): void {
    while (this.core.hasReady()) {
      const ready = this.core.takeReady();
      const { persist, sendAfterPersist } = ready;
      if (persist !== null) {
        const { truncateAfter, entries } = persist;
        if (truncateAfter !== undefined) {
          this.log.length = truncateAfter - BASE;
        }
        this.log.push(...entries);
      }
      this.sent.push(...ready.send.map((message) => this.#fill(message)));
      this.answers.push(...ready.reads);
      const last = this.writes.at(-1);
      if (persist !== null) {
        this.writes.push({ persist, after: sendAfterPersist });
      } else if (last !== undefined) {
        // Once is enough: what is sent may be delivered as often as one likes.
        const known = last.after.map(showMessage);
        const fresh = sendAfterPersist.filter((message) =>
          !known.includes(showMessage(message))
        );
        const after = [...last.after, ...fresh];
        this.writes[this.writes.length - 1] = { ...last, after };
      } else this.sent.push(...sendAfterPersist);
      while (!this.#slow && this.writes.length > 0) this.flush();
    }
  }

  #fill(message: Message): Message {
    if (message.type !== "appendEntries") return message;
    const entries = this.log.slice(
      message.prev.index - BASE,
      message.last - BASE,
    );
    return { ...message, entries };
  }
}

/** The properties of the paper's figure 3, of the world after a step of one member. */
function checked(
  world: World,
  who: number,
): Pick<World, "leaders" | "committed"> {
  const { core, log } = world.members[who]!;
  let { leaders, committed } = world;
  const id = `${who + 1}`;
  // State machine safety.
  for (let i = 0; i < core.commit - BASE; i++) {
    const known = committed[i];
    if (known === undefined) committed = [...committed, log[i]!];
    else {assert.equal(
        printEntry(log[i]!),
        printEntry(known),
        "state machine safety",
      );}
  }
  // Election safety and leader completeness.
  if (core.role === "leader") {
    const known = leaders[core.term];
    assert.ok(
      known === undefined || known === id,
      `election safety: ${known}, ${id}`,
    );
    leaders = { ...leaders, [core.term]: id };
    for (const [i, entry] of committed.entries()) {
      if (entry.term >= core.term) continue;
      assert.ok(
        log[i] !== undefined && printEntry(log[i]) === printEntry(entry),
        `leader completeness: ${id} lacks ${i + 1 + BASE}`,
      );
    }
  }
  // Log matching.
  for (const other of world.members) {
    let agree = false;
    for (let i = Math.min(log.length, other.log.length) - 1; i >= 0; i--) {
      if (log[i]!.term === other.log[i]!.term) agree = true;
      if (!agree) continue;
      assert.equal(
        printEntry(log[i]!),
        printEntry(other.log[i]!),
        "log matching",
      );
    }
  }
  // What is committed is on a majority of the disks.
  for (const [i, entry] of committed.entries()) {
    const copies = world.members.filter(({ disk }) =>
      disk[i] !== undefined && printEntry(disk[i]) === printEntry(entry)
    ).length;
    assert.ok(
      copies * 2 > world.members.length,
      `entry ${i + 1 + BASE} is lost`,
    );
  }
  return { leaders, committed };
}

class Explorer {
  readonly #bounds: Bounds;
  readonly #members: Map<string, Member> = new Map();
  readonly #posted: Map<string, Posted> = new Map();

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  get memberStates(): number {
    return this.#members.size;
  }

  first(): World {
    const { voters, proposals, crashes, heartbeats, reads } = this.#bounds;
    return {
      members: members(voters).map((id) => {
        const hardState = { term: 1, vote: null };
        const core = start(id, voters, hardState, []);
        return this.#member({ core, hardState, disk: [], log: [], writes: [] });
      }),
      wire: [],
      left: { proposals, crashes, heartbeats, reads },
      leaders: {},
      committed: [],
      reads: {},
    };
  }

  #member(member: Omit<Member, "key" | "steps">): Member {
    const print = printMember(member);
    let known = this.#members.get(print);
    if (known === undefined) {
      known = { ...member, key: this.#members.size, steps: new Map() };
      this.#members.set(print, known);
    }
    return known;
  }

  #post(message: Message): Posted {
    const print = showMessage(message);
    let known = this.#posted.get(print);
    if (known === undefined) {
      const key = this.#posted.size;
      const who = Number(message.to) - 1;
      const input = { kind: "message", message } as const;
      known = {
        message,
        key,
        action: { who, input, name: `${message.type} ${key}` },
      };
      this.#posted.set(print, known);
    }
    return known;
  }

  /** One step of one member; the world before is left as it is, and comes back if nothing changes. */
  perform(world: World, { who, input, name }: Action): World {
    const before = world.members[who]!;
    let result = before.steps.get(name);
    if (result === undefined) {
      result = this.#step(before, input);
      before.steps.set(name, result);
    }
    const { member, sent, answers } = result;
    const kind = typeof input === "string" ? input : input.kind;
    if (kind === "message" && member === before) {
      if (sent.every((posted) => world.wire.includes(posted))) return world;
    }
    const all = [...world.members];
    all[who] = member;
    // A question asked twice is two questions; they could be asked for ever.
    const asked = kind === "message" && name.startsWith("readIndex");
    const wire = world.wire.filter((posted) =>
      (posted.action.who !== who || !isDead(posted, member)) &&
      !(asked && posted.action.name === name)
    );
    for (const posted of sent) {
      if (isDead(posted, all[posted.action.who]!)) continue;
      if (!wire.includes(posted)) wire.push(posted);
    }
    wire.sort((a, b) => a.key - b.key);
    const spent = spend(world, kind);
    for (const { requestId, index } of answers) {
      // Nobody waits for an answer that a crash made obsolete.
      const least = spent.reads[requestId];
      assert.ok(
        least === undefined || index === null || index >= least,
        `stale read: ${index} misses ${least}`,
      );
      delete spent.reads[requestId];
    }
    const next = { ...world, ...spent, members: all, wire };
    return { ...next, ...checked(next, who) };
  }

  #step(before: Member, input: Action["input"]): StepResult {
    const { slowDisks, voters } = this.#bounds;
    const step = new Step(before, slowDisks);
    if (input === "fsync") step.flush();
    else if (input === "crash") step.crash(voters);
    else step.core.step(input);
    step.serve();
    const { core, hardState, disk, log, writes, answers } = step;
    return {
      member: this.#member({ core, hardState, disk, log, writes }),
      sent: step.sent.map((message) => this.#post(message)),
      answers,
    };
  }
}

/** What remains of the bounds after a step of this kind. */
function spend(
  world: World,
  kind: string,
): { left: World["left"]; reads: Record<number, number> } {
  const left = { ...world.left };
  const reads = { ...world.reads };
  if (kind === "crash") left.crashes--;
  if (kind === "propose") left.proposals--;
  if (kind === "tick") left.heartbeats--;
  if (kind === "readIndex") {
    reads[left.reads] = BASE + world.committed.length;
    left.reads--;
  }
  return { left, reads };
}

/** Visits every state within the bounds, or as many as the time allows. */
export function explore(bounds: Bounds, limitMs: number): Exploration {
  const deadline = performance.now() + limitMs;
  const survey = new Survey(bounds);
  const path = [{
    world: survey.first,
    rest: actions(survey.first, bounds.terms),
  }];
  const taken: Action[] = [];
  while (path.length > 0 && performance.now() < deadline) {
    const { world, rest } = path.at(-1)!;
    const { value: action, done } = rest.next();
    if (done) {
      path.pop();
      taken.pop();
      continue;
    }
    const next = survey.visit(world, action, taken);
    if (next === null) continue;
    taken.push(action);
    path.push({ world: next, rest: actions(next, bounds.terms) });
  }
  return survey.result(path.length === 0);
}

/** Goes random ways from the start again and again, for bounds too wide to exhaust. */
export function wander(
  bounds: Bounds,
  limitMs: number,
  seed: number,
): Exploration {
  const deadline = performance.now() + limitMs;
  const survey = new Survey(bounds);
  const random = new SeededRandom(seed);
  while (performance.now() < deadline) {
    let world = survey.first;
    const taken: Action[] = [];
    for (let i = 0; i < 300; i++) {
      const choices = [...actions(world, bounds.terms)];
      if (choices.length === 0) break;
      const action = choices[randomBetween(random, 0, choices.length)]!;
      world = survey.go(world, action, taken);
      taken.push(action);
    }
  }
  return survey.result(false);
}

/** What was seen so far. */
class Survey {
  readonly first: World;
  readonly #explorer: Explorer;
  readonly #seen: Set<number> = new Set();
  #transitions = 0;
  #depth = 0;
  #committed = 0;
  #leaders = 0;

  constructor(bounds: Bounds) {
    this.#explorer = new Explorer(bounds);
    this.first = this.#explorer.first();
    this.#seen.add(printWorld(this.first));
  }

  /** The world after the action; null if it was seen before. */
  visit(world: World, action: Action, taken: readonly Action[]): World | null {
    const before = this.#seen.size;
    const next = this.go(world, action, taken);
    return this.#seen.size > before ? next : null;
  }

  /** The world after the action; an error tells the way to it. */
  go(world: World, action: Action, taken: readonly Action[]): World {
    this.#transitions++;
    let next: World;
    try {
      next = this.#explorer.perform(world, action);
    } catch (error) {
      const way = [...taken, action].map(describeAction).join("\n");
      throw new Error(`${(error as Error).message}\n${way}`, { cause: error });
    }
    if (next === world) return world;
    const print = printWorld(next);
    if (this.#seen.has(print)) return next;
    this.#seen.add(print);
    if (next.committed.length > 0) this.#committed++;
    this.#leaders = Math.max(this.#leaders, Object.keys(next.leaders).length);
    this.#depth = Math.max(this.#depth, taken.length + 1);
    return next;
  }

  result(complete: boolean): Exploration {
    return {
      states: this.#seen.size,
      memberStates: this.#explorer.memberStates,
      transitions: this.#transitions,
      depth: this.#depth,
      complete,
      committed: this.#committed,
      leaders: this.#leaders,
    };
  }
}

function describeAction({ who, input, name }: Action): string {
  const isMessage = typeof input !== "string" && input.kind === "message";
  return isMessage ? showMessage(input.message) : `${who + 1} ${name}`;
}

/** One line for people. */
export function describe(bounds: Bounds, found: Exploration): string {
  const { states, memberStates, transitions, depth, committed } = found;
  return [
    `${JSON.stringify(bounds)}: ${states} states (${memberStates} of a member)`,
    `${transitions} transitions`,
    `depth ${depth}`,
    `${committed} states with commits`,
    `up to ${found.leaders} leaders`,
    found.complete ? "complete\n" : "stopped by the clock\n",
  ].join(", ");
}

if (import.meta.main) {
  const number = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      seconds: { ...number, default: "60" },
      // With a seed: random ways instead of all of them.
      seed: number,
      voters: { ...number, default: "3" },
      terms: { ...number, default: "2" },
      proposals: { ...number, default: "1" },
      crashes: { ...number, default: "1" },
      heartbeats: { ...number, default: "0" },
      reads: { ...number, default: "0" },
      "fast-disks": { type: "boolean", default: false },
    },
  });
  const bounds: Bounds = {
    voters: Number(values.voters),
    terms: Number(values.terms),
    proposals: Number(values.proposals),
    crashes: Number(values.crashes),
    heartbeats: Number(values.heartbeats),
    reads: Number(values.reads),
    slowDisks: !values["fast-disks"],
  };
  const limitMs = Number(values.seconds) * 1000;
  const found = values.seed === undefined
    ? explore(bounds, limitMs)
    : wander(bounds, limitMs, Number(values.seed));
  Deno.stdout.writeSync(new TextEncoder().encode(describe(bounds, found)));
}
