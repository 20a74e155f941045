import { LEVEL } from "../../src/state/level.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32 } from "node:zlib";
import {
  type Answer,
  decodeAnswer,
  encodeAnswer,
  encodeRefusal,
  hashAnswer,
} from "../../src/state/answer.ts";
import {
  decodeEnvelope,
  type Envelope,
  peekClock,
  peekHash,
  peekMaxRun,
  stampEnvelope,
  UnknownLevelError,
} from "../../src/state/envelope.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";
import { encodeEnvelope } from "./envelopes.ts";
import { damaged } from "./damaged.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const natural = fc.maxSafeNat();
const text = fc.string({ unit: "binary" });
const envelope: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom("command", "openSession", "closeSession", "clock"),
  hash: fc.option(u32),
  maxRunMs: u32,
  clockMs: natural,
  timeMs: natural,
  seed: fc.tuple(u32, u32),
  session: natural,
  sequence: natural,
  answeredBelow: natural,
  idempotencyKey: text,
  body: fc.uint8Array(),
}, { noNullPrototype: true });
const answer: fc.Arbitrary<Answer> = fc.record({
  index: natural,
  refusal: fc.option(fc.record({
    code: fc.constantFrom(
      "session_expired",
      "conflict",
      "invalid",
      "too_large",
      "timeout",
      "internal",
    ),
    message: text,
  }, { noNullPrototype: true })),
  body: fc.uint8Array(),
}, { noNullPrototype: true }).map((drawn) =>
  drawn.refusal === null ? drawn : { ...drawn, body: new Uint8Array() }
);

const sample: Envelope = {
  kind: "command",
  hash: null,
  maxRunMs: 10,
  clockMs: 1,
  timeMs: 2,
  seed: [3, 4],
  session: 5,
  sequence: 6,
  answeredBelow: 6,
  idempotencyKey: "k",
  body: new Uint8Array([7, 8]),
};

function encoded(given: Envelope): Uint8Array<ArrayBuffer> {
  return encodeEnvelope(given, (writer) => writer.raw(given.body));
}

function encodedAnswer({ index, refusal, body }: Answer): Uint8Array {
  return refusal === null
    ? encodeAnswer(index, (writer) => writer.raw(body))
    : encodeRefusal(index, refusal.code, refusal.message);
}

Deno.test("decodeEnvelope() reverses writeEnvelope() and stampEnvelope()", () => {
  fc.assert(fc.property(envelope, (given) => {
    const bytes = encoded(given);
    assert.deepEqual(decodeEnvelope(bytes), given);
    assert.equal(peekClock(bytes), given.clockMs);
    assert.equal(peekHash(bytes), given.hash);
    assert.equal(peekMaxRun(bytes), given.maxRunMs);
  }));
});

Deno.test("stampEnvelope() breaks the seal: a hash is of what ran with that stamp", () => {
  const bytes = encoded({ ...sample, hash: 9 });
  assert.equal(peekHash(bytes), 9);
  stampEnvelope(bytes, { clockMs: 1, timeMs: 2, seedA: 3, seedB: 4 });
  assert.equal(peekHash(bytes), null);
  assert.equal(decodeEnvelope(bytes).hash, null);
});

Deno.test("hashAnswer() leaves out the message of a refusal, and nothing else", () => {
  const hash = (bytes: Uint8Array): number =>
    hashAnswer(bytes, (body, start) => crc32(body, start));
  const refused = hash(encodeRefusal(5, "conflict", "one"));
  assert.equal(refused, hash(encodeRefusal(5, "conflict", "two")));
  assert.notEqual(refused, hash(encodeRefusal(6, "conflict", "one")));
  assert.notEqual(refused, hash(encodeRefusal(5, "invalid", "one")));
  const done = hash(encodeAnswer(5, (writer) => writer.u8(1)));
  assert.notEqual(done, hash(encodeAnswer(5, (writer) => writer.u8(2))));
  assert.notEqual(done, hash(encodeAnswer(6, (writer) => writer.u8(1))));
});

Deno.test("decodeAnswer() reverses encodeAnswer() and encodeRefusal()", () => {
  fc.assert(fc.property(answer, (given) => {
    assert.deepEqual(decodeAnswer(encodedAnswer(given)), given);
  }));
});

Deno.test("stampEnvelope() changes the stamp and nothing else", () => {
  const bytes = encoded(sample);
  stampEnvelope(bytes, {
    clockMs: 2 ** 41 + 5,
    timeMs: 2 ** 42 + 6,
    seedA: 0xffff_ffff,
    seedB: 9,
  });
  assert.deepEqual(decodeEnvelope(bytes), {
    ...sample,
    clockMs: 2 ** 41 + 5,
    timeMs: 2 ** 42 + 6,
    seed: [0xffff_ffff, 9],
  });
});

Deno.test("decodeEnvelope() says which level an entry needs that it does not know", () => {
  const bytes = encoded(sample);
  bytes[0] = LEVEL + 1;
  assert.throws(
    () => decodeEnvelope(bytes),
    (error) =>
      error instanceof UnknownLevelError &&
      error.message.includes(`level ${LEVEL + 1}`),
  );
});

Deno.test("decodeEnvelope() and decodeAnswer() throw only their own errors for any bytes", () => {
  const mutated = damaged(
    fc.oneof(envelope.map(encoded), answer.map(encodedAnswer)),
  );
  for (const decode of [decodeEnvelope, decodeAnswer]) {
    const survives = (bytes: Uint8Array): void => {
      try {
        decode(bytes);
      } catch (error) {
        assert.ok(
          error instanceof MalformedBytesError ||
            error instanceof UnknownLevelError,
          String(error),
        );
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), survives));
    fc.assert(fc.property(mutated, survives), { numRuns: 500 });
  }
});
