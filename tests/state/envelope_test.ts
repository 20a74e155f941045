import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Answer,
  decodeAnswer,
  encodeAnswer,
  encodeRefusal,
} from "../../src/state/answer.ts";
import {
  decodeEnvelope,
  type Envelope,
  ENVELOPE_LEVEL,
  peekClock,
  stampEnvelope,
  UnknownLevelError,
} from "../../src/state/envelope.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";
import { encodeEnvelope } from "./envelopes.ts";

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const natural = fc.maxSafeNat();
const text = fc.string({ unit: "binary" });
const envelope: fc.Arbitrary<Envelope> = fc.record({
  kind: fc.constantFrom("command", "openSession", "closeSession", "clock"),
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
    ),
    message: text,
  }, { noNullPrototype: true })),
  body: fc.uint8Array(),
}, { noNullPrototype: true }).map((drawn) =>
  drawn.refusal === null ? drawn : { ...drawn, body: new Uint8Array() }
);

const sample: Envelope = {
  kind: "command",
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
  }));
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
  bytes[0] = ENVELOPE_LEVEL + 1;
  assert.throws(
    () => decodeEnvelope(bytes),
    (error) =>
      error instanceof UnknownLevelError &&
      error.message.includes(`level ${ENVELOPE_LEVEL + 1}`),
  );
});

Deno.test("decodeEnvelope() and decodeAnswer() throw only their own errors for any bytes", () => {
  const mutated = fc.tuple(
    fc.oneof(envelope.map(encoded), answer.map(encodedAnswer)),
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
    fc.nat(),
  ).map(([bytes, changes, cut]) => {
    const copy = bytes.slice();
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy.subarray(0, cut % 2 === 0 ? copy.length : cut % copy.length);
  });
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
