import assert from "node:assert/strict";
import fc from "fast-check";
import { scanKvPack, writeKvCommand } from "../../../src/state/kv/command.ts";
import {
  hashOfEntry,
  hashOfPlace,
} from "../../../src/state/kv/contents_hash.ts";
import {
  FIXED_SEED,
  tableHash,
  tableHashOf,
} from "../../../src/state/kv/memory/key_hash.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { PLAIN_BYTES_MAX, PlainPut } from "../../../src/state/kv/plain_put.ts";
import {
  DEFAULT_SETTINGS,
  type KvOperation,
  type KvUnit,
  type OperationOf,
} from "../../../src/state/kv/types.ts";
import { VALUE_KINDS } from "../../../src/state/stored_value.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";
import { latin1 } from "../../../src/util/latin1.ts";
import { snapshotOf } from "../machine_calls.ts";
import { key, unit, value } from "./arbitraries.ts";
import { Caches, put } from "./caches.ts";

function encoded(units: readonly KvUnit[]): Uint8Array {
  const writer = new ByteWriter();
  writeKvCommand(writer, units);
  return writer.finish();
}

/** What {@linkcode PlainPut} is meant to read. */
function isPlain({ creates = [], checks, operations }: KvUnit): boolean {
  const [first] = operations;
  return creates.length <= 1 && checks.length === 0 &&
    operations.length === 1 && first?.kind === "put" &&
    first.ifVersion === undefined && first.ifPresent === undefined &&
    first.keepTtl === undefined && first.value.bytes.length <= PLAIN_BYTES_MAX;
}

Deno.test("a plain put is read as it was written, and nothing else is plain", () => {
  const units = fc.array(unit, { maxLength: 6 });
  fc.assert(
    fc.property(units, (given) => {
      const { body, names, creates, units } = scanKvPack(encoded(given));
      assert.deepEqual(
        units.map((found) => typeof found === "number"),
        given.map(isPlain),
      );
      const plain = new PlainPut();
      for (const [at, found] of units.entries()) {
        if (typeof found !== "number") continue;
        assert.ok(plain.read(body, found));
        const operation = given[at]!.operations[0] as OperationOf<"put">;
        const { keyStart, keyLength, valueStart, valueLength } = plain;
        const key = latin1(body, keyStart, keyStart + keyLength);
        assert.equal(names[plain.cache], operation.cache);
        assert.equal(key, operation.key);
        assert.equal(VALUE_KINDS[plain.kind], operation.value.kind);
        assert.deepEqual(
          body.slice(valueStart, valueStart + valueLength),
          operation.value.bytes,
        );
        const { ttlMs } = operation;
        const lives = ttlMs === undefined ? -1 : ttlMs ?? 0;
        assert.equal(plain.ttlMs, lives);
        assert.deepEqual(creates[plain.create], given[at]!.creates?.[0]);
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("an entry has one hash and its key one place, however they are held", () => {
  fc.assert(
    fc.property(key, value, fc.nat(), (key, { kind, bytes }, before) => {
      const keyBytes = Uint8Array.from(key, (char) => char.charCodeAt(0));
      const keyStart = before % 7;
      const valueStart = keyStart + keyBytes.length;
      const all = new Uint8Array(valueStart + bytes.length + 3).fill(7);
      all.set(keyBytes, keyStart);
      all.set(bytes, valueStart);
      const place = {
        bytes: all,
        keyStart,
        keyLength: keyBytes.length,
        kind: VALUE_KINDS.indexOf(kind),
        valueStart,
        valueLength: bytes.length,
      };
      const entry = { kind, bytes, version: before, deadlineMs: 2 ** 41 + 3 };
      assert.equal(
        hashOfPlace(9, place, before, entry.deadlineMs),
        hashOfEntry(9, key, entry),
      );
      assert.equal(
        tableHashOf(all, keyStart, keyBytes.length, FIXED_SEED),
        tableHash(key, FIXED_SEED),
      );
    }),
  );
});

/** Caches, and how many plain puts their store was given. */
function counted(): { caches: Caches; count: () => number } {
  const store = new MemoryKvStore();
  const { plain } = store;
  let count = 0;
  Object.assign(store, {
    plain: {
      ...plain,
      put: (...all: Parameters<typeof plain.put>) => {
        count++;
        plain.put(...all);
      },
    },
  });
  return { caches: new Caches({ store }), count: () => count };
}

Deno.test("what fits is stored from where it stands, whether it is new, another size or due", async () => {
  const { caches, count } = counted();
  await using _ = caches;
  await caches.do(put("k", "creates the cache"));
  assert.equal(count(), 0);
  await caches.do(put("k", "x", { ttlMs: 5 }));
  await caches.do(put("k", "much longer than it was before"));
  await caches.do(put("k", "x", { ttlMs: 5 }));
  caches.pass(10);
  await caches.do(put("other", "y"));
  await caches.do(put("k", "z"));
  assert.equal(count(), 5);
  assert.equal(caches.text("c", "k"), "z");
  assert.equal(caches.stats("c")!.expired, 1);
  await caches.machine.check(true);
});

Deno.test("what more is to be decided of than where it goes is no plain put", async () => {
  const { caches, count } = counted();
  await using _ = caches;
  const settings = {
    ...DEFAULT_SETTINGS,
    maxEntries: 2,
    onFull: "evict",
  } as const;
  const create = { kind: "create", cache: "c", settings } as const;
  const bring = (operation: KvOperation, brought = create) =>
    caches.pack([{ creates: [brought], checks: [], operations: [operation] }]);
  await bring(put("a"));
  assert.equal(count(), 0, "it creates its cache");
  await bring(put("b"));
  assert.equal(count(), 1);
  await bring(put("c"));
  assert.equal(count(), 1, "something makes room");
  assert.equal(caches.text("c", "a"), null);
  const others = { ...create, settings: { ...settings, maxEntries: 3 } };
  const [refused] = await bring(put("b"), others as typeof create);
  assert.equal(refused!.kind, "refused");
  await caches.do(put("b", "long", {}), { maxBytes: 50 }).catch(() => {});
  assert.equal(count(), 1, "there is no room for all caches together");
  const taken = snapshotOf(caches.machine);
  await bring(put("b"));
  assert.equal(count(), 1, "a snapshot hears of it");
  (await taken).release();
  await bring(put("b"));
  assert.equal(count(), 2);
  await caches.machine.check(true);
});

Deno.test("a put whose answer is plain is answered like any other", async () => {
  await using caches = new Caches();
  const plain = { checks: [], operations: [put("k", "v")] };
  const both = await caches.pack([plain, plain, {
    checks: [],
    operations: [put("k", "w", { ifPresent: true })],
  }, plain]);
  const version = (n: number) => caches.index * 65_536 + n;
  const results = both.map((answer) =>
    answer.kind === "done" ? answer.results[0] : answer
  );
  const done = { found: false, previous: null, counter: 0n };
  assert.deepEqual(
    results,
    [0, 1, 2, 3].map((n) => ({ version: version(n), ...done })),
  );
});
