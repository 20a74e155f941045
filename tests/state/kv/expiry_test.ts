import assert from "node:assert/strict";
import {
  EXPIRED_BYTES_PER_ENTRY,
  EXPIRED_PER_ENTRY,
} from "../../../src/state/kv/expiry.ts";
import { NO_RESULT } from "../../../src/state/kv/answer.ts";
import { DEFAULT_SETTINGS } from "../../../src/state/kv/types.ts";
import type { KvOperation } from "../../../src/state/kv/types.ts";
import { add, Caches, put } from "./caches.ts";

const keyed = { cache: "c", key: "k" } as const;

function ttl({ machine, clockMs }: Caches, key = "k"): number | null {
  return machine.reads.get("c", key, clockMs)!.ttlMs;
}

Deno.test("an entry is gone exactly when its time is over, for reads and for operations", async () => {
  await using caches = new Caches();
  await caches.do(put("k", "v", { ttlMs: 100 }));
  caches.pass(99);
  assert.equal(ttl(caches), 1);
  assert.equal(
    (await caches.unit([put("k", "w", { ifPresent: true, keepTtl: true })]))
      .kind,
    "done",
  );
  caches.pass(1);
  assert.equal(caches.text("c", "k"), null);
  const answer = await caches.unit([put("k", "w", { ifPresent: true })]);
  assert.deepEqual(answer, { kind: "conflict", at: 0, version: 0 });
  const { entries, bytes, expired } = caches.stats("c")!;
  assert.deepEqual([entries, bytes, expired], [0, 0, 1]);
});

Deno.test("a put without a time to live drops the deadline that was there, one with keepTtl keeps it", async () => {
  await using caches = new Caches();
  await caches.do(put("k", "v", { ttlMs: 100 }));
  caches.pass(10);
  await caches.do(put("k", "v", { keepTtl: true }));
  assert.equal(ttl(caches), 90);
  await caches.do(put("k", "v"));
  assert.equal(ttl(caches), null);
  await caches.do(put("k", "v", { keepTtl: true }));
  assert.equal(ttl(caches), null);
});

Deno.test("a cache's own time to live holds where a put says nothing", async () => {
  await using caches = new Caches();
  const settings = { ...DEFAULT_SETTINGS, ttlMs: 500 };
  await caches.do({ kind: "create", cache: "c", settings });
  await caches.do(put("k"));
  assert.equal(ttl(caches), 500);
  await caches.do(put("k", "v", { ttlMs: 7 }));
  assert.equal(ttl(caches), 7);
  await caches.do(put("k", "v", { ttlMs: null }));
  assert.equal(ttl(caches), null);
  await caches.do(put("new", "v", { keepTtl: true }));
  assert.equal(ttl(caches, "new"), 500);
});

Deno.test("touch sets a deadline and leaves value and version", async () => {
  await using caches = new Caches();
  const { version } = await caches.do(put("k", "v", { ttlMs: 100 }));
  const touch = (ttlMs: number | null): KvOperation => ({
    ...keyed,
    kind: "touch",
    ttlMs,
  });
  assert.equal((await caches.do(touch(1_000))).found, true);
  await caches.tick(500);
  assert.equal(ttl(caches), 500);
  await caches.do(touch(null));
  await caches.tick(5_000);
  assert.equal(caches.machine.reads.get("c", "k", 0)!.version, version);
  await caches.do(touch(1));
  caches.pass(1);
  assert.equal((await caches.do(touch(1_000))).found, false);
});

Deno.test("a counter keeps its deadline, however it is written", async () => {
  await using caches = new Caches();
  const limited = {
    ...keyed,
    kind: "add",
    delta: 1n,
    ttlMsIfNew: 100,
  } as const;
  await caches.do(limited);
  caches.pass(60);
  assert.equal((await caches.do(limited)).counter, 2n);
  await caches.do({ ...keyed, kind: "setCounter", value: 9n });
  caches.pass(39);
  assert.equal(caches.counter("c", "k"), 9n);
  caches.pass(1);
  assert.equal(caches.counter("c", "k"), null);
  assert.equal((await caches.do(limited)).counter, 1n);
  assert.deepEqual(caches.stats("c")!.expired, 0);
});

Deno.test("kv.md §10 (1) a thousand keys of one deadline all go, and one that was written again does not", async () => {
  await using caches = new Caches();
  const keys = Array.from({ length: 1_000 }, (_, i) => `key-${i}`);
  const operations = keys.map((key) => put(key, "v", { ttlMs: 100 }));
  await caches.unit(operations);
  caches.pass(50);
  await caches.do(put("key-1", "v", { ttlMs: 100 }));
  await caches.do(put("key-2"));
  await caches.do({ ...keyed, key: "key-3", kind: "getRemove" });
  await caches.do(put("key-3", "v", { ttlMs: 500 }));
  caches.pass(50);
  const left = (): number => caches.stats("c")!.entries;
  for (const expected of [744, 488, 232, 3, 3]) {
    await caches.tick();
    assert.equal(left(), expected);
  }
  assert.equal(EXPIRED_PER_ENTRY, 256);
  await caches.tick(50);
  assert.deepEqual([left(), caches.text("c", "key-1")], [2, null]);
  await caches.tick(500);
  assert.deepEqual([left(), caches.text("c", "key-2")], [1, "v"]);
  assert.equal(caches.stats("c")!.expired, 999);
  assert.equal(caches.machine.nextDueMs, Infinity);
});

