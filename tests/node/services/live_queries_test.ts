import assert from "node:assert/strict";
import type { LiveEvent, LiveRequest } from "../../../src/node/port.ts";
import { FakeGroup, Told } from "./live_feed.ts";

const SQL = "SELECT rows";

function text(event: LiveEvent): string {
  return event.kind === "rows"
    ? `${event.place.index}: ${event.result.rows}`
    : `${event.place.index} same`;
}

/** Reads a live query step by step. */
function follow(on: FakeGroup, request: Partial<LiveRequest> = {}) {
  const controller = new AbortController();
  const iterator = on.following.query({
    sql: SQL,
    minIntervalMs: 0,
    signal: controller.signal,
    ...request,
  })[Symbol.asyncIterator]();
  const told = new Told(iterator, text);
  return {
    next: () => told.next(),
    none: () => told.none(),
    end: async () => {
      controller.abort();
      await iterator.return!();
    },
  };
}

Deno.test("query() tells the rows first, then again when a table changed and they are others", async () => {
  const on = new FakeGroup(3);
  const live = follow(on);
  assert.equal(await live.next(), "3: 0");
  on.apply(["other"]);
  await live.none();
  assert.deepEqual(on.runs, [3]);
  on.rows = "1";
  on.apply(["T"]);
  assert.equal(await live.next(), "5: 1");
  on.apply(["t"]);
  await live.none();
  assert.deepEqual(on.runs, [3, 5, 6]);
  on.rows = "2";
  on.apply(["other"], true);
  assert.equal(await live.next(), "7: 2");
  on.rows = "3";
  on.group.events.jump(20);
  assert.equal(await live.next(), "20: 3");
  await live.end();
  assert.deepEqual(on.following.counts, { listeners: 0, queries: 0, runs: 5 });
});

Deno.test("query() depends on what its last run read, and on everything if that cannot be said", async () => {
  const on = new FakeGroup();
  const live = follow(on);
  assert.equal(await live.next(), "0: 0");
  on.tables = null;
  on.apply(["x"], true);
  await live.none();
  on.rows = "1";
  on.apply(["whatever"]);
  assert.equal(await live.next(), "2: 1");
  await live.end();
});

Deno.test("query() misses nothing that comes while it runs, and has one run under way", async () => {
  const on = new FakeGroup();
  const live = follow(on);
  assert.equal(await live.next(), "0: 0");
  const gate = Promise.withResolvers<void>();
  on.after = gate.promise;
  on.rows = "1";
  on.apply(["t"]);
  await live.none();
  assert.deepEqual(on.runs, [0, 1]);
  for (let i = 0; i < 100; i++) {
    on.rows = `${i + 2}`;
    on.apply(["t"]);
    await Promise.resolve();
  }
  gate.resolve();
  on.after = null;
  assert.equal(await live.next(), "1: 1");
  assert.equal(await live.next(), "101: 101");
  await live.none();
  assert.deepEqual(on.runs, [0, 1, 101]);
  assert.equal(on.runningMost, 1);
  await live.end();
});

