import assert from "node:assert/strict";
import { parseEventId } from "../../../src/state/topics/event_id.ts";
import type { TopicMessage } from "../../../src/node/port.ts";
import { readEvents } from "../../../src/node/services/topics/event_table.ts";
import type { HiqliteNode } from "../../../src/node/node.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import { Ear, publish, short, withMember } from "./heard.ts";

const texts = (from: number, to: number): string[] =>
  Array.from({ length: to - from + 1 }, (_, i) => `${from + i}`);

Deno.test("a listener that reads later than the latest events are shared reads the rest from the state", async () => {
  await withMember(async (db) => {
    const ear = new Ear(db.member.topics.listen({ topics: ["t"] }));
    for (let i = 0; i < 6; i++) {
      await publish(db, "t", ...texts(1000 * i + 1, 1000 * i + 1000));
      await publish(db, "other", "x");
    }
    assert.deepEqual(await ear.take(6000), texts(1, 6000).map((n) => `t=${n}`));
    await publish(db, "t", "end");
    assert.deepEqual(await ear.take(1), ["t=end"]);
    assert.equal(db.member.topics.report().lagged, 0);
  });
});

Deno.test("a listener that is behind what is kept hears once how much it missed, and goes on with the oldest", async () => {
  await withMember(async (db) => {
    const [first] = await publish(db, "t", "0");
    const since = first!;
    const ear = new Ear(db.member.topics.listen({ topics: ["t"], since }));
    for (let i = 0; i < 12; i++) {
      await publish(db, "t", ...texts(1000 * i + 1, 1000 * i + 1000));
    }
    const lagged = await ear.next();
    assert.equal(lagged.kind, "lagged");
    assert.equal(lagged.from, since);
    assert.equal(lagged.missed, 2000);
    const event = await ear.next();
    assert.equal(short(event), "t=2001");
    assert.equal(lagged.oldest, event.id);
    assert.deepEqual(
      await ear.take(9999),
      texts(2002, 12_000).map((n) => `t=${n}`),
    );
    // Who goes on after what it was told of the gap does not hear of it again.
    const again = new Ear(
      db.member.topics.listen({ topics: ["t"], since: lagged.id }),
    );
    assert.deepEqual(await again.take(1), ["t=2001"]);
    assert.equal(db.member.topics.report().lagged, 1);
  });
});

Deno.test("a listener that waits for a rare topic misses nothing of others, however many there are", async () => {
  await withMember(async (db) => {
    const ear = new Ear(db.member.topics.listen({ topics: ["rare"] }));
    const next = ear.next();
    for (let i = 0; i < 12; i++) {
      await publish(db, "other", ...texts(1, 1000));
    }
    await publish(db, "rare", "x");
    assert.equal(short(await next), "rare=x");
    assert.equal(db.member.topics.report().lagged, 0);
    await ear.end();
  });
});

Deno.test("where nothing is kept any more a page is empty, and says up to where", async () => {
  const machine = {
    retainedEvents: { first: 4, last: 3, before: 0, total: 0 },
    applied: { term: 1, index: 9 },
    query: () => Promise.resolve({ columns: [], rows: [] }),
  } as unknown as SqlMachine;
  assert.deepEqual(await readEvents(machine, 1), {
    events: [],
    upTo: 3,
    index: 9,
  });
  assert.deepEqual(await readEvents(machine, 3), {
    events: [],
    upTo: 3,
    index: 9,
  });
});

Deno.test("a page of the table is 64 KiB and one event long, and leaves nothing out", async () => {
  await withMember(async (db) => {
    const large = "x".repeat(200 * 1024);
    for (let i = 0; i < 3; i++) await publish(db, "t", "a", large, large, "b");
    const { machine } = (db.member as HiqliteNode).hosted(0)!.group!;
    const pages: number[] = [];
    for (let after = 0; after < 12;) {
      const page = await readEvents(machine as SqlMachine, after);
      assert.equal(page.events[0]?.number, after + 1);
      pages.push(page.events.length);
      after = page.upTo;
    }
    assert.deepEqual(pages, [1, 1, 3, 1, 3, 1, 2]);
  });
});

