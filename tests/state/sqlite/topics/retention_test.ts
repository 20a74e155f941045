import assert from "node:assert/strict";
import {
  EVENT_DATA_BYTES_MAX,
  RETENTION,
} from "../../../../src/state/topics/limits.ts";
import {
  readToldEvent,
  TOPIC_EVENT,
} from "../../../../src/state/topics/event.ts";
import { ByteReader } from "../../../../src/util/bytes.ts";
import { randomBetween, SeededRandom } from "../../../../src/util/random.ts";
import type { CommandBody } from "../../../../src/state/sql/types.ts";
import { Direct } from "../direct.ts";
import { test } from "../drivers.ts";
import { command, Subject } from "../subject.ts";
import type { Snapshot, SnapshotSink } from "../../../../src/state/port.ts";
import { settled } from "../../machine_calls.ts";
import { notify, published, stored, text } from "./published.ts";

/** Publishes `count` events of `bytes` bytes in one entry. */
function many(count: number, bytes: number): CommandBody {
  const data = text("x".repeat(bytes));
  return {
    kind: "notify",
    notices: Array.from({ length: count }, () => ({ topic: "t", data })),
  };
}

/** Makes a snapshot the state of another machine. */
async function install(target: Subject, snapshot: Snapshot): Promise<void> {
  const { machine } = target;
  const sink = await new Promise<SnapshotSink>((resolve, reject) =>
    machine.receive(
      snapshot.last,
      (error, sink) => error === null ? resolve(sink!) : reject(error),
    )
  );
  const chunk = await new Promise<Uint8Array>((resolve, reject) =>
    snapshot.read(
      0,
      snapshot.size,
      (error, bytes) => error === null ? resolve(bytes) : reject(error),
    )
  );
  await settled((done) => sink.write(chunk, done));
  await settled((done) => sink.finish(snapshot, done));
  await settled((done) => machine.install(snapshot.last, done));
}

test("more than ten thousand events are not kept: the oldest go with the entry that publishes", () => {
  using on = new Direct();
  for (let i = 0; i < 10; i++) on.run(many(1000, 1));
  assert.equal(on.applier.position.retained.first, 1);
  on.run(notify("a=1"));
  assert.equal(on.applier.position.retained.first, 2);
  on.run(many(1000, 1));
  const { first, last, before, total } = on.applier.position.retained;
  assert.deepEqual([first, last], [1002, 11_001]);
  assert.deepEqual(
    on.rows("SELECT min(n), max(n), count(*) FROM _hql_events"),
    [[
      first,
      last,
      RETENTION.events,
    ]],
  );
  assert.equal(total - before, RETENTION.events * 66);
});

test("more than 64 MiB of events are not kept", () => {
  using on = new Direct();
  const one = EVENT_DATA_BYTES_MAX + 64 + 1;
  const fit = Math.floor(RETENTION.bytes / one);
  for (let i = 0; i < fit; i++) on.run(many(1, EVENT_DATA_BYTES_MAX));
  assert.equal(on.applier.position.retained.first, 1);
  on.run(many(1, EVENT_DATA_BYTES_MAX));
  const { first, last, before, total } = on.applier.position.retained;
  assert.deepEqual([first, last], [2, fit + 1]);
  assert.equal(total - before, fit * one);
});

test("events that are an hour old by the cluster clock go, also when nobody publishes", () => {
  using on = new Direct();
  const at = (clockMs: number, body: Parameters<typeof command>[0]): void =>
    void on.batch([command(body, { clockMs })]);
  at(1_000, notify("a=1"));
  at(2_000, notify("b=1"));
  at(1_000 + RETENTION.ageMs - 1, { kind: "clock" });
  assert.deepEqual(published(on), ["a=1", "b=1"]);
  at(1_000 + RETENTION.ageMs, { kind: "clock" });
  assert.deepEqual(published(on), ["b=1"]);
  assert.equal(on.events.at(-1), "4.0 tables _hql_events");
  at(10 * RETENTION.ageMs, { kind: "clock" });
  assert.deepEqual(published(on), []);
  assert.deepEqual(on.applier.position.retained, {
    first: 3,
    last: 2,
    before: 132,
    total: 132,
  });
  at(10 * RETENTION.ageMs, notify("c=1"));
  assert.deepEqual(stored(on), ["3@6 c=1"]);
});