Deno.test("query() of a slow consumer runs when it asks, and tells the latest state", async () => {
  const on = new FakeGroup();
  const live = follow(on);
  assert.equal(await live.next(), "0: 0");
  for (let i = 1; i <= 50; i++) {
    on.rows = `${i}`;
    on.apply(["t"]);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  assert.deepEqual(on.runs, [0]);
  assert.equal(await live.next(), "50: 50");
  assert.deepEqual(on.runs, [0, 50]);
  await live.end();
});

Deno.test("query() waits from one run to the next, and then shows the latest", async () => {
  const on = new FakeGroup();
  const live = follow(on, { minIntervalMs: 1_000 });
  assert.equal(await live.next(), "0: 0");
  on.rows = "1";
  on.apply(["t"]);
  await live.none();
  on.rows = "2";
  on.apply(["t"]);
  assert.equal(await live.next(), "2: 2");
  assert.deepEqual(on.runs, [0, 2]);
  await live.end();
});

Deno.test("those who ask the same share a run, if it began after what woke them", async () => {
  const on = new FakeGroup();
  const all = Array.from({ length: 20 }, () => follow(on));
  const nextOfAll = () => Promise.all(all.map((live) => live.next()));
  const gate = Promise.withResolvers<void>();
  on.before = gate.promise;
  const first = nextOfAll();
  await new Promise((resolve) => setTimeout(resolve, 5));
  on.before = null;
  gate.resolve();
  assert.deepEqual(await first, all.map(() => "0: 0"));
  assert.deepEqual(on.runs, [0]);
  const second = nextOfAll();
  await Promise.resolve();
  on.rows = "1";
  on.apply(["t"]);
  assert.deepEqual(await second, all.map(() => "1: 1"));
  assert.deepEqual(on.runs, [0, 1]);
  // One run that began before the last change is under way when the others hear of that one.
  const held = Promise.withResolvers<void>();
  on.after = held.promise;
  on.rows = "2";
  on.apply(["t"]);
  const [ahead, ...others] = all;
  const early = ahead!.next();
  await new Promise((resolve) => setTimeout(resolve, 5));
  on.after = null;
  on.rows = "3";
  on.apply(["t"]);
  const late = Promise.all(others.map((live) => live.next()));
  await new Promise((resolve) => setTimeout(resolve, 5));
  held.resolve();
  assert.equal(await early, "2: 2");
  assert.deepEqual(await late, others.map(() => "3: 3"));
  assert.equal(on.runningMost, 1);
  for (const live of all) await live.end();
  assert.equal(on.following.counts.queries, 0);
});

Deno.test("two different queries run at a time, of those that can be killed one", async () => {
  for (const [guarded, most] of [[false, 2], [true, 1]] as const) {
    const on = new FakeGroup();
    on.before = new Promise((resolve) => setTimeout(resolve, 5));
    const all = Array.from(
      { length: 10 },
      (_, i) => follow(on, { sql: `SELECT ${i}`, guarded }),
    );
    assert.deepEqual(
      await Promise.all(all.map((live) => live.next())),
      all.map(() => "0: 0"),
    );
    assert.equal(on.runningMost, most);
    for (const live of all) await live.end();
  }
});

Deno.test("query() goes on from a position: the rows only if they are others", async () => {
  const on = new FakeGroup(7);
  const place = { history: on.history, index: 7 };
  const hash = "0".padStart(32, "0");
  const same = follow(on, { since: { place, hash } });
  assert.equal(await same.next(), "7 same");
  on.rows = "1";
  on.apply(["t"]);
  assert.equal(await same.next(), "8: 1");
  await same.end();
  const other = follow(on, { since: { place, hash } });
  assert.equal(await other.next(), "8: 1");
  await other.end();
  const ahead = follow(on, { since: { place: { ...place, index: 9 }, hash } });
  await ahead.none();
  on.rows = "2";
  on.apply();
  assert.equal(await ahead.next(), "9: 2");
  await ahead.end();
  const elsewhere = { place: { history: "another", index: 99 }, hash };
  const another = follow(on, { since: elsewhere });
  assert.equal(await another.next(), "9: 2");
  await another.end();
});

Deno.test("query() fails with its run, unless the member was rebuilt meanwhile", async () => {
  const on = new FakeGroup();
  const live = follow(on);
  assert.equal(await live.next(), "0: 0");
  const gate = Promise.withResolvers<void>();
  on.before = gate.promise;
  on.failure = new Error("The database is closed");
  on.rows = "1";
  on.apply(["t"]);
  await live.none();
  on.rebuild(40);
  const told = live.next();
  gate.resolve();
  on.before = null;
  await Promise.resolve();
  on.failure = null;
  assert.equal(await told, "40: 1");
  on.failure = new Error("no such table: t");
  on.apply(["t"]);
  await assert.rejects(live.next(), { message: "no such table: t" });
  assert.equal(on.following.counts.queries, 0);
});

Deno.test("query() ends with its signal, also in a run, and fails when the member stops", async () => {
  const on = new FakeGroup();
  on.before = new Promise(() => {});
  const live = follow(on);
  await live.none();
  await live.end();
  assert.equal(await live.next(), "end");
  assert.equal(on.following.counts.queries, 0);
  const other = new FakeGroup();
  const open = follow(other);
  assert.equal(await open.next(), "0: 0");
  await open.none();
  other.following.close();
  await assert.rejects(open.next(), { code: "shutting_down" });
});

Deno.test("query() refuses what is too long, too many, or no interval", async () => {
  const on = new FakeGroup();
  const { following } = on;
  const sql = `SELECT '${"x".repeat(65_536)}'`;
  assert.throws(() => following.query({ sql }), {
    code: "too_large",
    message: /the limit is 65536/,
  });
  for (const minIntervalMs of [-1, 1.5, NaN, 3_600_001]) {
    assert.throws(() => following.query({ sql: SQL, minIntervalMs }), {
      code: "invalid",
      message: /minIntervalMs: expected an integer from 0 to 3600000/,
    });
  }
  const all = Array.from(
    { length: 1_000 },
    (_, i) => follow(on, { params: [i % 100] }),
  );
  const first = await Promise.all(all.map((live) => live.next()));
  assert.ok(first.every((told) => told === "0: 0"));
  assert.equal(on.following.counts.queries, 1_000);
  assert.throws(() => following.query({ sql: SQL, params: [1] }), {
    code: "overloaded",
    message: /1000 live queries/,
  });
  for (const live of all.splice(500)) await live.end();
  assert.throws(() => following.query({ sql: SQL, params: [100] }), {
    code: "overloaded",
    message: /100 different live queries/,
  });
  for (const live of all) await live.end();
  assert.equal(on.following.counts.queries, 0);
  const again = follow(on, { params: [100] });
  assert.equal(await again.next(), "0: 0");
  await again.end();
});

Deno.test("query() keeps a copy of its parameters", async () => {
  const on = new FakeGroup();
  const params = [1];
  const live = follow(on, { params });
  params[0] = 2;
  const other = follow(on, { params: [1] });
  assert.equal(await live.next(), "0: 0");
  assert.equal(await other.next(), "0: 0");
  await live.end();
  await other.end();
  assert.equal(on.following.counts.queries, 0);
});
