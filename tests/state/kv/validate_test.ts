import assert from "node:assert/strict";
import fc from "fast-check";
import { HiqliteError } from "../../../src/errors.ts";
import type { KvUnit } from "../../../src/state/kv/types.ts";
import { validateUnit } from "../../../src/state/kv/validate.ts";
import { unit } from "./arbitraries.ts";

const value = { kind: "bytes", bytes: new Uint8Array(3) } as const;
const put = { kind: "put", cache: "a", key: "k", value } as const;

function one(operation: unknown): KvUnit {
  return { checks: [], operations: [operation] } as KvUnit;
}

function refusal(unit: unknown): string {
  try {
    validateUnit(unit as KvUnit);
  } catch (error) {
    assert.ok(error instanceof HiqliteError, String(error));
    return `${error.code}: ${error.message}`;
  }
  return "valid";
}

Deno.test("validateUnit() accepts what can be proposed", () => {
  fc.assert(fc.property(unit, (unit) => validateUnit(unit)));
  const largest = { kind: "bytes", bytes: new Uint8Array(1024 * 1024) };
  assert.equal(refusal(one({ ...put, value: largest })), "valid");
  assert.equal(refusal(one({ ...put, key: "k".repeat(1024) })), "valid");
  assert.equal(
    refusal({ checks: [], operations: Array(1000).fill(put) }),
    "valid",
  );
});

const TOO_LARGE: readonly (readonly [unknown, string])[] = [
  [
    one({ ...put, key: "k".repeat(1025) }),
    "too_large: The key has 1025 bytes, the limit is 1024",
  ],
  [
    one({ ...put, value: { kind: "text", bytes: new Uint8Array(1048577) } }),
    "too_large: The value has 1048577 bytes, the limit is 1048576",
  ],
  [
    { checks: [], operations: Array(1001).fill(put) },
    "too_large: The batch has 1001 checks and operations, the limit is 1000",
  ],
  [
    {
      checks: [],
      operations: Array(5).fill({
        ...put,
        value: { kind: "bytes", bytes: new Uint8Array(1024 * 1024) },
      }),
    },
    "too_large: The batch has 5242885 bytes of keys and values, the limit is 4194304",
  ],
];

Deno.test("validateUnit() names the limit and the value", () => {
  for (const [unit, message] of TOO_LARGE) {
    assert.equal(refusal(unit), message);
  }
});

const INVALID: readonly (readonly [unknown, RegExp])[] = [
  [{ checks: [], operations: [] }, /The batch is empty/],
  [{ operations: [put] }, /needs lists/],
  [one(null), /Not an operation: null/],
  [one({ ...put, kind: "frobnicate" }), /Unknown kind of operation: "frob/],
  [one({ ...put, cache: "a b" }), /Not a name of a cache: "a b"/],
  [one({ ...put, cache: "x".repeat(65) }), /1 to 64 letters/],
  [one({ ...put, cache: "." }), /Not a name of a cache: "\."; .*not "\."/],
  [one({ ...put, cache: ".." }), /Not a name of a cache: "\.\."/],
  [one({ ...put, key: "" }), /The key is empty/],
  [one({ ...put, key: 7 }), /Not a key: 7/],
  [one({ ...put, key: "\u0100" }), /no byte: \u0100/],
  [one({ ...put, value: null }), /Not a value: null/],
  [one({ ...put, value: { kind: "xml", bytes: value.bytes } }), /"xml"/],
  [one({ ...put, value: { kind: "text", bytes: "abc" } }), /no bytes: "abc"/],
  [one({ ...put, ttlMs: 0 }), /ttlMs is a whole number from 1 to .*, not 0/],
  [one({ ...put, ttlMs: 1.5 }), /not 1\.5/],
  [one({ ...put, ttlMs: 2 ** 50 }), /from 1 to 3153600000000/],
  [one({ ...put, ttlMs: 5, keepTtl: true }), /exclude each other/],
  [one({ ...put, ifVersion: 0, ifPresent: true }), /exclude each other/],
  [one({ ...put, ifVersion: -1 }), /ifVersion is a whole number/],
  [one({ ...put, ifPresent: 1 }), /ifPresent is true or false, not 1/],
  [one({ ...put, kind: "touch", ttlMs: 0 }), /ttlMs is a whole number/],
  [one({ ...put, kind: "add", delta: 1 }), /delta is a bigint, not 1/],
  [one({ ...put, kind: "add", delta: 2n ** 63n }), /outside of 64 bits/],
  [one({ ...put, kind: "setCounter", value: null }), /value is a bigint/],
  [one({ kind: "create", cache: "a", settings: null }), /Not settings/],
  [{ ...one(put), creates: 5 }, /What a batch creates is a list/],
  [{ ...one(put), creates: [put] }, /Not a cache to create/],
  [
    { ...one(put), creates: [{ kind: "create", cache: "a", settings: null }] },
    /Not settings/,
  ],
  [
    one({
      kind: "create",
      cache: "a",
      settings: { maxBytes: -1, maxEntries: 0, onFull: "evict", ttlMs: 0 },
    }),
    /maxBytes is a whole number from 0/,
  ],
  [
    one({
      kind: "create",
      cache: "a",
      settings: { maxBytes: 0, maxEntries: 0, onFull: "explode", ttlMs: 0 },
    }),
    /onFull is "reject" or "evict", not "explode"/,
  ],
  [
    { checks: [], operations: [put, { kind: "clear", cache: "a" }] },
    /"clear" must be the only operation of its batch/,
  ],
  [
    { checks: [{ cache: "a", key: "k", version: -1 }], operations: [put] },
    /Part 0: version is a whole number/,
  ],
  [{ checks: [null], operations: [put] }, /Part 0: Not a check: null/],
  [{ checks: [], operations: [put, { ...put, key: "" }] }, /Part 1: The key/],
];

Deno.test("validateUnit() says what is wrong", () => {
  for (const [unit, message] of INVALID) {
    const said = refusal(unit);
    assert.match(said, message);
    assert.match(said, /^invalid: /);
  }
});