Deno.test("events with more data than a batch tells reach listeners from the table", async () => {
  await withMember(async (db) => {
    const ear = new Ear(db.member.topics.listen({ topics: ["t"] }));
    const large = Array.from(
      { length: 15 },
      (_, i) => `${i}`.padEnd(256 * 1024),
    );
    await publish(db, "t", ...large);
    await publish(db, "t", "end");
    const heard = await ear.take(16);
    assert.deepEqual(
      heard.map((text) => text.trim()),
      [...texts(0, 14), "end"].map((n) => `t=${n}`),
    );
  });
});

Deno.test("a listener is told its place at the start and when nothing else comes, and the place is fresh", async () => {
  await withMember(async (db) => {
    const [before] = await publish(db, "t", "before");
    const ear = new Ear(
      db.member.topics.listen({ topics: ["t"], placesMs: 20 }),
    );
    const start = await ear.next();
    assert.equal(start.kind, "place");
    assert.equal(
      parseEventId(start.id, "id").number,
      parseEventId(before!, "id").number,
    );
    const [other] = await publish(db, "other", "x");
    const places: TopicMessage[] = [];
    for (let i = 0; i < 100; i++) {
      const place = await ear.next();
      assert.equal(place.kind, "place");
      places.push(place);
      if (
        parseEventId(place.id, "id").number ===
          parseEventId(other!, "id").number
      ) break;
    }
    assert.ok(places.length < 100);
    const again = new Ear(
      db.member.topics.listen({ topics: ["*"], since: places.at(-1)!.id }),
    );
    await publish(db, "t", "after");
    assert.deepEqual(await again.take(1), ["t=after"]);
    await ear.end();
  });
});

Deno.test("listening and publishing at the same time loses nothing: what is after the place is heard", async () => {
  await withMember(async (db) => {
    for (let i = 0; i < 300; i++) {
      const notified = publish(db, "race", `${i}`);
      for (let turns = i % 17; turns > 0; turns--) await Promise.resolve();
      if (i % 5 === 0) {
        await new Promise((resolve) => setTimeout(resolve, i % 3));
      }
      const ear = new Ear(
        db.member.topics.listen({ topics: ["race"], placesMs: 60_000 }),
      );
      const start = await ear.next();
      const place = start.kind === "place"
        ? parseEventId(start.id, "id").number
        : 0;
      const [id] = await notified;
      if (parseEventId(id!, "id").number > place) {
        const event = start.kind === "place" ? await ear.next() : start;
        assert.equal(event.id, id);
      }
      await ear.end();
    }
  });
});

Deno.test("a member takes a thousand listeners, counts them, and forgets who ends or aborts", async () => {
  await withMember(async (db) => {
    const { topics } = db.member;
    const ended = new AbortController();
    const heard: Promise<IteratorResult<TopicMessage>>[] = [];
    for (let i = 0; i < 1000; i++) {
      const listener = topics.listen({ topics: ["t"], signal: ended.signal });
      heard.push(listener[Symbol.asyncIterator]().next());
    }
    assert.equal(topics.report().listeners, 1000);
    assert.throws(() => topics.listen({ topics: ["t"] }), {
      code: "overloaded",
      message: /There are 1000 listeners/,
    });
    await publish(db, "t", "all");
    const messages = await Promise.all(heard);
    assert.ok(messages.every(({ value }) => value === messages[0]!.value));
    ended.abort();
    assert.equal(topics.report().listeners, 0);
  });
});

Deno.test("what was published is there after a restart, and places of before go on", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    let since = "";
    await withMember(async (db) => {
      [since] = await publish(db, "t", "1") as [string];
      await publish(db, "t", "2");
    }, { dataDir: `${dataDir}/1` });
    await withMember(async (db) => {
      const ear = new Ear(db.member.topics.listen({ topics: ["t"], since }));
      assert.deepEqual(await ear.take(1), ["t=2"]);
      await publish(db, "t", "3");
      assert.deepEqual(await ear.take(1), ["t=3"]);
      const { published, retained, bytes } = db.member.topics.report();
      assert.deepEqual([published, retained, bytes], [3, 3, 3 * 66]);
      const metrics = await db.metrics();
      for (
        const line of [
          "hiqlite_events_published_total 3",
          "hiqlite_events_retained 3",
          "hiqlite_events_bytes 198",
          "hiqlite_event_listeners 1",
          "hiqlite_event_listeners_lagged_total 0",
        ]
      ) assert.ok(metrics.split("\n").includes(line), line);
      await ear.end();
    }, { dataDir: `${dataDir}/1` });
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
