import assert from "node:assert/strict";
import fc from "fast-check";
import { readKvAnswers } from "../../../src/state/kv/answer.ts";
import {
  readKvCommand,
  readKvPack,
  writeKvCommand,
} from "../../../src/state/kv/command.ts";
import {
  CACHES_BYTES_MAX,
  PACK_OPERATIONS_MAX,
} from "../../../src/state/kv/limits.ts";
import { readInteger, writeInteger } from "../../../src/state/kv/numbers.ts";
import {
  DEFAULT_SETTINGS,
  type KvAnswer,
  type KvUnit,
} from "../../../src/state/kv/types.ts";
import { validateUnit } from "../../../src/state/kv/validate.ts";
import {
  ByteReader,
  ByteWriter,
  MalformedBytesError,
} from "../../../src/util/bytes.ts";
import { damaged } from "../damaged.ts";
import { writeKvAnswers } from "./answers.ts";
import { answer, unit } from "./arbitraries.ts";

const units = fc.array(unit, { maxLength: 6 });
const answers = fc.array(answer, { maxLength: 6 });

function encoded(given: readonly KvUnit[], maxBytes?: number): Uint8Array {
  const writer = new ByteWriter();
  writeKvCommand(writer, given, maxBytes);
  return writer.finish();
}

function encodedAnswers(given: readonly KvAnswer[]): Uint8Array {
  const writer = new ByteWriter();
  writeKvAnswers(writer, given);
  return writer.finish();
}

Deno.test("readKvCommand() reverses writeKvCommand(), and what it reads is valid", () => {
  fc.assert(fc.property(units, (given) => {
    const read = readKvCommand(encoded(given));
    assert.deepEqual(read, given);
    for (const unit of read) validateUnit(unit);
  }));
});

Deno.test("readKvAnswers() reverses writeKvAnswer()", () => {
  fc.assert(fc.property(answers, (given) => {
    assert.deepEqual(readKvAnswers(encodedAnswers(given)), given);
  }));
});

Deno.test("a command carries what all caches together may have", () => {
  assert.equal(readKvPack(encoded([])).maxBytes, CACHES_BYTES_MAX);
  assert.equal(readKvPack(encoded([], 2 ** 40)).maxBytes, 2 ** 40);
});

Deno.test("a put of a small value takes few bytes beside its key and value, and a cache's name is written once", () => {
  const put = (key: string): KvUnit => ({
    checks: [],
    operations: [{
      kind: "put",
      cache: "sessions",
      key,
      value: { kind: "text", bytes: new Uint8Array(10) },
      ttlMs: 30_000,
    }],
  });
  const one = encoded([put("a")]).length;
  const two = encoded([put("a"), put("b")]).length;
  assert.ok(two - one <= 23, `${two - one}`);
  const settings = { ...DEFAULT_SETTINGS, maxEntries: 10_000, ttlMs: 60_000 };
  const create = { kind: "create", cache: "sessions", settings } as const;
  const created = (key: string) => ({ creates: [create], ...put(key) });
  const more = encoded([created("a"), created("b")]).length - two;
  assert.ok(more <= 12, `settings are written once, too: ${more}`);
});

Deno.test("damaged commands and answers are malformed, or read as something that is encoded the same way", () => {
  const readable = (bytes: Uint8Array): void => {
    for (
      const again of [
        () => encoded(readKvPack(bytes).units, readKvPack(bytes).maxBytes),
        () => encodedAnswers(readKvAnswers(bytes)),
      ]
    ) {
      try {
        again();
      } catch (error) {
        assert.ok(error instanceof MalformedBytesError, String(error));
      }
    }
  };
  const whole = fc.oneof(
    units.map((given) => encoded(given)),
    answers.map(encodedAnswers),
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), readable));
  fc.assert(fc.property(damaged(whole), readable), { numRuns: 2000 });
});

Deno.test("a part of a command is malformed", () => {
  fc.assert(fc.property(units, fc.nat(), (given, cut) => {
    const bytes = encoded(given);
    const part = bytes.subarray(0, cut % bytes.length);
    assert.throws(() => readKvCommand(part), MalformedBytesError);
    const more = Uint8Array.of(...bytes, 0);
    assert.throws(() => readKvCommand(more), MalformedBytesError);
  }));
});

Deno.test("an entry holds no more operations than versions have places for", () => {
  const remove = { kind: "getRemove", cache: "a", key: "k" } as const;
  const full = { checks: [], operations: Array(1000).fill(remove) };
  const count = Math.floor(PACK_OPERATIONS_MAX / 1000);
  assert.equal(readKvCommand(encoded(Array(count).fill(full))).length, count);
  assert.throws(() => encoded(Array(count + 1).fill(full)));
});

Deno.test("a unit that says more than its limits is malformed", () => {
  const remove = { kind: "getRemove", cache: "a", key: "k" } as const;
  const check = { cache: "a", key: "k", version: 0 };
  const big = {
    kind: "bytes",
    bytes: new Uint8Array(1024 * 1024 + 1),
  } as const;
  const wrong: KvUnit[] = [
    { checks: [], operations: Array(1001).fill(remove) },
    { checks: [check], operations: Array(1000).fill(remove) },
    { checks: [], operations: [{ ...remove, key: "k".repeat(1025) }] },
    { checks: [], operations: [{ ...remove, cache: "a b" }] },
    { checks: [], operations: [{ ...remove, kind: "put", value: big }] },
    {
      checks: [],
      operations: [{ ...remove, kind: "touch", ttlMs: 3_153_600_000_001 }],
    },
  ];
  for (const unit of wrong) {
    assert.throws(() => readKvCommand(encoded([unit])), MalformedBytesError);
  }
});

Deno.test("numbers are read as they were written, in one way only", () => {
  const natural = fc.oneof(fc.nat(20_000), fc.maxSafeNat());
  fc.assert(fc.property(natural, (value) => {
    const writer = new ByteWriter();
    writer.natural(value);
    const bytes = writer.finish();
    assert.equal(new ByteReader(bytes).natural(), value);
    assert.throws(
      () => new ByteReader(bytes).natural(value - 1),
      MalformedBytesError,
    );
    const longer = bytes.slice();
    longer[longer.length - 1]! |= 0x80;
    assert.throws(
      () => new ByteReader(Uint8Array.of(...longer, 0)).natural(),
      MalformedBytesError,
    );
  }));
  for (const value of [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n]) {
    const writer = new ByteWriter();
    writeInteger(writer, value);
    assert.equal(readInteger(new ByteReader(writer.finish())), value);
  }
});