test("old events go two thousand an entry, so that no entry takes long", () => {
  using on = new Direct();
  for (let i = 0; i < 5; i++) on.run(many(1000, 1));
  const firsts = Array.from({ length: 4 }, () => {
    on.batch([command({ kind: "clock" }, { clockMs: RETENTION.ageMs })]);
    return on.applier.position.retained.first;
  });
  assert.deepEqual(firsts, [2001, 4001, 5001, 5001]);
});

test("what is kept does not depend on how entries were gathered, prepared or undone", () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  const random = new SeededRandom(seed);
  let clockMs = 0;
  const payloads = Array.from({ length: 120 }, () => {
    clockMs += randomBetween(random, 0, RETENTION.ageMs / 20);
    const count = randomBetween(random, 0, 400);
    const body = count === 0
      ? { kind: "clock" } as const
      : many(count, randomBetween(random, 0, 200));
    return command(body, { clockMs });
  });
  using alone = new Direct();
  for (const payload of payloads) alone.batch([payload]);
  using gathered = new Direct();
  for (let at = 0; at < payloads.length;) {
    const some = payloads.slice(at, at + 1 + randomBetween(random, 0, 8));
    if (randomBetween(random, 0, 2) === 0) gathered.batch(some);
    else {
      gathered.prepare(some);
      if (randomBetween(random, 0, 2) === 0) {
        gathered.rollbackPrepared();
        gathered.batch(some);
      } else gathered.commitPrepared();
    }
    at += some.length;
  }
  assert.deepEqual(
    gathered.applier.position.retained,
    alone.applier.position.retained,
    `seed ${seed}`,
  );
  assert.equal(gathered.dump(), alone.dump(), `seed ${seed}`);
});

test("events are there after a restart and on a member that had a snapshot, and go on with the next number", async () => {
  await using first = await Subject.open();
  await using second = await Subject.open();
  await first.apply(command(notify("a=1", "a=2")));
  await first.restart();
  assert.equal(first.machine.retainedEvents.last, 2);
  const snapshot = await first.snapshot();
  await install(second, snapshot);
  assert.deepEqual(second.machine.retainedEvents, first.machine.retainedEvents);
  const results = await second.run(notify("a=3"));
  assert.equal(results.results[0]?.lastInsertRowid, 3);
  assert.deepEqual(
    second.rows("SELECT n, topic, data FROM _hql_events"),
    [1, 2, 3].map((n) => [n, "a", new TextEncoder().encode(`${n}`)]),
  );
  snapshot.release();
});

test("a batch tells two mebibytes of data, and of the rest only that it is there", async () => {
  await using subject = await Subject.open();
  const entries = subject.entries(
    [many(9, EVENT_DATA_BYTES_MAX), notify("a=1")].map((body) => command(body)),
  );
  const events = await new Promise<string[]>((resolve, reject) =>
    subject.machine.apply(entries, false, (error, _, events) => {
      if (error !== null) return reject(error);
      const topics = [...events].filter(({ kind }) => kind === TOPIC_EVENT);
      resolve(topics.map((event) => {
        const { number, data } = readToldEvent(new ByteReader(event.bytes));
        return `${event.index}.${event.seq} ${number} ${data?.bytes.length}`;
      }));
    })
  );
  const told = Array.from(
    { length: 8 },
    (_, i) => `1.${i + 1} ${i + 1} 262144`,
  );
  assert.deepEqual(events, [...told, "1.9 9 undefined", "2.1 10 undefined"]);
});
