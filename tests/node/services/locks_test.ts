import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import { EventFeed } from "../../../src/group/event_feed.ts";
import type { RaftGroup } from "../../../src/group/group.ts";
import type { Proposal } from "../../../src/node/groups/proposal.ts";
import type { Proposer } from "../../../src/node/groups/proposer.ts";
import type { LockAcquireRequest } from "../../../src/node/lock_port.ts";
import { Locks } from "../../../src/node/services/locks.ts";
import { writeLockAnswer } from "../../../src/state/locks/codec.ts";
import {
  encodeLockEvent,
  LOCK_EVENT,
} from "../../../src/state/locks/events.ts";
import {
  ALL_PERMITS,
  type LockAnswer,
  type LockEventKind,
  type LockOperation,
} from "../../../src/state/locks/types.ts";
import { decodeCommand } from "../../../src/state/sql/command.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";
import { listOf } from "../trio.ts";

/** An operation that waits for its answer. */
interface Asked {
  readonly operation: LockOperation;
  readonly timeoutMs: number;
  answer(index: number, answer: LockAnswer): Promise<void>;
  fail(error: Error): Promise<void>;
}

/** Lets everything that can happen now happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A member's locks over a log and a clock that the test moves. */
class Scene {
  readonly asked: Asked[] = [];
  nowMs = 0;
  applied = 100;
  /** The group as the member has it; null while it is rebuilt. */
  group: ReturnType<Scene["newGroup"]> | null = this.newGroup();
  readonly locks = new Locks({
    clock: { monotonic: () => this.nowMs, wall: () => 0 },
    proposer: {
      propose: (proposal: Proposal) => this.#propose(proposal),
    } as unknown as Proposer,
    group: () => this.group as unknown as RaftGroup,
    query: () => Promise.reject(new Error("nothing is read")),
  });

  newGroup() {
    return {
      events: new EventFeed(this.applied),
      machine: { applied: { index: this.applied } },
    };
  }

  #propose({ body, timeoutMs }: Proposal): Promise<unknown> {
    const writer = new ByteWriter();
    body(writer);
    const command = decodeCommand(writer.finish());
    assert.ok(command.kind === "lock");
    const { operation } = command;
    return new Promise((resolve, reject) => {
      this.asked.push({
        operation,
        timeoutMs,
        answer(index, answer) {
          const bytes = new ByteWriter();
          writeLockAnswer(bytes, answer);
          resolve({ index, refusal: null, body: bytes.finish() });
          return settled();
        },
        fail(error) {
          reject(error);
          return settled();
        },
      });
    });
  }

  /** The operation that was asked last, of this kind. */
  last(kind: LockOperation["kind"]): Asked {
    const asked = this.asked.at(-1)!;
    assert.equal(asked.operation.kind, kind);
    return asked;
  }

  /** An entry told that. */
  tell(kind: LockEventKind, ticket: number, token = 0): Promise<void> {
    const index = ++this.applied;
    const claim = kind === "granted" ? { claim: CLAIM } : {};
    const bytes = encodeLockEvent({
      kind,
      name: "job",
      ticket,
      token,
      ...claim,
    });
    const event = { index, seq: 0, kind: LOCK_EVENT, bytes };
    this.group!.events.append(listOf([event]), index);
    return settled();
  }

  acquire(rest: Partial<LockAcquireRequest> = {}): Promise<unknown> {
    const got = this.locks.acquire({
      wish: {
        name: "job",
        lease: { id: 7 },
        permits: ALL_PERMITS,
        limit: ALL_PERMITS,
        waitMs: 1_000,
        value: "",
      },
      ...rest,
    });
    got.catch(() => {});
    return got;
  }

  /** Somebody waits under a ticket. */
  async waiting(
    rest: Partial<LockAcquireRequest> = {},
  ): Promise<{ got: Promise<unknown>; ticket: number }> {
    const got = this.acquire(rest);
    const ticket = ++this.applied;
    await this.last("acquire").answer(ticket, { kind: "waiting", ticket });
    return { got, ticket };
  }
}

const CLAIM = { byMs: 7_000, ttlMs: 500 };
const GRANTED: LockAnswer = { kind: "granted", token: 9, lease: 7, ttlMs: 500 };

Deno.test("a waiter claims when the group's events tell of its grant", async () => {
  const scene = new Scene();
  const { got, ticket } = await scene.waiting();
  await scene.tell("granted", ticket + 50);
  assert.equal(scene.asked.length, 1);
  await scene.tell("granted", ticket, 9);
  assert.deepEqual(scene.last("claim").operation, {
    kind: "claim",
    name: "job",
    ticket,
  });
  await scene.last("claim").answer(300, GRANTED);
  assert.deepEqual(await got, { token: 9, lease: 7, ttlMs: 500, index: 300 });
});

Deno.test("who claims by itself hears of its grant at once, and until when it must", async () => {
  for (const before of [false, true]) {
    const scene = new Scene();
    const got = scene.acquire({ claimLater: true });
    const ticket = ++scene.applied;
    const answer = () =>
      scene.last("acquire").answer(ticket, { kind: "waiting", ticket });
    if (!before) await answer();
    await scene.tell("granted", ticket, 9);
    if (before) await answer();
    assert.deepEqual(await got, {
      token: 9,
      lease: 7,
      ttlMs: CLAIM.ttlMs,
      index: scene.applied,
      unclaimed: { ticket, claimByMs: CLAIM.byMs },
    });
    assert.equal(scene.asked.length, 1);
  }
});

