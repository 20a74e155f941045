import assert from "node:assert/strict";
import { CACHES_MAX } from "../../../src/state/kv/limits.ts";
import type {
  CacheSettings,
  KvAnswer,
  KvOperation,
} from "../../../src/state/kv/types.ts";
import { DEFAULT_SETTINGS } from "../../../src/state/kv/types.ts";
import { add, Caches, put, text } from "./caches.ts";

/** Everything that a machine has, as it says it. */
function everything({ machine }: Caches): unknown {
  const { reads } = machine;
  const range = { start: "", end: null, reverse: false, limit: 1000 };
  return reads.stats().map((stats) => [
    stats,
    reads.list(stats.name, range, 0),
  ]);
}

Deno.test("a unit happens as a whole: what a later operation or check refuses, no earlier one did", async () => {
  await using caches = new Caches();
  await caches.do(put("there", "x"));
  await caches.do(add("n", 1n));
  const before = everything(caches);
  const events = caches.events.length;
  const answer = await caches.unit([
    put("new", "v", { cache: "other" }),
    put("there", "y"),
    add("n", 5n),
    { kind: "delete", cache: "c", key: "there" },
    put("absent", "v", { ifPresent: true }),
  ]);
  assert.deepEqual(answer, { kind: "conflict", at: 4, version: 0 });
  assert.deepEqual(everything(caches), before);
  assert.equal(caches.counter("c", "n"), 1n);
  assert.equal(caches.stats("other"), undefined);
  assert.equal(caches.events.length, events);
});

Deno.test("operations of a unit find what those before them did", async () => {
  await using caches = new Caches();
  const { version } = await caches.do(put("k", "old"));
  const answer = await caches.unit([
    put("k", "new", { ifVersion: version }),
    { kind: "getRemove", cache: "c", key: "k" },
    put("k", "last", { ifVersion: 0 }),
    { kind: "replace", cache: "c", key: "k", value: text("end") },
    add("n", 2n),
    add("n", 3n),
    { kind: "deleteCounter", cache: "c", key: "n" },
    add("n", 1n),
    { kind: "touch", cache: "c", key: "k", ttlMs: 50 },
  ]);
  assert.ok(answer.kind === "done", Deno.inspect(answer));
  const { results } = answer;
  assert.deepEqual(results[1]!.previous, text("new"));
  assert.deepEqual(results[3]!.previous, text("last"));
  assert.deepEqual([results[5]!.counter, results[7]!.counter], [5n, 1n]);
  const entry = caches.machine.reads.get("c", "k", caches.clockMs)!;
  assert.deepEqual([entry.value, entry.ttlMs], [text("end"), 50]);
  const { entries, counters, bytes } = caches.stats("c")!;
  assert.deepEqual([entries, counters], [1, 1]);
  assert.equal(bytes, 1 + 3 + 64 + 1 + 8 + 64);
});

Deno.test("an entry that is touched twice in a unit keeps its value", async () => {
  await using caches = new Caches();
  await caches.do(put("k", "value"));
  const touch = (ttlMs: number): KvOperation => ({
    kind: "touch",
    cache: "c",
    key: "k",
    ttlMs,
  });
  const between = put("other", "large");
  await caches.unit([touch(5), between, touch(50), between, touch(500)]);
  assert.equal(caches.text("c", "k"), "value");
  const { ttlMs } = caches.machine.reads.get("c", "k", caches.clockMs)!;
  assert.equal(ttlMs, 500);
  await caches.machine.check(true);
});

Deno.test("kv.md §10 (8) checks look at versions and values, over several caches, and come before all operations", async () => {
  await using caches = new Caches();
  const { version } = await caches.do(put("k", "x"));
  const change = [put("k", "y"), put("k", "y", { cache: "d" })];
  const check = (checks: Parameters<Caches["unit"]>[1]): Promise<KvAnswer> =>
    caches.unit(change, checks);
  const at = { cache: "c", key: "k" };
  const conflict = { kind: "conflict", at: 0, version };
  assert.deepEqual(await check([{ ...at, version: 0 }]), conflict);
  assert.deepEqual(await check([{ ...at, value: text("y") }]), conflict);
  const json = { kind: "json", bytes: text("x").bytes } as const;
  assert.deepEqual(await check([{ ...at, value: json }]), conflict);
  assert.deepEqual(
    await check([{ ...at, version }, { cache: "d", key: "k", version: 9 }]),
    { kind: "conflict", at: 1, version: 0 },
  );
  assert.equal(caches.text("c", "k"), "x");
  assert.equal(caches.stats("d"), undefined);
  const done = await check([
    { ...at, version },
    { ...at, value: text("x") },
    { cache: "d", key: "k", version: 0 },
  ]);
  assert.equal(done.kind, "done");
  assert.equal(caches.text("d", "k"), "y");
  const checksOnly = await caches.unit([], [{ ...at, version: 0 }]);
  assert.equal(checksOnly.kind, "conflict");
});

const small: CacheSettings = { ...DEFAULT_SETTINGS, maxEntries: 3 };

Deno.test("a cache is created once, with its settings, and found again with the same", async () => {
  await using caches = new Caches();
  const create = { kind: "create", cache: "c", settings: small } as const;
  await caches.do(create);
  await caches.do(create);
  assert.deepEqual(caches.stats("c")!.settings, small);
  const answer = await caches.unit([{
    ...create,
    settings: { ...small, maxEntries: 4 },
  }]);
  assert.ok(answer.kind === "refused" && answer.code === "conflict");
  assert.match(answer.message, /maxEntries 3/);
  assert.deepEqual(caches.stats("c")!.settings, small);
});

