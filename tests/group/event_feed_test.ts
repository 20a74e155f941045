import assert from "node:assert/strict";
import { type EventCursor, EventFeed } from "../../src/group/event_feed.ts";
import type { StateEvents } from "../../src/state/port.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { listOf, Trio } from "../node/trio.ts";

/** One event for each of some entries. */
function eventsAt(...indexes: number[]): StateEvents {
  return listOf(
    indexes.map((index) => ({
      index,
      seq: 0,
      kind: "test",
      bytes: new Uint8Array(10),
    })),
  );
}

/** Everything a cursor has now: indexes of events, and gaps as text. */
function read(cursor: EventCursor): (number | string)[] {
  const items: (number | string)[] = [];
  for (let i = 0; i < 100_000; i++) {
    const item = cursor.next();
    if (item === null) return items;
    items.push(
      "gap" in item ? `${item.gap} ${item.from}-${item.to}` : item.index,
    );
  }
  assert.fail("the cursor never ends");
}

Deno.test("EventFeed gives each cursor the events after its place, in order, once", () => {
  const feed = new EventFeed(4);
  const [all, later] = [feed.cursor(), feed.cursor(7)];
  feed.append(eventsAt(5, 6, 6), 6);
  feed.append(eventsAt(), 7);
  assert.deepEqual(read(all), [5, 6, 6]);
  feed.append(eventsAt(8, 10), 11);
  assert.deepEqual(read(all), [8, 10]);
  assert.deepEqual(read(later), [8, 10]);
  assert.deepEqual(read(feed.cursor(5)), [6, 6, 8, 10]);
  assert.deepEqual(read(feed.cursor(8)), [10]);
  assert.deepEqual(read(feed.cursor()), []);
  assert.deepEqual([all, later].flatMap(read), []);
  assert.equal(feed.end, 11);
});

Deno.test("EventFeed tells who comes too late or reads too slowly what it missed", () => {
  const feed = new EventFeed(100, { events: 4, bytes: 1e9 });
  const [early, slow, fresh] = [
    feed.cursor(90),
    feed.cursor(100),
    feed.cursor(100),
  ];
  feed.append(eventsAt(101, 102), 103);
  assert.deepEqual(read(early), ["lagged 90-100", 101, 102]);
  assert.equal((slow.next() as { index: number }).index, 101);
  feed.append(eventsAt(104, 105), 106);
  feed.append(eventsAt(107), 108);
  assert.equal(feed.start, 103);
  // What it had begun to read it may end; nothing between was lost for it.
  assert.deepEqual(read(slow), [102, 104, 105, 107]);
  assert.deepEqual(read(fresh), ["lagged 100-103", 104, 105, 107]);
  feed.append(eventsAt(109, 110, 111, 112, 113), 113);
  assert.deepEqual(read(early), ["lagged 103-113"]);
  assert.deepEqual(read(slow), ["lagged 108-113"]);
  feed.append(eventsAt(114), 114);
  assert.deepEqual(read(slow), [114]);
});

Deno.test("EventFeed is bounded by bytes, whoever reads", () => {
  const feed = new EventFeed(0, { events: 1e9, bytes: 10 * (64 + 10) });
  const cursor = feed.cursor(0);
  for (let index = 1; index <= 1000; index++) {
    feed.append(eventsAt(index), index);
  }
  assert.equal(feed.start, 990);
  assert.equal(read(cursor).length, 11);
});

Deno.test("EventFeed tells once of a snapshot that took the place of entries", () => {
  const feed = new EventFeed(0);
  const cursor = feed.cursor();
  feed.append(eventsAt(1), 1);
  feed.jump(50);
  feed.append(eventsAt(51), 51);
  assert.deepEqual(read(cursor), [1, "jump 1-50", 51]);
  assert.deepEqual(read(feed.cursor(0)), [1, "jump 1-50", 51]);
  assert.deepEqual(read(feed.cursor(20)), ["jump 20-50", 51]);
  assert.deepEqual(read(feed.cursor(50)), [51]);
});

