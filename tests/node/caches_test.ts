import assert from "node:assert/strict";
import type { CacheUpdate, CacheValue } from "../../src/client/cache/types.ts";
import { CacheWatches } from "../../src/node/services/cache_watches.ts";
import { systemClock } from "../../src/util/clock.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { CacheMembers } from "./cache_members.ts";
import { until } from "./cluster.ts";

Deno.test("caches begin by themselves, beside the database, and are part of ready, status and metrics", async () => {
  await using members = await CacheMembers.started();
  for (const id of members.ids) {
    const node = members.cluster.node(id);
    assert.deepEqual(node.cluster().groups.map(({ name }) => name), [
      "db",
      "cache",
    ]);
    const cache = members.client(id).cache("c");
    await cache.put(`k${id}`, id);
  }
  for (const id of members.ids) {
    const cache = members.client(id).cache("c");
    assert.deepEqual(
      await cache.getMany(["k1", "k2", "k3"], { consistency: "linearizable" }),
      [1, 2, 3],
    );
    const metrics = members.cluster.node(id).metrics();
    assert.match(metrics, /^hiqlite_cache_entries\{cache="c"\} 3$/m);
    assert.match(metrics, /^hiqlite_raft_members\{group="cache"\} 3$/m);
  }
});

Deno.test("a member reads its own writes at once, and a linearizable read sees those of all", async () => {
  await using members = await CacheMembers.started();
  const caches = members.ids.map((id) => members.client(id).cache("c"));
  for (let round = 0; round < 60; round++) {
    const writer = caches[round % 3]!;
    const reader = caches[(round + 1) % 3]!;
    await writer.put("k", round);
    assert.equal(writer.getSync("k"), round);
    assert.equal(await reader.get("k", { consistency: "linearizable" }), round);
  }
});

Deno.test("a version seen at one member is read at another one", async () => {
  await using members = await CacheMembers.started();
  const [one, two] = [1, 2].map((id) => members.client(id).cache("c"));
  for (let round = 0; round < 60; round++) {
    const minVersion = await one!.put("k", round);
    assert.equal(await two!.get("k", { minVersion }), round);
  }
});

Deno.test("of two that take an entry out at once, one gets it, through whichever members", async () => {
  await using members = await CacheMembers.started();
  const caches = members.ids.map((id) => members.client(id).cache<number>("c"));
  await Promise.all(
    Array.from({ length: 300 }, (_, i) => caches[i % 3]!.put(`k${i}`, i)),
  );
  await Promise.all(Array.from({ length: 300 }, async (_, i) => {
    const taken = await Promise.all([
      caches[i % 3]!.getRemove(`k${i}`),
      caches[(i + 1) % 3]!.getRemove(`k${i}`),
    ]);
    assert.deepEqual(taken.filter((value) => value !== undefined), [i]);
  }));
});

Deno.test("adds through all members count once each while leaders come and go", async () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  await using members = await CacheMembers.started();
  const totals = { asked: 0 };
  let busy = true;
  const adder = async (id: number): Promise<number[]> => {
    const cache = members.client(id).cache("c");
    const values: number[] = [];
    while (busy) {
      const sums = await Promise.all(
        Array.from({ length: 5 }, () => cache.add("n", 1)),
      );
      totals.asked += 5;
      values.push(...sums.map(Number));
    }
    return values;
  };
  const adders = members.ids.map(adder);
  for (let round = 0; round < 12; round++) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    await members.lead(1 + random.uint32() % 3);
  }
  busy = false;
  const values = (await Promise.all(adders)).flat().toSorted((a, b) => a - b);
  assert.deepEqual(
    values,
    Array.from({ length: totals.asked }, (_, i) => i + 1),
    `seed ${seed}`,
  );
});

Deno.test("a change with a key counts once, whoever repeats it, over restarts one by one", async () => {
  await using members = await CacheMembers.started();
  for (let round = 1; round <= 6; round++) {
    const idempotencyKey = `round ${round}`;
    const id = 1 + round % 3;
    const before = await members.client(id).cache("c").add("n", 1, {
      idempotencyKey,
    });
    assert.equal(before, round);
    await members.restart(id);
    for (const other of members.ids) {
      const cache = members.client(other).cache("c");
      assert.equal(await cache.add("n", 1, { idempotencyKey }), round);
    }
  }
});