Deno.test("what is due goes faster than more of it comes", async () => {
  await using caches = new Caches();
  const left: number[] = [];
  for (let i = 0; i < 8; i++) {
    const keys = Array.from({ length: 512 }, (_, n) => `${i}-${n}`);
    await caches.pack(keys.map((key) => ({
      checks: [],
      operations: [put(key, "v", { ttlMs: 10 })],
    })));
    left.push(caches.stats("c")!.entries);
    // Nothing is due for a while, then all of it at once.
    caches.pass(i < 2 ? 1 : 10);
  }
  assert.deepEqual(left, [512, 1024, 1536, 1024, 512, 512, 512, 512]);
});

Deno.test("an entry removes no more than some large values", async () => {
  await using caches = new Caches();
  const large = "x".repeat(1024 * 1024 - 100);
  for (let i = 0; i < 10; i++) {
    await caches.do(put(`k${i}`, large, { ttlMs: 10 }));
  }
  caches.pass(10);
  const left: number[] = [];
  for (let i = 0; i < 3; i++) {
    await caches.tick();
    left.push(caches.stats("c")!.entries);
  }
  assert.deepEqual(left, [5, 0, 0]);
  assert.equal(EXPIRED_BYTES_PER_ENTRY, 4 * 1024 * 1024);
});

Deno.test("each expired key is told of once, by an event with the index that removed it", async () => {
  await using caches = new Caches();
  await caches.do(put("a", "v", { ttlMs: 10 }));
  await caches.do(put("b", "v", { ttlMs: 10 }));
  await caches.do({ ...add("n", 1n), ttlMsIfNew: 10 } as KvOperation);
  assert.equal(caches.machine.nextDueMs, caches.clockMs + 10);
  caches.events.length = 0;
  await caches.tick(10);
  await caches.tick(10);
  assert.deepEqual(caches.events, [
    "4 0 expire c a 0",
    "4 1 expire c b 0",
    "4 2 expireCounter c n 0",
  ]);
});

Deno.test("what is due is not there for operations and checks, although there was too much to remove it all", async () => {
  await using caches = new Caches();
  const keys = Array.from({ length: 300 }, (_, i) => `k${i + 1000}`);
  await caches.unit(keys.map((key) => put(key, "v", { ttlMs: 10 })));
  const counters = keys.map((key) => ({
    ...add(key, 5n),
    ttlMsIfNew: 10,
  } as KvOperation));
  await caches.unit(counters);
  caches.pass(10);
  const last = { cache: "c", key: "k1299" } as const;
  const answers = await caches.pack([
    { checks: [{ ...last, version: 1 }], operations: [] },
    { checks: [], operations: [{ kind: "getRemove", ...last }] },
    { checks: [], operations: [{ kind: "touch", ...last, ttlMs: 5 }] },
    { checks: [], operations: [{ kind: "deleteCounter", ...last }] },
    { checks: [], operations: [add("k1299", 1n)] },
    { checks: [], operations: [put("k1298", "w", { ifPresent: true })] },
  ]);
  assert.deepEqual(answers[0], { kind: "conflict", at: 0, version: 0 });
  for (const answer of answers.slice(1, 4)) {
    assert.ok(answer.kind === "done");
    assert.deepEqual(answer.results, [NO_RESULT]);
  }
  assert.ok(answers[4]?.kind === "done");
  assert.equal(answers[4].results[0]!.counter, 1n);
  assert.deepEqual(answers[5], { kind: "conflict", at: 0, version: 0 });
  for (let i = 0; i < 3; i++) await caches.tick();
  assert.equal(caches.counter("c", "k1299"), 1n);
  const { entries, counters: left, bytes, expired } = caches.stats("c")!;
  assert.deepEqual([entries, left, bytes, expired], [0, 1, 5 + 8 + 64, 300]);
});

Deno.test("a key that is due and written again before it was removed has expired in between", async () => {
  await using caches = new Caches();
  const keys = Array.from({ length: 300 }, (_, i) => `k${i + 1000}`);
  await caches.unit(keys.map((key) => put(key, "v", { ttlMs: 10 })));
  caches.pass(10);
  caches.events.length = 0;
  await caches.do(put("k1299", "new"));
  assert.deepEqual(caches.events.slice(-2), [
    "2 256 expire c k1299 0",
    "2 257 put c k1299 131072",
  ]);
  await caches.tick();
  const { entries, expired } = caches.stats("c")!;
  assert.deepEqual([entries, expired], [1, 300]);
  assert.equal(caches.text("c", "k1299"), "new");
});

Deno.test("time that an entry tells never goes back", async () => {
  await using caches = new Caches();
  await caches.do(put("k", "v", { ttlMs: 100 }), { clockMs: 10_000 });
  await caches.do(put("x"), { clockMs: 5_000 });
  assert.equal(caches.machine.clockMs, 10_000);
  await caches.do(put("k", "v", { ttlMs: 100 }), { clockMs: 1 });
  assert.equal(caches.machine.reads.get("c", "k", 0)!.ttlMs, 10_100);
});
