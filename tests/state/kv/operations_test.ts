import assert from "node:assert/strict";
import type { KvOperation } from "../../../src/state/kv/types.ts";
import { INT64_MAX, INT64_MIN } from "../../../src/util/int64.ts";
import { add, Caches, put, text, textOf } from "./caches.ts";

const keyed = { cache: "c", key: "k" } as const;

Deno.test("a put answers a version that grows: the entry's index and the place in it", async () => {
  await using caches = new Caches();
  assert.equal((await caches.do(put("a"))).version, 65_536);
  const two = [put("a"), put("b")].map((operation) => ({
    checks: [],
    operations: [operation, operation],
  }));
  const versions = (await caches.pack(two)).map((answer) =>
    answer.kind === "done" && answer.results.map(({ version }) => version)
  );
  assert.deepEqual(versions, [[131_072, 131_073], [131_074, 131_075]]);
  assert.equal(caches.machine.reads.get("c", "b", 0)!.version, 131_075);
});

Deno.test("operations of refused units have their places, too", async () => {
  await using caches = new Caches();
  const [refused, done] = await caches.pack([
    { checks: [], operations: [put("a", "v", { ifPresent: true })] },
    { checks: [], operations: [put("b")] },
  ]);
  assert.equal(refused!.kind, "conflict");
  assert.ok(done?.kind === "done");
  assert.equal(done.results[0]!.version, 65_537);
});

Deno.test("a put has conditions", async () => {
  await using caches = new Caches();
  const conflict = (version: number) => ({ kind: "conflict", at: 0, version });
  const ask = (options: Parameters<typeof put>[2]) =>
    caches.unit([put("k", "x", options)]);
  assert.deepEqual(await ask({ ifPresent: true }), conflict(0));
  assert.deepEqual(await ask({ ifVersion: 7 }), conflict(0));
  assert.equal(caches.stats("c"), undefined);
  const { version } = await caches.do(put("k", "x", { ifVersion: 0 }));
  assert.deepEqual(await ask({ ifVersion: 0 }), conflict(version));
  assert.deepEqual(await ask({ ifVersion: version + 1 }), conflict(version));
  assert.equal((await ask({ ifVersion: version })).kind, "done");
  assert.equal((await ask({ ifPresent: true })).kind, "done");
});

Deno.test("replace tells what was there", async () => {
  await using caches = new Caches();
  const replace = { ...keyed, kind: "replace" } as const;
  const first = await caches.do({ ...replace, value: text("one") });
  assert.equal(first.previous, null);
  const second = await caches.do({ ...replace, value: text("two") });
  assert.deepEqual(second.previous, text("one"));
  assert.ok(second.version > first.version);
  assert.equal(caches.text("c", "k"), "two");
});

Deno.test("delete and getRemove answer whether it was there, and a version can be asked for", async () => {
  await using caches = new Caches();
  const remove: KvOperation = { ...keyed, kind: "delete" };
  assert.equal((await caches.do(remove)).found, false);
  const { version } = await caches.do(put("k", "x"));
  const wrong = await caches.unit([{ ...remove, ifVersion: version - 1 }]);
  assert.deepEqual(wrong, { kind: "conflict", at: 0, version });
  assert.equal(
    (await caches.do({ ...remove, ifVersion: version })).found,
    true,
  );
  assert.equal(caches.text("c", "k"), null);
  await caches.do(put("k", "y"));
  const taken = await caches.do({ ...keyed, kind: "getRemove" });
  assert.equal(taken.found, true);
  assert.equal(textOf(taken.previous!), "y");
  const again = await caches.do({ ...keyed, kind: "getRemove" });
  assert.deepEqual([again.found, again.previous], [false, null]);
});

Deno.test("of two getRemoves in one entry one wins", async () => {
  await using caches = new Caches();
  await caches.do(put("k"));
  const unit = {
    checks: [],
    operations: [{ ...keyed, kind: "getRemove" } as const],
  };
  const answers = await caches.pack([unit, unit]);
  assert.deepEqual(
    answers.map((answer) => answer.kind === "done" && answer.results[0]!.found),
    [true, false],
  );
});

Deno.test("counters add up from their beginning, live beside entries, and are set and deleted", async () => {
  await using caches = new Caches();
  await caches.do(put("k", "entry"));
  assert.equal((await caches.do(add("k", 5n))).counter, 5n);
  assert.equal((await caches.do(add("k", -7n))).counter, -2n);
  const initial = { ...keyed, key: "n", kind: "add", initial: 100n } as const;
  assert.equal((await caches.do({ ...initial, delta: 1n })).counter, 101n);
  assert.equal((await caches.do({ ...initial, delta: 1n })).counter, 102n);
  const set = { ...keyed, kind: "setCounter", value: -9n } as const;
  assert.equal((await caches.do(set)).counter, -9n);
  assert.equal(caches.counter("c", "k"), -9n);
  assert.equal(caches.text("c", "k"), "entry");
  const gone = { ...keyed, kind: "deleteCounter" } as const;
  assert.equal((await caches.do(gone)).found, true);
  assert.equal((await caches.do(gone)).found, false);
  assert.equal(caches.counter("c", "k"), null);
  assert.equal(caches.text("c", "k"), "entry");
});

Deno.test("kv.md §10 (7) counters saturate at both ends of 64 bits", async () => {
  await using caches = new Caches();
  const big = 2n ** 62n;
  for (
    const [key, step, end] of [
      ["up", big, INT64_MAX],
      ["down", -big, INT64_MIN],
    ] as const
  ) {
    for (let i = 0; i < 3; i++) await caches.do(add(key, step));
    assert.equal(caches.counter("c", key), end);
    assert.equal((await caches.do(add(key, step))).counter, end);
    const back = await caches.do(add(key, step > 0n ? -1n : 1n));
    assert.equal(back.counter, step > 0n ? end - 1n : end + 1n);
  }
  const start = { kind: "add", cache: "c", key: "n" } as const;
  const { counter } = await caches.do({
    ...start,
    delta: 5n,
    initial: INT64_MAX,
  });
  assert.equal(counter, INT64_MAX);
});

Deno.test("what is only read or removed creates no cache, what is written does", async () => {
  await using caches = new Caches();
  for (const kind of ["delete", "getRemove", "deleteCounter"] as const) {
    assert.equal((await caches.do({ ...keyed, kind })).found, false);
  }
  const touch = { ...keyed, kind: "touch", ttlMs: 5 } as const;
  assert.equal((await caches.do(touch)).found, false);
  for (const kind of ["clear", "clearCounters", "drop"] as const) {
    assert.equal((await caches.do({ kind, cache: "c" })).found, false);
  }
  assert.deepEqual(caches.machine.reads.stats(), []);
  await caches.do(add("k", 1n));
  assert.equal(caches.stats("c")!.settings.onFull, "reject");
});

Deno.test("values keep their kind", async () => {
  await using caches = new Caches();
  for (const kind of ["bytes", "text", "json"] as const) {
    const value = { kind, bytes: new TextEncoder().encode("[1]") };
    await caches.do({ kind: "put", cache: "c", key: kind, value });
    assert.deepEqual(caches.machine.reads.get("c", kind, 0)!.value, value);
  }
});