Deno.test("what has a time to live is there until then, and gone everywhere after it", async () => {
  await using members = await CacheMembers.started();
  const caches = members.ids.map((id) => members.client(id).cache("c"));
  const ttlMs = 300;
  const begun = performance.now();
  await Promise.all(
    Array.from(
      { length: 600 },
      (_, i) => caches[i % 3]!.put(`k${i}`, i, { ttlMs }),
    ),
  );
  let early = 0;
  while (performance.now() - begun < ttlMs - 20) {
    for (const [at, cache] of caches.entries()) {
      // A read that begins before the time is over, counted from before the first put.
      const present = cache.getSync("k7");
      if (performance.now() - begun < ttlMs - 20 && present !== 7) early++;
      if (at === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  assert.equal(early, 0);
  await until(
    "all went",
    () =>
      members.ids.every((id) =>
        members.specs.get(id)!.machine!.reads.stats()[0]!.entries === 0
      ),
  );
  for (const id of members.ids) {
    const [stats] = members.cluster.node(id).caches.stats();
    assert.deepEqual([stats!.expired, stats!.bytes], [600, 0]);
  }
});

Deno.test("without deadlines idle caches write nothing", async () => {
  await using members = await CacheMembers.started();
  await members.client(1).cache("c").put("k", 1);
  const { appliedIndex } = members.cluster.node(1).cluster().groups[1]!;
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { lastIndex } = members.cluster.node(1).cluster().groups[1]!;
  assert.equal(lastIndex, appliedIndex);
});

Deno.test("a deadline of what is gone already costs one entry at most", async () => {
  await using members = await CacheMembers.started();
  const cache = members.client(1).cache("c");
  for (let i = 0; i < 10; i++) {
    await cache.put(`${i}`, i, { ttlMs: 100 + i });
    await cache.delete(`${i}`);
  }
  const last = () => members.cluster.node(1).cluster().groups[1]!.lastIndex;
  const before = last();
  await until(
    "no deadline is known",
    () =>
      members.ids.every((id) =>
        members.specs.get(id)!.machine!.nextDueMs === Infinity
      ),
  );
  const after = last();
  assert.ok(after <= before + 2, `${before} to ${after}`);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(last(), after);
});

Deno.test("restarts one by one lose nothing that was acknowledged", async () => {
  await using members = await CacheMembers.started();
  for (let round = 0; round < 9; round++) {
    const writer = members.client(1 + round % 3).cache("c");
    await Promise.all(
      Array.from({ length: 200 }, (_, i) => writer.put(`${round}-${i}`, round)),
    );
    await members.restart(1 + round % 3);
    const reader = members.client(1 + round % 3).cache("c");
    for (let past = 0; past <= round; past++) {
      assert.equal(await reader.get(`${past}-7`), past);
    }
  }
  const index = Math.max(
    ...members.ids.map((id) => members.hosted(id).group!.machine.applied.index),
  );
  await until(
    "all are there",
    () =>
      members.ids.every((id) =>
        members.hosted(id).group!.machine.applied.index >= index
      ),
  );
  const counts = members.ids.map((id) =>
    members.cluster.node(id).caches.stats()[0]!
  );
  for (const { entries, bytes } of counts) {
    assert.deepEqual([entries, bytes], [9 * 200, counts[0]!.bytes]);
  }
});

Deno.test("whoever stops finishes what was begun in its caches", async () => {
  await using members = await CacheMembers.started();
  await members.lead(2);
  const cache = members.client(2).cache("c");
  const puts = Array.from({ length: 2_000 }, (_, i) => cache.put(`${i}`, i));
  // Until all have reached the member.
  await new Promise((resolve) => setTimeout(resolve));
  await members.cluster.stop(2);
  await Promise.all(puts);
  assert.equal(
    await members.client(1).cache("c").get("1999", {
      consistency: "linearizable",
    }),
    1999,
  );
});

/** Collects what a watch tells until `enough` says so. */
async function collect(
  changes: AsyncIterable<CacheUpdate<CacheValue>>,
  enough: (change: CacheUpdate<CacheValue>) => boolean,
): Promise<string[]> {
  const told: string[] = [];
  for await (const change of changes) {
    if (change.kind === "position") {
      if (enough(change)) break;
      continue;
    }
    told.push(
      change.kind === "put" ? `${change.key}=${change.value}` : change.kind,
    );
    if (enough(change)) break;
  }
  return told;
}

Deno.test("a watch at each member tells the last value of everything, whoever wrote it", async () => {
  await using members = await CacheMembers.started();
  const latest = members.ids.map(async (id) => {
    const values = new Map<string, unknown>();
    const watch = members.client(id).cache("c").watch({ prefix: "k" });
    for await (const change of watch) {
      if (change.kind === "put") values.set(change.key, change.value);
      if (change.kind === "delete") values.delete(change.key);
      if (values.get("kend") !== undefined && change.kind === "position") {
        break;
      }
    }
    return [...values].toSorted();
  });
  const writers = members.ids.map((id) => members.client(id).cache("c"));
  for (let i = 0; i < 300; i++) {
    await writers[i % 3]!.put(`k${i % 10}`, i);
    if (i % 50 === 0) await members.lead(1 + i / 50 % 3);
  }
  await writers[0]!.delete("k3");
  await writers[0]!.put("kend", 1);
  const expected = [...Array(10).keys()].filter((n) => n !== 3)
    .map((n) => [`k${n}`, 290 + n]);
  for (const told of await Promise.all(latest)) {
    assert.deepEqual(told, [...expected, ["kend", 1]]);
  }
});

Deno.test("a watch at a member that caught up by a snapshot is told to begin anew", async () => {
  await using members = await CacheMembers.started();
  const cache = members.client(1).cache("c");
  await cache.put("k", 1);
  let position = "";
  await collect(cache.watch(), (change) => {
    if (change.kind === "position") position = change.position;
    return change.kind === "position";
  });
  for (let i = 0; i < 3_000; i += 100) {
    await Promise.all(
      Array.from(
        { length: 100 },
        (_, j) =>
          members.client(1).cache("c").put(`n${i + j}`, 1, {
            idempotencyKey: `${i + j}`,
          }),
      ),
    );
  }
  await members.restart(3);
  assert.ok(members.hosted(3).group!.log.base.index > 0, "it got no snapshot");
  const told = await collect(
    members.client(3).cache("c").watch({ keys: ["k"], since: position }),
    (change) => change.kind === "position",
  );
  assert.deepEqual(told, ["reset", "k=1"]);
});

Deno.test("a watch that goes on from where nobody is yet begins anew, and misses nothing", async () => {
  await using members = await CacheMembers.started(1);
  const cache = members.client(1).cache("c");
  await cache.put("k", 1);
  await Promise.all(["1-99999999", "99-1"].map(async (since) => {
    const told = collect(
      cache.watch({ since }),
      (change) => change.kind === "put" && change.value === 2,
    );
    const changes = setInterval(() => cache.put("k", 2), 500);
    try {
      const [reset, ...values] = await told;
      assert.equal(reset, "reset", since);
      assert.equal(values.at(-1), "k=2");
    } finally {
      clearInterval(changes);
    }
  }));
});

Deno.test("a watch from nowhere waits for caches that have not begun", async () => {
  const watches = new CacheWatches({
    clock: systemClock,
    group: () => null,
    epoch: () => 0,
    machine: () => null,
  });
  const leaving = new AbortController();
  const told = Array.fromAsync(
    watches.watch({
      cache: "c",
      since: { epoch: 0, index: 0 },
      signal: leaving.signal,
    }),
  );
  leaving.abort();
  assert.deepEqual(await told, []);
});

Deno.test("a watch that is ahead of its member by little goes on without a reset", async () => {
  await using members = await CacheMembers.started(1);
  const cache = members.client(1).cache("c");
  const [epoch, version] = (await cache.put("k", 1)).split("-").map(Number);
  const since = `${epoch}-${version! / 65_536 + 2}`;
  const told = collect(cache.watch({ since }), ({ kind }) => kind === "put");
  for (const n of [2, 3, 4]) await cache.put("k", n);
  assert.deepEqual(await told, ["k=4"]);
});

Deno.test("a member takes a thousand watches, and more when some have ended", async () => {
  await using members = await CacheMembers.started(1);
  const { caches } = members.cluster.node(1);
  const aborting = new AbortController();
  const watches = await Promise.all(
    Array.from({ length: 1_000 }, async (_, i) => {
      const { signal } = aborting;
      const watch = caches.watch({ cache: "c", ...(i === 0 ? { signal } : {}) })
        [Symbol.asyncIterator]();
      await watch.next();
      return watch;
    }),
  );
  const one = () => caches.watch({ cache: "c" })[Symbol.asyncIterator]();
  assert.throws(one, {
    code: "overloaded",
    message: /^There are 1000 watches at this member/,
  });
  // One that nobody asks for more, and one that is left.
  aborting.abort();
  await watches[1]!.return!();
  for (let i = 0; i < 2; i++) await one().next();
  assert.throws(one, { code: "overloaded" });
});

Deno.test("watches are given the same event only if they share it", async () => {
  await using members = await CacheMembers.started(1);
  const { caches } = members.cluster.node(1);
  const cache = members.client(1).cache("c");
  await cache.put("k", "v");
  const told = async (shared: boolean) => {
    const watch = caches.watch({ cache: "c", shared })[Symbol.asyncIterator]();
    await watch.next();
    const { value } = await watch.next();
    assert.equal(value.kind, "entry");
    await watch.return!();
    return value;
  };
  const first = await told(true);
  assert.equal(await told(true), first);
  assert.notEqual(await told(false), first);
  await cache.put("k", "w");
  assert.notEqual(await told(true), first);
});