Deno.test("a grant that is told before the answer with its ticket is not missed", async () => {
  const scene = new Scene();
  const got = scene.acquire();
  const ticket = scene.applied + 1;
  await scene.tell("claimed", 1);
  await scene.tell("granted", ticket, 9);
  await scene.last("acquire").answer(ticket, { kind: "waiting", ticket });
  await scene.last("claim").answer(300, GRANTED);
  await got;
});

Deno.test("after a snapshot a waiter asks for itself, and goes on waiting", async () => {
  for (const gap of ["jump", "another group"] as const) {
    const scene = new Scene();
    const { got, ticket } = await scene.waiting();
    if (gap === "jump") scene.group!.events.jump(scene.applied += 50);
    else {
      scene.group = scene.newGroup();
      scene.locks.tick();
    }
    await settled();
    await scene.last("claim").answer(scene.applied, {
      kind: "waiting",
      ticket,
    });
    assert.equal(scene.asked.length, 2);
    await scene.tell("granted", ticket, 9);
    assert.equal(scene.asked.length, 3);
    await scene.last("claim").answer(300, GRANTED);
    await got;
  }
});

Deno.test("who waits while the member is rebuilt asks again once it is", async () => {
  const scene = new Scene();
  const { got, ticket } = await scene.waiting();
  scene.group = null;
  scene.locks.tick();
  await settled();
  await scene.last("claim").answer(scene.applied, { kind: "waiting", ticket });
  scene.applied += 50;
  scene.group = scene.newGroup();
  scene.locks.tick();
  await settled();
  assert.equal(scene.asked.length, 3);
  await scene.last("claim").answer(300, GRANTED);
  await got;
});

Deno.test("the ticket of a repeated request may have been granted long ago: it is asked at once", async () => {
  const scene = new Scene();
  const got = scene.acquire();
  await scene.last("acquire").answer(60, { kind: "waiting", ticket: 60 });
  await scene.last("claim").answer(300, GRANTED);
  await got;
});

Deno.test("a wait ends though nobody leads: with what keeps the ticket from being given back", async () => {
  const scene = new Scene();
  const { got, ticket } = await scene.waiting();
  scene.nowMs = 2_999;
  scene.locks.tick();
  await settled();
  assert.equal(scene.asked.length, 1);
  scene.nowMs = 3_000;
  scene.locks.tick();
  await settled();
  assert.deepEqual(scene.last("cancel").operation, {
    kind: "cancel",
    name: "job",
    ticket,
  });
  await scene.last("cancel").fail(
    new HiqliteError("no_leader", "nobody leads"),
  );
  await assert.rejects(got, { code: "no_leader" });
});

Deno.test("a wait that the cluster ends is lock_held", async () => {
  const scene = new Scene();
  const { got, ticket } = await scene.waiting();
  await scene.tell("gone", ticket);
  await assert.rejects(got, { code: "lock_held" });
});

Deno.test("who aborts gives back its place, or what it was granted meanwhile", async () => {
  const reason = new Error("changed my mind");
  for (const granted of [true, false]) {
    const scene = new Scene();
    const controller = new AbortController();
    const got = scene.acquire({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(got, reason);
    assert.equal(scene.asked.length, 1);
    await scene.last("acquire").answer(
      200,
      granted ? GRANTED : { kind: "waiting", ticket: 200 },
    );
    assert.deepEqual(scene.last("cancel").operation, {
      kind: "cancel",
      name: "job",
      ticket: 200,
    });
  }
  const scene = new Scene();
  const controller = new AbortController();
  const { got, ticket } = await scene.waiting({ signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(got, reason);
  await settled();
  assert.deepEqual(scene.last("cancel").operation, {
    kind: "cancel",
    name: "job",
    ticket,
  });
});

Deno.test("a member that stops keeps nobody waiting: who has a key keeps the ticket, all others' are given back first", async () => {
  const keyed = new Scene();
  const { got } = await keyed.waiting({ idempotencyKey: "k" });
  await keyed.locks.close();
  await assert.rejects(got, { code: "shutting_down" });
  assert.equal(keyed.asked.length, 1);
  for (const asked of [true, false]) {
    const scene = new Scene();
    const ticket = 200;
    const got = scene.acquire();
    const answer = () =>
      scene.last("acquire").answer(ticket, { kind: "waiting", ticket });
    if (asked) await answer();
    let closed = false;
    const closing = scene.locks.close().then(() => closed = true);
    if (!asked) await answer();
    await settled();
    assert.equal(closed, false);
    const cancel = scene.last("cancel");
    assert.deepEqual(cancel.operation, { kind: "cancel", name: "job", ticket });
    await (asked
      ? cancel.answer(201, { kind: "released", found: true })
      : cancel.fail(new HiqliteError("no_leader", "nobody leads")));
    await closing;
    await assert.rejects(got, { code: "shutting_down" });
  }
});

Deno.test("each step for a lock has the time that the request gives it", async () => {
  const scene = new Scene();
  const { got, ticket } = await scene.waiting({ timeoutMs: 777 });
  await scene.tell("granted", ticket, 9);
  assert.deepEqual(scene.asked.map(({ timeoutMs }) => timeoutMs), [777, 777]);
  await scene.last("claim").answer(300, GRANTED);
  await got;
});
