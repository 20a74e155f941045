import assert from "node:assert/strict";
import { toByteKey } from "../../../src/state/kv/keys.ts";
import type { KvEntry, KvRange, KvReads } from "../../../src/state/kv/types.ts";
import { rangeAfter } from "../../../src/state/kv/ranges.ts";
import { changeIn } from "../../../src/state/kv/events.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { add, Caches, put, text } from "./caches.ts";

const ALL: KvRange = { start: "", end: null, reverse: false, limit: 1000 };

function keys(
  { machine }: Caches,
  range: Partial<KvRange> = {},
  nowMs = 0,
): string[] {
  return machine.reads.list("c", { ...ALL, ...range }, nowMs)
    .map(({ key }) => key);
}

Deno.test("reads hide what is due at the reader's time, whatever was removed already", async () => {
  await using caches = new Caches();
  const { reads } = caches.machine;
  await caches.do(put("k", "v", { ttlMs: 100 }));
  await caches.do(put("stays"));
  await caches.do({
    kind: "add",
    cache: "c",
    key: "n",
    delta: 1n,
    ttlMsIfNew: 100,
  });
  const at = caches.clockMs;
  assert.equal(reads.get("c", "k", at + 99)!.ttlMs, 1);
  assert.equal(reads.get("c", "k", at + 100), null);
  assert.equal(reads.counter("c", "n", at + 99), 1n);
  assert.equal(reads.counter("c", "n", at + 100), null);
  assert.deepEqual(keys(caches, {}, at + 99), ["k", "stays"]);
  assert.deepEqual(keys(caches, {}, at + 100), ["stays"]);
  // By a clock that is ahead less is left, but something.
  assert.equal(reads.get("c", "k", at, at + 60)!.ttlMs, 40);
  assert.equal(reads.get("c", "k", at, at + 60.5)!.ttlMs, 40);
  assert.equal(reads.get("c", "k", at, at + 900)!.ttlMs, 1);
  assert.equal(reads.list("c", ALL, at, at + 900)[0]!.ttlMs, 1);
  assert.equal(reads.get("absent", "k", at), null);
  assert.equal(reads.counter("absent", "k", at), null);
  assert.deepEqual(reads.list("absent", ALL, at), []);
});

Deno.test("a view shows what get() shows, and asks for the time only of what has a deadline", async () => {
  await using caches = new Caches();
  const { reads } = caches.machine;
  await caches.do(put("k", "v", { ttlMs: 100 }));
  await caches.do(put("stays"));
  const at = caches.clockMs;
  for (const nowMs of [at, at + 60.5, at + 99, at + 100]) {
    const expected = reads.get("c", "k", nowMs);
    assert.deepEqual(reads.view("c", "k", () => nowMs), expected);
    assert.deepEqual(seen(reads, "k", () => nowMs), expected?.value ?? null);
    assert.equal(expected === null, nowMs === at + 100);
  }
  const never = (): number => assert.fail("the time does not matter");
  assert.deepEqual(reads.view("c", "stays", never), reads.get("c", "stays", 0));
  assert.equal(reads.view("c", "absent", never), null);
  assert.equal(reads.view("absent", "k", never), null);
  assert.equal(reads.see("c", "absent", never), null);
  assert.equal(reads.see("absent", "k", never), null);
  for (const value of ["", "v", "x".repeat(100), "x".repeat(100_000)]) {
    await caches.do(put("stays", value));
    assert.deepEqual(seen(reads, "stays", never), text(value));
  }
});

/** A value of the cache `c` that is looked at where it lies. */
function seen(reads: KvReads, key: string, now: () => number): unknown {
  const value = reads.see("c", key, now);
  if (value === null) return null;
  const { kind, bytes, start, end } = value;
  return { kind, bytes: bytes.slice(start, end) };
}

Deno.test("what a read hands out is the reader's own", async () => {
  await using caches = new Caches();
  const { reads } = caches.machine;
  for (const size of [1, 100, 100_000]) {
    await caches.do(put("k", "x".repeat(size)));
    const entries: KvEntry[] = [
      reads.get("c", "k", 0)!,
      reads.list("c", ALL, 0)[0]!,
    ];
    for (const { value } of entries) value.bytes.fill(0);
    assert.equal(caches.text("c", "k"), "x".repeat(size));
    await caches.do(put("k", "y".repeat(size)));
    for (const { value } of entries) assert.equal(value.bytes[0], 0);
  }
});

Deno.test("kv.md §10 (9) keys are listed in the order of their bytes, both ways", async () => {
  await using caches = new Caches();
  const ordered = [
    "\0",
    "\0\0",
    "A",
    "a",
    "ab",
    "\u00e9",
    "\uffff",
    "\u{10000}",
  ]
    .map(toByteKey);
  ordered.push("\xff".repeat(1024));
  for (const key of ordered.toReversed()) await caches.do(put(key));
  assert.deepEqual(keys(caches), ordered);
  assert.deepEqual(keys(caches, { reverse: true }), ordered.toReversed());
  assert.deepEqual(keys(caches, { start: "a", end: "b" }), ["a", "ab"]);
  const reverse = { start: "a", end: "b", reverse: true };
  assert.deepEqual(keys(caches, { ...reverse, limit: 1 }), ["ab"]);
});

Deno.test("behind a key of another range there is nothing outside of the asked one", () => {
  const range = { start: "b", end: "d", reverse: false, limit: 5 };
  const after = (key: string, reverse: boolean): [string, string | null] => {
    const { start, end } = rangeAfter({ ...range, reverse }, key);
    return [start, end];
  };
  assert.deepEqual(after("c", false), ["c\0", "d"]);
  assert.deepEqual(after("a", false), ["b", "d"]);
  assert.deepEqual(after("c", true), ["b", "c"]);
  assert.deepEqual(after("x", true), ["b", "d"]);
  assert.deepEqual(rangeAfter({ ...range, end: null, reverse: true }, "c"), {
    ...range,
    end: "c",
    reverse: true,
  });
});

