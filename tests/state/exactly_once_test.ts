import assert from "node:assert/strict";
import { decodeAnswer, encodeAnswer } from "../../src/state/answer.ts";
import { type Envelope, NO_IDENTITY } from "../../src/state/envelope.ts";
import { ENVELOPE_START, ExactlyOnce } from "../../src/state/exactly_once.ts";
import { SESSION_LIMITS } from "../../src/state/session_limits.ts";
import { writeFactChange } from "../../src/state/cluster_facts.ts";
import { ByteReader } from "../../src/util/bytes.ts";
import { encodeEnvelope } from "./envelopes.ts";
import { MemorySessionStore } from "../../src/state/memory_sessions.ts";

/** The smallest machine there is: a command adds its byte, the answer is the sum. */
class Counter {
  readonly #store = new MemorySessionStore();
  #position = ENVELOPE_START;
  #commands = this.#open();
  #index = 0;
  /** The first entry of the batch. */
  #first = Infinity;
  sum = 0;

  #open(): ExactlyOnce {
    return new ExactlyOnce(this.#store, this.#position, ({ body }, index) => {
      this.sum += body[0]!;
      return encodeAnswer(index, (writer) => writer.u32(this.sum));
    }, { limits: { ...SESSION_LIMITS, windowMs: 1000, answers: 3, keys: 6 } });
  }

  /** Applies an envelope, which `ends` its batch: what it is answered. */
  send(given: Partial<Envelope>, ends = true): number | string {
    const { body = new Uint8Array([1]), ...head } = given;
    const bytes = encodeEnvelope(
      {
        kind: "command",
        ...NO_IDENTITY,
        clockMs: 0,
        timeMs: 0,
        seed: [0, 0],
        ...head,
      },
      (writer) => writer.raw(body),
    );
    return this.apply(bytes, ends);
  }

  apply(bytes: Uint8Array, ends = true): number | string {
    const answer = decodeAnswer(this.#commands.apply(++this.#index, bytes));
    this.#first = Math.min(this.#first, this.#index);
    if (ends) {
      this.#commands.save(this.#first);
      this.#first = Infinity;
    }
    const { clockMs, timeMs, horizon, facts } = this.#commands;
    this.#position = { clockMs, timeMs, horizon, facts };
    if (answer.refusal !== null) return answer.refusal.code;
    return answer.body.length === 0
      ? answer.index
      : new ByteReader(answer.body).u32();
  }

  get clockMs(): number {
    return this.#commands.clockMs;
  }

  /** As after a crash: what was stored. */
  restart(): void {
    const before = this.#commands.dump();
    this.#commands = this.#open();
    assert.equal(this.#commands.dump(), before);
  }

  open(): number {
    return this.send({ kind: "openSession" }) as number;
  }
}

Deno.test("§1.5 any machine applies a repeated write once, also after a restart", () => {
  const counter = new Counter();
  const session = counter.open();
  const write = { session, sequence: 1, body: new Uint8Array([5]) };
  assert.equal(counter.send(write), 5);
  assert.equal(counter.send(write), 5);
  counter.restart();
  assert.equal(counter.send(write), 5);
  assert.equal(counter.sum, 5);
});

Deno.test("§1.5 any machine is spared writes of unknown sessions, and keys used for something else", () => {
  const counter = new Counter();
  assert.equal(counter.send({ session: 7, sequence: 1 }), "session_expired");
  assert.equal(counter.send({ idempotencyKey: "k" }), 1);
  assert.equal(counter.send({ idempotencyKey: "k" }), 1);
  const other = { idempotencyKey: "k", body: new Uint8Array([2]) };
  assert.equal(counter.send(other), "conflict");
  assert.equal(counter.sum, 1);
});

Deno.test("§1.5 a write whose answer was forgotten for room is not applied again, also after a restart", () => {
  const counter = new Counter();
  const session = counter.open();
  for (let sequence = 1; sequence <= 4; sequence++) {
    counter.send({ session, sequence, answeredBelow: 1 });
  }
  const first = { session, sequence: 1, answeredBelow: 1 };
  assert.equal(counter.send(first), "session_expired");
  counter.restart();
  assert.equal(counter.send(first), "session_expired");
  assert.equal(counter.sum, 4);
});

Deno.test("sessions and keys age by the cluster clock, which never goes back", () => {
  const counter = new Counter();
  const session = counter.open();
  assert.equal(counter.send({ session, sequence: 1, clockMs: 1000 }), 1);
  assert.equal(counter.send({ session, sequence: 2, clockMs: 2000 }), 2);
  assert.equal(counter.send({ session, sequence: 3, clockMs: 1 }), 3);
  assert.equal(counter.clockMs, 2000);
  counter.restart();
  assert.equal(counter.clockMs, 2000);
  // Wall time says nothing.
  assert.equal(counter.send({ session, sequence: 4, timeMs: 10 ** 12 }), 4);
  assert.equal(counter.send({ kind: "clock", clockMs: 3001 }), 6);
  assert.equal(counter.send({ session, sequence: 5 }), "session_expired");
  assert.equal(counter.sum, 4);
});

Deno.test("a session cannot open another, and a closed one is gone", () => {
  const counter = new Counter();
  const session = counter.open();
  assert.equal(counter.send({ kind: "openSession", session }), "invalid");
  counter.send({ kind: "closeSession", session });
  assert.equal(counter.send({ session, sequence: 1 }), "session_expired");
});

Deno.test("what is no envelope is refused and changes nothing", () => {
  const counter = new Counter();
  assert.equal(counter.apply(new Uint8Array([1, 99])), "invalid");
  assert.equal(counter.apply(new Uint8Array()), "invalid");
  assert.equal(counter.sum, 0);
});

/** An entry that raises the level to 2. */
const RAISE = encodeEnvelope(
  { kind: "fact", ...NO_IDENTITY, clockMs: 0, timeMs: 0, seed: [0, 0] },
  (writer) =>
    writeFactChange(writer, { kind: "level", level: 2, release: "0.2.0" }),
);

/** A machine of a release that knows levels up to `level`. */
function ofRelease(level: number, position = ENVELOPE_START): ExactlyOnce {
  return new ExactlyOnce(
    new MemorySessionStore(),
    position,
    (_envelope, index) => encodeAnswer(index),
    { level },
  );
}

Deno.test("a member that knows the next level applies its rise once, and reads entries of it from then on", () => {
  const member = ofRelease(2);
  assert.equal(decodeAnswer(member.apply(1, RAISE)).refusal, null);
  assert.deepEqual([member.facts.level, member.facts.release], [2, "0.2.0"]);
  const { refusal } = decodeAnswer(member.apply(2, RAISE));
  assert.equal(refusal?.code, "conflict");
  assert.equal(
    refusal.message,
    "the feature level is 2, it cannot become 2",
  );
  const later = RAISE.slice();
  later[0] = 2;
  assert.equal(decodeAnswer(member.apply(3, later)).refusal?.code, "conflict");
  member.reload(ENVELOPE_START);
  assert.equal(member.facts.level, 1);
});

Deno.test("a member that is too old ends at the entry that raises the level, and on a state above it", () => {
  const reason = {
    name: "UnknownLevelError",
    message:
      "the cluster is at feature level 2, this member knows 1: start release 0.2.0 or newer on it",
  };
  const old = ofRelease(1);
  assert.throws(() => old.apply(1, RAISE), reason);
  assert.equal(old.facts.level, 1);
  const facts = { ...ENVELOPE_START.facts, level: 2, release: "0.2.0" };
  const position = { ...ENVELOPE_START, facts };
  assert.throws(() => ofRelease(1, position), reason);
  assert.equal(ofRelease(2, position).facts.level, 2);
});

Deno.test("a malformed fact is an answer", () => {
  const member = ofRelease(1);
  for (const cut of [1, 5]) {
    const answer = member.apply(1, RAISE.slice(0, RAISE.length - cut));
    assert.equal(decodeAnswer(answer).refusal?.code, "invalid");
  }
  assert.equal(member.facts.level, 1);
});

Deno.test("M1 a key outlives its answer: a repetition is not applied, also after a restart", () => {
  const counter = new Counter();
  assert.equal(counter.send({ idempotencyKey: "alice-1" }), 1);
  // Others' answers take its place.
  for (let i = 0; i < 5; i++) counter.send({ idempotencyKey: `bob-${i}` });
  assert.equal(counter.sum, 6);
  for (let round = 0; round < 2; round++) {
    assert.equal(counter.send({ idempotencyKey: "alice-1" }), "too_large");
    assert.equal(counter.send({ idempotencyKey: "bob-0" }), "too_large");
    assert.equal(counter.send({ idempotencyKey: "bob-4" }), 6);
    const other = { idempotencyKey: "alice-1", body: new Uint8Array([9]) };
    assert.equal(counter.send(other), "conflict");
    counter.restart();
  }
  assert.equal(counter.sum, 6);
});

Deno.test("an answer that was forgotten stays so after a restart, though others of its batch are remembered", () => {
  const counter = new Counter();
  counter.send({ idempotencyKey: "first" }, false);
  counter.send({ idempotencyKey: "second" });
  for (const key of ["third", "fourth"]) counter.send({ idempotencyKey: key });
  counter.restart();
  assert.equal(counter.send({ idempotencyKey: "first" }), "too_large");
  assert.equal(counter.send({ idempotencyKey: "second" }), 2);
  assert.equal(counter.sum, 4);
});

Deno.test("M1 new keys are refused when there are too many, and old ones are not forgotten for them", () => {
  const counter = new Counter();
  const session = counter.open();
  for (let i = 0; i < 6; i++) counter.send({ idempotencyKey: `key-${i}` });
  assert.equal(counter.sum, 6);
  const seventh = { idempotencyKey: "key-6", session, sequence: 1 };
  assert.equal(counter.send(seventh), "overloaded");
  assert.equal(counter.send({ idempotencyKey: "key-0" }), "too_large");
  assert.equal(counter.send({ session, sequence: 2 }), 7);
  counter.restart();
  // The refused one was answered, so its repetition gets the same, whenever it comes.
  assert.equal(counter.send({ ...seventh, clockMs: 999 }), "overloaded");
  assert.equal(counter.send({ idempotencyKey: "key-7" }), "overloaded");
  assert.equal(counter.send({ ...seventh, clockMs: 1001 }), "session_expired");
  assert.equal(counter.sum, 7);
  // After the window the old ones are gone.
  assert.equal(counter.send({ idempotencyKey: "key-0" }), 8);
  counter.restart();
  assert.equal(counter.send({ idempotencyKey: "key-0" }), 8);
});

Deno.test("a stored row is there as long as one answer of it, with a key or without", () => {
  const counter = new Counter();
  const session = counter.open();
  const inSession = { session, sequence: 1, answeredBelow: 1 };
  counter.send({ idempotencyKey: "oldest" }, false);
  assert.equal(counter.send(inSession), 2);
  for (const key of ["second", "third"]) counter.send({ idempotencyKey: key });
  // The oldest one had to go, not the other of its row.
  counter.restart();
  assert.equal(counter.send({ idempotencyKey: "oldest" }), "too_large");
  assert.equal(counter.send(inSession), 2);
  assert.equal(counter.sum, 4);
});

Deno.test("what is oldest makes room, with a key or without", () => {
  const counter = new Counter();
  const session = counter.open();
  const inSession = { session, sequence: 1, answeredBelow: 1 };
  assert.equal(counter.send(inSession), 1);
  const keys = ["first", "second", "third"];
  for (const key of keys) counter.send({ idempotencyKey: key });
  assert.equal(counter.send({ idempotencyKey: "first" }), 2);
  assert.equal(counter.send(inSession), "session_expired");
  assert.equal(counter.send({ idempotencyKey: "fourth" }), 5);
  assert.equal(counter.send({ idempotencyKey: "first" }), "too_large");
  assert.equal(counter.sum, 5);
});
