import assert from "node:assert/strict";
import type { ChangesRequest, TableChange } from "../../../src/node/port.ts";
import { LatestChanges } from "../../../src/node/services/live/latest_changes.ts";
import { FakeGroup, Told } from "./live_feed.ts";

function text({ index, tables, schema, reset }: TableChange): string {
  return [
    index,
    ...reset ? ["reset"] : [],
    ...schema && !reset ? ["schema"] : [],
    ...tables,
  ].join(" ");
}

/** Reads a listener step by step. */
function listen(on: FakeGroup, request: ChangesRequest = {}) {
  const controller = new AbortController();
  const changes = on.following.changes({
    signal: controller.signal,
    ...request,
  });
  const iterator = changes[Symbol.asyncIterator]();
  const told = new Told(iterator, text);
  return {
    changes,
    next: () => told.next(),
    none: () => told.none(),
    end: async () => {
      controller.abort();
      await iterator.return!();
    },
  };
}

Deno.test("changes() tells what comes after the call, also if it is read later", async () => {
  const on = new FakeGroup(5);
  on.apply(["old"]);
  const all = listen(on);
  assert.deepEqual(all.changes.place, { history: on.history, index: 6 });
  on.apply(["B", "a"]);
  assert.equal(await all.next(), "7 B a");
  await all.none();
  on.apply();
  on.apply(["a"]);
  assert.equal(await all.next(), "9 a");
  assert.deepEqual(all.changes.place, { history: on.history, index: 9 });
  await all.end();
  assert.equal(on.following.counts.listeners, 0);
});

Deno.test("changes() tells nothing that was answered before it, also if it comes into the state later", async () => {
  const on = new FakeGroup(5);
  on.group.answered = 7;
  const all = listen(on);
  assert.deepEqual(all.changes.place, { history: on.history, index: 7 });
  await all.none();
  on.apply(["a"]);
  on.apply(["b"]);
  await all.none();
  assert.deepEqual(all.changes.place, { history: on.history, index: 7 });
  on.apply(["c"]);
  assert.equal(await all.next(), "8 c");
  await all.end();
});

Deno.test("changes() tells of wanted tables alone, in any case of ASCII letters", async () => {
  const on = new FakeGroup();
  const some = listen(on, { tables: ["NOTE", "Ärger"] });
  await some.none();
  on.apply(["other"]);
  on.apply(["note", "other"]);
  assert.equal(await some.next(), "2 note");
  on.apply(["ärger"]);
  on.apply(["Ärger"]);
  assert.equal(await some.next(), "4 Ärger");
  on.apply(["other"], true);
  await some.none();
  assert.equal(some.changes.place!.index, 5);
  on.apply(["note"], true);
  on.apply(["note"]);
  assert.equal(await some.next(), "7 schema note");
  on.apply(["note"]);
  assert.equal(await some.next(), "8 note");
  await some.end();
});

Deno.test("changes() makes one of all that a slow listener missed, however much that is", async () => {
  const on = new FakeGroup(0, { events: 10, bytes: 100_000 });
  const slow = listen(on);
  on.apply(["first"]);
  assert.equal(await slow.next(), "1 first");
  for (let i = 0; i < 1_000; i++) {
    on.apply([`t${i % 3}`]);
    // The events are read as they come, whoever is slow.
    if (i % 5 === 0) await Promise.resolve();
  }
  assert.equal(await slow.next(), "1001 t0 t1 t2");
  await slow.none();
  await slow.end();
});

Deno.test("changes() forgets tables that changed long ago, and says so", async () => {
  const on = new FakeGroup();
  const slow = listen(on);
  on.apply(["first"]);
  assert.equal(await slow.next(), "1 first");
  for (let i = 0; i < 10_000; i++) {
    on.apply([`t${i}`]);
    if (i % 100 === 0) await Promise.resolve();
  }
  assert.match(await slow.next(), /^10001 reset$/);
  await slow.none();
  await slow.end();
});

Deno.test("changes() goes on from an index or a place, as far as events are kept", async () => {
  const { history } = new FakeGroup();
  for (
    const [since, expected] of [
      [10, "14 t0 t1 t2 t3"],
      [{ history, index: 12 }, "14 t2 t3"],
      [14, "nothing"],
      [9, "14 reset"],
      [{ history: "another", index: 12 }, "14 reset"],
    ] as const
  ) {
    const on = new FakeGroup(10, { events: 4, bytes: 100_000 });
    for (let i = 0; i < 4; i++) on.apply([`t${i}`]);
    const from = listen(on, { since });
    // Not yet where the member is.
    assert.equal(
      from.changes.place!.index,
      typeof since === "number" ? since : since.index,
    );
    if (expected === "nothing") await from.none();
    else assert.equal(await from.next(), expected, JSON.stringify(since));
    on.apply(["new"]);
    assert.equal(await from.next(), "15 new");
    await from.end();
  }
});

