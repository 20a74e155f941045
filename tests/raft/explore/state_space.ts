import assert from "node:assert/strict";
import type { Message } from "../../../src/raft/messages.ts";
import { members } from "../harness/configurations.ts";
import { checked } from "./invariants.ts";
import { printMember, showMessage } from "./print.ts";
import { start, Step } from "./step.ts";
import {
  type Action,
  BASE,
  type Bounds,
  type Member,
  type Posted,
  type StepResult,
  type World,
} from "./world.ts";

/** All that can happen next. */
export function* actions(world: World, terms: number): Generator<Action> {
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

/** The worlds that can be reached: the first one, and from each the next. */
export class StateSpace {
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
