import assert from "node:assert/strict";
import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type KvAnswer,
} from "../../../src/state/kv/types.ts";
import { add, Caches, put } from "./caches.ts";

/** An entry of a key and a value of `n` bytes together. */
const sized = (n: number, key: string) => put(key, "x".repeat(n - key.length));

async function withSettings(
  settings: Partial<CacheSettings>,
): Promise<Caches> {
  const caches = new Caches();
  const all = { ...DEFAULT_SETTINGS, ...settings };
  await caches.do({ kind: "create", cache: "c", settings: all });
  return caches;
}

function full(answer: KvAnswer): string {
  assert.ok(answer.kind === "refused", Deno.inspect(answer));
  assert.equal(answer.code, "cache_full");
  return answer.message;
}

function keys(caches: Caches, cache = "c"): string[] {
  const range = { start: "", end: null, reverse: false, limit: 1000 };
  return caches.machine.reads.list(cache, range, 0).map(({ key }) => key);
}

Deno.test("a full cache refuses what makes it larger, and nothing else", async () => {
  await using caches = await withSettings({ maxBytes: 300 });
  await caches.do(sized(86, "a"));
  await caches.do(sized(86, "b"));
  assert.equal(caches.stats("c")!.bytes, 300);
  assert.equal(
    full(await caches.unit([put("d", "")])),
    "The cache c has 300 bytes, the write needs 65 more, its limit is 300",
  );
  full(await caches.unit([sized(87, "a")]));
  full(await caches.unit([add("n", 1n)]));
  await caches.do(sized(86, "a"));
  const swap = [
    { kind: "delete", cache: "c", key: "a" } as const,
    sized(86, "d"),
  ];
  assert.equal((await caches.unit(swap)).kind, "done");
  assert.deepEqual(keys(caches), ["b", "d"]);
});

Deno.test("a cache has no more entries than it may", async () => {
  await using caches = await withSettings({ maxEntries: 2 });
  await caches.do(put("a"));
  await caches.do(put("b"));
  await caches.do(add("n", 1n));
  assert.match(full(await caches.unit([put("d")])), /2 entries, .* limit is 2/);
  await caches.do(put("a", "again"));
});

Deno.test("a cache that evicts gives up what was written longest ago", async () => {
  await using caches = await withSettings({ maxEntries: 3, onFull: "evict" });
  for (const key of ["a", "b", "d"]) await caches.do(put(key));
  await caches.do(put("a", "again"));
  await caches.do({ kind: "touch", cache: "c", key: "b", ttlMs: 1_000 });
  caches.events.length = 0;
  await caches.do(put("e"));
  assert.deepEqual(keys(caches), ["a", "d", "e"]);
  assert.equal(caches.stats("c")!.evicted, 1);
  assert.deepEqual(
    caches.events.map((line) => line.split(" ").slice(2, 5).join(" ")),
    ["put c e", "evict c b"],
  );
  await caches.unit([put("f"), put("g")]);
  assert.deepEqual(keys(caches), ["e", "f", "g"]);
});

Deno.test("a cache that evicts makes room in bytes, keeps its counters, and refuses what it cannot hold at all", async () => {
  await using caches = await withSettings({ maxBytes: 400, onFull: "evict" });
  await caches.do(add("n", 1n));
  for (const key of ["a", "b", "d"]) await caches.do(sized(36, key));
  assert.equal(caches.stats("c")!.bytes, 373);
  await caches.do(sized(100, "e"));
  assert.deepEqual(keys(caches), ["d", "e"]);
  full(await caches.unit([sized(264, "f")]));
  full(await caches.unit([sized(150, "f"), sized(150, "g")]));
  assert.deepEqual(keys(caches), ["d", "e"]);
  await caches.do(sized(263, "f"));
  assert.deepEqual(keys(caches), ["f"]);
  assert.equal(caches.counter("c", "n"), 1n);
  const room = await caches.unit([add("m", 1n)]);
  assert.equal(room.kind, "done");
  assert.deepEqual(keys(caches), []);
});

Deno.test("all caches together have a limit, which the entry carries", async () => {
  await using caches = await withSettings({});
  const options = { maxBytes: 1_000 };
  await caches.do(sized(436, "a"), options);
  await caches.do(put("a", "x".repeat(400), { cache: "d" }), options);
  assert.match(
    full(await caches.unit([put("b")], [], options)),
    /965 bytes, .* 66 more, .* 1000 \(HQL_CACHE_MAX_BYTES\)/,
  );
  full(await caches.unit([put("b", "v", { cache: "e" })], [], options));
  assert.equal(caches.stats("e"), undefined);
  await caches.do(put("b"), { maxBytes: 1_031 });
});

Deno.test("for the limit of all caches a cache that evicts gives up its own entries only", async () => {
  await using caches = await withSettings({ onFull: "evict" });
  const options = { maxBytes: 1_000 };
  for (const key of ["a", "b", "d"]) await caches.do(sized(136, key), options);
  await caches.do(put("a", "x".repeat(300), { cache: "d" }), options);
  await caches.do(sized(136, "e"), options);
  assert.deepEqual(keys(caches), ["b", "d", "e"]);
  assert.deepEqual(keys(caches, "d"), ["a"]);
  full(await caches.unit([sized(600, "f")], [], options));
  assert.deepEqual(keys(caches), ["b", "d", "e"]);
  await caches.do(sized(500, "f"), options);
  assert.deepEqual(keys(caches), ["f"]);
});

Deno.test("a unit never evicts what it wrote itself, also when the limit of all caches was lowered", async () => {
  await using caches = await withSettings({ onFull: "evict" });
  const large = "x".repeat(500);
  await caches.unit(
    [put("a", large, { cache: "d" }), put("b", large, { cache: "d" })],
  );
  await caches.do(sized(36, "a"));
  const unit = [
    { kind: "delete", cache: "d", key: "a" } as const,
    sized(36, "b"),
  ];
  const answer = await caches.unit(unit, [], { maxBytes: 400 });
  assert.equal(answer.kind, "done");
  assert.deepEqual(keys(caches), ["b"]);
  assert.deepEqual(keys(caches, "d"), ["b"]);
});

Deno.test("what a unit writes and writes again, or removes, needs room once, or none", async () => {
  await using caches = await withSettings({ maxBytes: 200, onFull: "evict" });
  await caches.do(sized(100, "old"));
  const twice = await caches.unit([sized(100, "a"), sized(120, "a")]);
  assert.equal(twice.kind, "done");
  assert.deepEqual(keys(caches), ["a"]);
  const removed = await caches.unit([
    sized(130, "b"),
    { kind: "delete", cache: "c", key: "b" },
    sized(120, "e"),
  ]);
  assert.equal(removed.kind, "done");
  assert.deepEqual(keys(caches), ["e"]);
});

Deno.test("room is left of a unit that other units of its entry took", async () => {
  await using caches = await withSettings({ maxEntries: 2 });
  const answers = await caches.pack(["a", "b", "d"].map((key) => ({
    checks: [],
    operations: [put(key)],
  })));
  assert.deepEqual(answers.map(({ kind }) => kind), [
    "done",
    "done",
    "refused",
  ]);
});

Deno.test("what is due makes room first", async () => {
  await using caches = await withSettings({ maxEntries: 1 });
  await caches.do(put("a", "v", { ttlMs: 5 }));
  caches.pass(5);
  await caches.do(put("b"));
  assert.deepEqual(keys(caches), ["b"]);
});