Deno.test("a range that ends before it begins is empty", async () => {
  await using caches = new Caches();
  for (const key of ["a", "b", "c"]) await caches.do(put(key));
  for (const reverse of [false, true]) {
    assert.deepEqual(keys(caches, { start: "c", end: "a", reverse }), []);
  }
});

Deno.test("kv.md §10 (9) pages of a list show every untouched key once while others come and go", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  for (const reverse of [false, true]) {
    await using caches = new Caches();
    const untouched = Array.from(
      { length: 700 },
      (_, i) => `k${10_000 + 7 * i}`,
    );
    for (let i = 0; i < 700; i += 100) {
      await caches.unit(untouched.slice(i, i + 100).map((key) => put(key)));
    }
    const seen: string[] = [];
    let page: Partial<KvRange> = {};
    for (;;) {
      const found = keys(caches, { ...page, reverse, limit: 1 + below(40) });
      if (found.length === 0) break;
      seen.push(...found);
      const last = found.at(-1)!;
      page = reverse ? { end: last } : { start: `${last}\0` };
      await caches.unit(
        Array.from({ length: 30 }, () => {
          const key = `k${10_001 + 7 * below(700)}`;
          return below(2) === 0
            ? put(key, "v", { ttlMs: 1 + below(20) })
            : { kind: "delete", cache: "c", key };
        }),
      );
      await caches.tick(below(10));
    }
    const expected = reverse ? untouched.toReversed() : untouched;
    const once = seen.filter((key) =>
      (Number(key.slice(1)) - 10_000) % 7 === 0
    );
    assert.deepEqual(once, expected, `seed ${seed}`);
    assert.equal(new Set(seen).size, seen.length);
  }
});

Deno.test("a page is full although many of its keys are due", async () => {
  await using caches = new Caches();
  const operations = Array.from(
    { length: 900 },
    (_, i) => put(`k${1000 + i}`, "v", i % 3 === 0 ? {} : { ttlMs: 1 }),
  );
  await caches.unit(operations);
  const found = keys(caches, { limit: 250 }, caches.clockMs + 1);
  assert.equal(found.length, 250);
  assert.equal(found.at(-1), `k${1000 + 249 * 3}`);
  assert.equal(keys(caches, {}, caches.clockMs + 1).length, 300);
});

Deno.test("keys can be put in order before the first list, while the cache changes", async () => {
  await using caches = new Caches();
  for (let i = 0; i < 5_000; i += 1_000) {
    await caches.unit(
      Array.from({ length: 1_000 }, (_, k) => put(`k${10_000 + i + k}`)),
    );
  }
  const arranging = caches.machine.arrange("c");
  await caches.unit([put("a"), { kind: "delete", cache: "c", key: "k10002" }]);
  await arranging;
  await caches.machine.arrange("absent");
  assert.deepEqual(keys(caches, { limit: 4 }), [
    "a",
    "k10000",
    "k10001",
    "k10003",
  ]);
  assert.equal(keys(caches, { start: "k14" }).length, 1_000);
});

Deno.test("caches are told of by name, with what is counted of them", async () => {
  await using caches = new Caches();
  await caches.do(put("key", "value", { cache: "z" }));
  await caches.do(put("key", "value", { ttlMs: 5 }));
  await caches.do(add("n", 1n));
  await caches.tick(5);
  const { reads } = caches.machine;
  assert.deepEqual(
    reads.stats().map(({ name, entries, counters, bytes, expired }) => [
      name,
      entries,
      counters,
      bytes,
      expired,
    ]),
    [["c", 0, 1, 1 + 8 + 64, 1], ["z", 1, 0, 3 + 5 + 64, 0]],
  );
});

Deno.test("events tell of each changed key in the order of the changes", async () => {
  await using caches = new Caches();
  await caches.tick();
  await caches.pack([
    { checks: [], operations: [put("a"), put("a"), add("n", 1n)] },
    { checks: [], operations: [put("x", "v", { ifPresent: true })] },
    {
      checks: [],
      operations: [
        { kind: "touch", cache: "c", key: "a", ttlMs: 50 },
        { kind: "getRemove", cache: "c", key: "a" },
        { kind: "deleteCounter", cache: "c", key: "n" },
      ],
    },
  ]);
  for (const kind of ["clear", "clearCounters", "drop"] as const) {
    await caches.do({ kind, cache: "c" });
  }
  assert.deepEqual(caches.events, [
    "2 0 put c a 131072",
    "2 1 put c a 131073",
    "2 2 counter c n 0",
    "2 3 delete c a 0",
    "2 4 deleteCounter c n 0",
    "3 0 clear c  0",
    "4 0 clearCounters c  0",
    "5 0 drop c  0",
  ]);
});

Deno.test("events are decoded when they are read, and any number of times", async () => {
  await using caches = new Caches();
  const entry = caches.entry([{ checks: [], operations: [put("\xff\0")] }]);
  await new Promise<void>((resolve) =>
    caches.machine.apply([entry], false, (_, answers, events) => {
      assert.deepEqual([answers.length, events.count], [0, 1]);
      assert.ok(events.byteLength > 0);
      for (let i = 0; i < 2; i++) {
        assert.deepEqual([...events].map(changeIn), [
          { cache: "c", key: "\xff\0", version: 65_536 },
        ]);
      }
      resolve();
    })
  );
});