Deno.test("clear, clearCounters and drop remove what they say, and what comes later stays", async () => {
  await using caches = new Caches();
  const fill = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      await caches.do(put(`k${i}`, "v", { ttlMs: 1_000 }));
      await caches.do(
        { ...add(`n${i}`, 1n), ttlMsIfNew: 1_000 } as KvOperation,
      );
    }
  };
  await fill();
  assert.equal((await caches.do({ kind: "clear", cache: "c" })).found, true);
  assert.equal(caches.text("c", "k1"), null);
  assert.equal(caches.counter("c", "n1"), 1n);
  assert.deepEqual(
    [caches.stats("c")!.entries, caches.stats("c")!.bytes],
    [0, 5 * (2 + 8 + 64)],
  );
  await fill();
  await caches.do({ kind: "clearCounters", cache: "c" });
  assert.equal(caches.text("c", "k1"), "v");
  assert.equal(caches.counter("c", "n1"), null);
  assert.deepEqual(
    [caches.stats("c")!.counters, caches.stats("c")!.bytes],
    [0, 5 * (2 + 1 + 64)],
  );
  await fill();
  assert.equal(caches.counter("c", "n1"), 1n);
  assert.equal((await caches.do({ kind: "drop", cache: "c" })).found, true);
  assert.deepEqual(caches.machine.reads.stats(), []);
  await caches.do(put("k1", "again"));
  await caches.tick(2_000);
  assert.equal(caches.text("c", "k1"), "again");
  assert.deepEqual(
    [caches.stats("c")!.entries, caches.stats("c")!.expired],
    [1, 0],
  );
});

Deno.test("there are no more caches than the limit, and one that is dropped makes room for another", async () => {
  await using caches = new Caches();
  for (let i = 0; i < CACHES_MAX; i += 512) {
    await caches.pack(Array.from({ length: 512 }, (_, k) => ({
      checks: [],
      operations: [put("k", "v", { cache: `cache-${i + k}` })],
    })));
  }
  const more: KvOperation[] = [
    put("k", "v", { cache: "more" }),
    { kind: "add", cache: "more", key: "k", delta: 1n },
    { kind: "setCounter", cache: "more", key: "k", value: 1n },
    { kind: "create", cache: "more", settings: DEFAULT_SETTINGS },
  ];
  for (const operation of more) {
    const answer = await caches.unit([operation]);
    assert.ok(answer.kind === "refused" && answer.code === "cache_full");
    assert.match(answer.message, /1024 caches/);
  }
  await caches.do({ kind: "drop", cache: "cache-7" });
  for (const operation of more) await caches.do(operation);
});

Deno.test("a unit creates its caches with their settings, finds them, and does nothing where others are", async () => {
  await using caches = new Caches();
  const settings = { ...DEFAULT_SETTINGS, maxEntries: 2 };
  const create = { kind: "create", cache: "c", settings } as const;
  const unit = async (operation: KvOperation) => {
    const units = [{ creates: [create], checks: [], operations: [operation] }];
    const [answer] = await caches.pack(units);
    return answer!.kind === "refused" ? answer!.code : answer!.kind;
  };
  assert.equal(await unit(put("k", "v", { ifPresent: true })), "conflict");
  assert.equal(caches.stats("c"), undefined);
  assert.equal(await unit(put("a")), "done");
  assert.equal(caches.stats("c")!.settings.maxEntries, 2);
  assert.equal(await unit(put("b")), "done");
  assert.equal(await unit(put("c")), "cache_full");
  assert.equal(await unit({ kind: "clear", cache: "c" }), "done");
  await caches.do({ kind: "drop", cache: "c" });
  assert.equal(await unit({ kind: "clear", cache: "c" }), "done");
  assert.equal(caches.stats("c")!.settings.maxEntries, 2);
  await caches.do({ kind: "drop", cache: "c" });
  await caches.do(put("k", "plain"));
  const before = everything(caches);
  assert.equal(await unit(put("a")), "conflict");
  assert.deepEqual(everything(caches), before);
});

Deno.test("a command that is malformed is refused, and nothing else", async () => {
  await using caches = new Caches();
  const entry = caches.entry([{ checks: [], operations: [put("k")] }]);
  const cut = { ...entry, payload: entry.payload.slice(0, -1) };
  const [answer] = await caches.apply([cut]);
  assert.equal(answer!.refusal?.code, "invalid");
  assert.deepEqual(caches.machine.reads.stats(), []);
});

Deno.test("kv.md §10 (7) a repeated write counts once, and is answered as the first time, also after a snapshot", async () => {
  await using caches = new Caches();
  await caches.apply([caches.plain("openSession")]);
  const identity = { session: 1, sequence: 1, answeredBelow: 1 };
  const first = await caches.unit([add("n", 5n)], [], { identity });
  assert.deepEqual(await caches.unit([add("n", 5n)], [], { identity }), first);
  await using other = await caches.copy();
  assert.deepEqual(await other.unit([add("n", 5n)], [], { identity }), first);
  assert.equal(other.counter("c", "n"), 5n);
});