Deno.test("changes() waits for a place that this member has not reached, and tells a reset if it never does", async () => {
  const on = new FakeGroup(3);
  const ahead = listen(on, { since: 5 });
  await ahead.none();
  on.apply(["a"]);
  on.apply(["b"]);
  on.apply(["c"]);
  // What was applied up to the place had been told already.
  assert.equal(await ahead.next(), "6 c");
  await ahead.end();
  const late = listen(on, { since: 7 });
  // It is committed, and not applied for longer than others wait.
  on.group.core.commit = 9;
  await new Promise((resolve) => setTimeout(resolve, 3_500));
  await late.none();
  on.apply(["a"]);
  on.apply(["d"]);
  assert.equal(await late.next(), "8 d");
  await late.end();
  const never = listen(on, { since: 100 });
  const begun = performance.now();
  assert.equal(await never.next(), "8 reset");
  assert.ok(performance.now() - begun > 2_500);
  await never.end();
});

Deno.test("changes() tells a reset after a snapshot, and when the member was rebuilt", async () => {
  const on = new FakeGroup();
  const some = listen(on, { tables: ["t"] });
  on.apply(["t"]);
  assert.equal(await some.next(), "1 t");
  on.group.events.jump(50);
  assert.equal(await some.next(), "50 reset");
  on.apply(["t"]);
  assert.equal(await some.next(), "51 t");
  await some.none();
  on.rebuild(20);
  assert.equal(await some.next(), "20 reset");
  on.apply(["t"]);
  assert.equal(await some.next(), "21 t");
  await some.end();
});

Deno.test("changes() ends with its signal, and fails when the member stops", async () => {
  const on = new FakeGroup();
  const controller = new AbortController();
  const one = listen(on, { signal: controller.signal });
  await one.none();
  assert.equal(on.following.counts.listeners, 1);
  controller.abort();
  assert.equal(on.following.counts.listeners, 0);
  assert.equal(await one.next(), "end");
  const other = listen(on);
  await other.none();
  on.following.close();
  await assert.rejects(other.next(), { code: "shutting_down" });
  assert.equal(on.following.counts.listeners, 0);
});

Deno.test("changes() refuses too many names, and too many listeners", async () => {
  const on = new FakeGroup();
  for (const tables of [[], Array.from({ length: 1_001 }, () => "t")]) {
    assert.throws(() => on.following.changes({ tables }), {
      code: "invalid",
      message: /expected 1 to 1000 names, got/,
    });
  }
  const controller = new AbortController();
  const { signal } = controller;
  const reads = Array.from(
    { length: 1_000 },
    () => on.following.changes({ signal })[Symbol.asyncIterator]().next(),
  );
  await Promise.resolve();
  assert.throws(() => on.following.changes({}), {
    code: "overloaded",
    message: /1000 listeners/,
  });
  controller.abort();
  await Promise.all(reads);
  assert.equal(on.following.counts.listeners, 0);
});

Deno.test("nobody reads the events while nobody follows them", async () => {
  const on = new FakeGroup();
  let listeners = 0;
  const { events } = on.group;
  const { listen: real } = events;
  events.listen = (wake) => {
    listeners++;
    const end = real.call(events, wake);
    return () => {
      listeners--;
      end();
    };
  };
  on.following.changes({});
  assert.equal(listeners, 0);
  const one = listen(on);
  const two = listen(on);
  await one.none();
  await two.none();
  assert.equal(listeners, 1);
  on.apply(["t"]);
  assert.equal(await one.next(), "1 t");
  assert.equal(await two.next(), "1 t");
  await one.end();
  await two.end();
  assert.equal(listeners, 0);
});

Deno.test("LatestChanges tells when what depends on tables, on all or on the schema may be another", () => {
  const on = new FakeGroup(10);
  const latest = new LatestChanges(10);
  const cursor = on.group.events.cursor();
  on.apply(["A", "b"]);
  on.apply(["c"]);
  assert.deepEqual(latest.read(cursor), new Set(["a", "b", "c"]));
  assert.equal(latest.lastAfter(10, ["a"]), 11);
  assert.equal(latest.lastAfter(11, ["a"]), 0);
  assert.equal(latest.lastAfter(11, ["a", "c"]), 12);
  assert.equal(latest.lastAfter(11, ["none"]), 0);
  assert.equal(latest.lastAfter(11, null), 12);
  assert.equal(latest.lastAfter(9, ["none"]), 12);
  on.apply(["other"], true);
  assert.equal(latest.read(cursor), null);
  assert.equal(latest.lastAfter(12, ["none"]), 13);
  assert.equal(latest.lastAfter(13, null), 0);
});