Deno.test("EventFeed wakes who listens, until they stop", () => {
  const feed = new EventFeed(0);
  let woken = 0;
  const stop = feed.listen(() => void woken++);
  feed.append(eventsAt(1), 1);
  feed.append(eventsAt(), 2);
  feed.jump(9);
  stop();
  feed.append(eventsAt(10), 10);
  assert.equal(woken, 2);
});

Deno.test("EventFeed loses nothing silently, whatever comes and however one reads", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  for (let round = 0; round < 200; round++) {
    const feed = new EventFeed(0, { events: 1 + below(20), bytes: 2000 });
    const happened: number[] = [];
    const cursors = Array.from({ length: 3 }, () => feed.cursor(0));
    const seen = cursors.map(() => ({ at: 0, items: [] as number[] }));
    const readSome = (which: number, count: number): void => {
      const reader = seen[which]!;
      for (let i = 0; i < count; i++) {
        const item = cursors[which]!.next();
        if (item === null) return;
        const note = `seed ${seed}, round ${round}`;
        if ("gap" in item) {
          assert.ok(item.from >= reader.at && item.to > item.from, note);
          // Events before the gap must all have been seen.
          const between = happened.filter((index) =>
            index > reader.at && index <= item.from
          );
          assert.deepEqual(between, [], note);
          reader.at = item.to;
        } else {
          const next = happened.find((index) => index > reader.at);
          assert.equal(item.index, next, note);
          reader.at = item.index;
        }
      }
    };
    for (let step = 0; step < 100; step++) {
      const from = feed.end;
      if (below(20) === 0) feed.jump(from + 1 + below(5));
      else {
        const indexes = Array.from(
          { length: below(6) },
          (_, i) => from + 1 + i,
        );
        happened.push(...indexes);
        feed.append(eventsAt(...indexes), from + indexes.length + below(2));
      }
      readSome(below(3), below(12));
    }
    for (const which of seen.keys()) {
      readSome(which, 10_000);
      const rest = happened.filter((index) => index > seen[which]!.at);
      assert.deepEqual(rest, [], `seed ${seed}, round ${round}`);
    }
  }
});

Deno.test("all members tell of the same events in the same order; who gets a snapshot is told of the jump", () => {
  const trio = new Trio({
    retainEntries: 4,
    checkpointEntries: 8,
    checkpointBytes: 1e9,
  });
  const leader = trio.elect(0);
  const behind = trio.members[2]!;
  const cursors = trio.members.map(({ group }) => group.events.cursor(0));
  const woken = trio.members.map(() => 0);
  trio.members.forEach(({ group }, i) =>
    group.events.listen(() => void woken[i]!++)
  );
  trio.propose(leader, "a", "b");
  trio.run();
  trio.lose = (message) => message.to === behind.id;
  for (let i = 0; i < 60; i++) {
    trio.propose(leader, `item ${i} ${"-".repeat(9_999)}`);
    trio.run();
  }
  trio.lose = () => false;
  trio.tick(60);
  trio.propose(leader, "after");
  trio.run();
  trio.tick(10);
  assert.equal(behind.machine.installed, 1);
  const [ofLeader, ofFollower, ofBehind] = cursors.map(read);
  assert.equal(ofLeader!.length, 63);
  assert.deepEqual(ofFollower, ofLeader);
  const jump = ofBehind!.findIndex((item) => typeof item === "string");
  const [, from, to] = /^jump (\d+)-(\d+)$/.exec(String(ofBehind![jump]))!;
  const passed = ofLeader!.filter((index) =>
    Number(index) <= Number(from) || Number(index) > Number(to)
  );
  assert.deepEqual(ofBehind!.toSpliced(jump, 1), passed);
  assert.ok(passed.length < 63);
  assert.ok(woken.every((count) => count > 0));
});
