import assert from "node:assert/strict";
import { NO_CONFIGURATION } from "../../../src/raft/types.ts";
import { ENVELOPE_START } from "../../../src/state/exactly_once.ts";
import { NO_RESULT } from "../../../src/state/kv/answer.ts";
import type { Pace } from "../../../src/state/kv/pace.ts";
import { SnapshotBuild } from "../../../src/state/kv/snapshot/build.ts";
import { MEMORY_SPACE } from "../../../src/state/kv/snapshot/bytes.ts";
import { SnapshotLoad } from "../../../src/state/kv/snapshot/load.ts";
import { SnapshotStream } from "../../../src/state/kv/snapshot/stream.ts";
import { KvState } from "../../../src/state/kv/state.ts";
import type {
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import type { ByteKey, KvOperation } from "../../../src/state/kv/types.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import type { Snapshot } from "../../../src/state/port.ts";
import { MalformedBytesError } from "../../../src/util/bytes.ts";
import { settled, snapshotOf } from "../machine_calls.ts";
import { add, Caches, put } from "./caches.ts";

/** Every step is a slice of its own, and turns come when the test says so. */
class StepByStep implements Pace {
  #now = 0;
  readonly waiting: (() => void)[] = [];

  now(): number {
    return this.#now += 100;
  }

  soon(next: () => void): void {
    this.waiting.push(next);
  }

  turn(next: () => void): void {
    this.waiting.push(next);
  }

  /** One turn; whether somebody waited for it. */
  step(): boolean {
    const next = this.waiting.shift();
    next?.();
    return next !== undefined;
  }
}

/** A store that wants to know a cache before anything is put into it. */
class RowsFirst extends MemoryKvStore {
  readonly #known = new Set<number>();

  override saveCache(cache: StoredCache): void {
    this.#known.add(cache.id).add(cache.counterId);
    super.saveCache(cache);
  }

  override putEntry(cache: number, key: ByteKey, entry: StoredEntry): void {
    assert.ok(this.#known.has(cache), `an entry of the unknown cache ${cache}`);
    super.putEntry(cache, key, entry);
  }

  override putCounter(
    cache: number,
    key: ByteKey,
    counter: StoredCounter,
  ): void {
    assert.ok(this.#known.has(cache), `a counter of the unknown ${cache}`);
    super.putCounter(cache, key, counter);
  }
}

function bytesOf(snapshot: Snapshot): Promise<Uint8Array> {
  return new Promise((resolve) =>
    snapshot.read(0, snapshot.size, (_, bytes) => resolve(bytes.slice()))
  );
}

const many = (from: number, to: number, value: string): KvOperation[] =>
  Array.from({ length: to - from }, (_, i) => put(`k${from + i}`, value));

Deno.test("kv.md §3 what is written, removed and cleared while a snapshot is built is in it", async () => {
  const pace = new StepByStep();
  const caches = new Caches({ pace });
  const apply = async (operations: readonly KvOperation[]): Promise<void> => {
    const done = caches.unit(operations);
    let over = false;
    done.then(() => over = true);
    while (!over) {
      pace.step();
      await Promise.resolve();
    }
  };
  for (let i = 0; i < 8_000; i += 500) await apply(many(i, i + 500, "old"));
  await apply([put("x", "other", { cache: "gone" }), add("n", 1n)]);
  await apply([put("x", "other", { cache: "cleared" })]);
  let steps = 0;
  const taken = snapshotOf(caches.machine);
  let over = false;
  taken.then(() => over = true);
  const changes: KvOperation[][] = [
    [put("k3", "new"), add("n", 5n), put("k7999", "new")],
    [{ kind: "delete", cache: "c", key: "k5" }],
    [{ kind: "touch", cache: "c", key: "k6", ttlMs: 5_000 }],
    [{ kind: "drop", cache: "gone" }],
    [{ kind: "clear", cache: "cleared" }],
    [put("y", "after", { cache: "cleared" }), put("z", "v", { cache: "new" })],
    [{ kind: "delete", cache: "c", key: "k7998" }, put("k5", "again")],
    [{ kind: "deleteCounter", cache: "c", key: "n" }, add("m", 7n)],
    [{ kind: "clearCounters", cache: "c" }],
    [add("o", 9n)],
  ];
  while (!over) {
    pace.step();
    await Promise.resolve();
    steps++;
    if (steps > 1 && changes.length > 0) await apply(changes.shift()!);
  }
  assert.deepEqual(changes, []);
  const replacement = (): RowsFirst => new RowsFirst();
  await using copy = new Caches({ stores: { replacement, adopt: () => {} } });
  await copy.install(caches, taken);
  assert.deepEqual(copy.dump(), caches.dump());
  assert.deepEqual(copy.machine.applied, caches.machine.applied);
  await copy.machine.check(true);
  assert.equal(copy.text("c", "k3"), "new");
  assert.equal(copy.text("c", "k7998"), null);
  assert.equal(copy.text("cleared", "y"), "after");
  const closed = caches.close();
  pace.step();
  await closed;
});

Deno.test("a snapshot begins anew when more is written meanwhile than it may remember", async () => {
  await using caches = new Caches();
  const pace = new StepByStep();
  const state = new KvState(new MemoryKvStore());
  const apply = (operations: readonly KvOperation[]): void => {
    const entry = caches.entry([{ checks: [], operations }]);
    state.begin(entry.index);
    state.apply(entry);
    state.commit();
  };
  for (let i = 0; i < 2_000; i += 500) apply(many(i, i + 500, "old"));
  let snapshot: Snapshot | null = null;
  let begun = 0;
  const space = {
    open: () => {
      begun++;
      return MEMORY_SPACE.open();
    },
  };
  new SnapshotBuild(
    state,
    space,
    pace,
    false,
    (_, done) => snapshot = done,
    60_000,
  );
  let rounds = 0;
  while (pace.step()) {
    if (rounds++ < 8) apply(many(0, 200, "x".repeat(60)));
    if (rounds > 1_000) assert.fail("it goes on for ever");
  }
  assert.ok(begun > 1, `${begun}`);
  const bytes = MEMORY_SPACE.open();
  bytes.append(await bytesOf(snapshot!));
  const store = new MemoryKvStore();
  await settled((done) =>
    new SnapshotLoad(bytes, store, { ...pace, ...immediate }, done)
  );
  assert.equal(store.position!.hash, state.contents.hash);
  assert.equal(new KvState(store).contents.hash, state.contents.hash);
});

const immediate: Pace = {
  now: () => 0,
  soon: (next) => next(),
  turn: (next) => next(),
};

Deno.test("a machine that is closed gives its snapshot up", async () => {
  const caches = new Caches();
  await caches.unit(many(0, 900, "v"));
  const taken = snapshotOf(caches.machine);
  const closed = caches.close();
  await assert.rejects(taken, /closed/);
  await closed;
});

Deno.test("reads go on with the old state until all of a snapshot is installed", async () => {
  await using source = new Caches();
  await using target = new Caches();
  await target.do(put("k", "old"));
  for (let i = 0; i < 3_000; i += 1_000) {
    await source.unit(many(i, i + 1_000, "new"));
  }
  const installing = target.install(source);
  let over = false;
  const done = installing.then(() => over = true);
  const seen = new Set<string>();
  while (!over) {
    const { entries } = target.stats("c")!;
    seen.add(`${entries} ${target.text("c", "k")}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
  await done;
  seen.add(`${target.stats("c")!.entries} ${target.text("c", "k")}`);
  assert.deepEqual([...seen], ["1 old", "3000 null"]);
});

Deno.test("what is no snapshot is not installed", async () => {
  const load = (bytes: Uint8Array): Promise<void> => {
    const given = MEMORY_SPACE.open();
    given.append(bytes);
    const store = new MemoryKvStore();
    return settled((done) => new SnapshotLoad(given, store, immediate, done));
  };
  const bytes = MEMORY_SPACE.open();
  const stream = new SnapshotStream(bytes);
  stream.write({ kind: "forget", number: 7 });
  stream.finish();
  const whole = await new Promise<Uint8Array>((resolve) =>
    bytes.read(0, bytes.size, (_, chunk) => resolve(chunk))
  );
  const other = whole.slice();
  other[0] = 9;
  const unknown = whole.slice();
  unknown[5] = 99;
  for (
    const wrong of [
      whole,
      other,
      unknown,
      whole.slice(0, -1),
      whole.slice(0, 3),
    ]
  ) {
    await assert.rejects(load(wrong), MalformedBytesError);
  }
  const end = MEMORY_SPACE.open();
  const good = new SnapshotStream(end);
  good.write({
    kind: "position",
    position: {
      ...ENVELOPE_START,
      applied: { term: 1, index: 1 },
      config: NO_CONFIGURATION,
      hash: 0,
      nextCache: 1,
    },
  });
  good.finish();
  const store = new MemoryKvStore();
  await settled((done) => new SnapshotLoad(end, store, immediate, done));
  assert.equal(store.position!.applied.index, 1);
});

Deno.test("an empty machine has a snapshot, too", async () => {
  await using caches = new Caches();
  await using copy = await caches.copy();
  assert.deepEqual(copy.dump(), []);
  assert.deepEqual(await copy.do(put("k")), { ...NO_RESULT, version: 65_536 });
});

Deno.test("bytes of a snapshot are read in any pieces", async () => {
  const bytes = MEMORY_SPACE.open();
  const all = new Uint8Array(3_000_000).map((_, i) => i * 7);
  for (let at = 0; at < all.length; at += 700_001) {
    bytes.append(all.subarray(at, at + 700_001));
  }
  assert.equal(bytes.size, all.length);
  const read = (offset: number, length: number): Promise<Uint8Array> =>
    new Promise((resolve) =>
      bytes.read(offset, length, (_, chunk) => resolve(chunk))
    );
  for (
    const [offset, length] of [[0, 10], [1_048_570, 20], [5, 2_900_000], [
      2_999_990,
      100,
    ], [3_000_000, 1]] as const
  ) {
    assert.deepEqual(
      await read(offset, length),
      all.slice(offset, offset + length),
    );
  }
  bytes.release();
  bytes.release();
  assert.equal(bytes.size, 0);
});
