import assert from "node:assert/strict";
import { type Client, ref, type TopicUpdate } from "../../src/client/remote.ts";
import { HiqliteError } from "../../src/errors.ts";

/** What every client promises of topics. */
export interface TopicCase {
  readonly title: string;
  run(db: Client): Promise<void>;
}

/** The next `count` updates. */
async function take(
  stream: AsyncIterable<TopicUpdate>,
  count: number,
): Promise<TopicUpdate[]> {
  const updates: TopicUpdate[] = [];
  for await (const update of stream) {
    updates.push(update);
    if (updates.length === count) break;
  }
  return updates;
}

/** Events as `topic=data`. */
function shown(updates: readonly TopicUpdate[]): string[] {
  return updates.map((update) =>
    update.kind === "event"
      ? `${update.topic}=${JSON.stringify(update.data)}`
      : update.kind
  );
}

/** The cases. */
export function topicContract(): TopicCase[] {
  return [
    {
      title:
        "what is published after a listener has started is heard, in order and once",
      async run(db) {
        const stream = db.listen({ topics: ["a", "b.*"] });
        const started = await stream.started();
        const first = await db.notify("a", "one");
        await db.notify("c", "not heard");
        await db.notify("b.x", { n: 2 });
        const updates = await take(stream, 2);
        assert.deepEqual(shown(updates), ['a="one"', 'b.x={"n":2}']);
        assert.equal(updates[0]!.id, first.id);
        assert.match(started, /^[0-9a-f]{12}-\d+-\d+$/);
      },
    },
    {
      title: "data is what it was: text, bytes, and what JSON can say",
      async run(db) {
        const stream = db.listen({ topics: ["data"] });
        await stream.started();
        const values = [
          "text",
          "",
          new Uint8Array([0, 255]),
          { a: [1, null, "x\ny"] },
          7.5,
          null,
          true,
          [],
          { $blob: "AA==" },
          { $json: "1" },
          { $ref: { statement: 0, column: 0 } },
        ];
        for (const value of values) await db.notify("data", value);
        const updates = await take(stream, values.length);
        assert.deepEqual(
          updates.map((update) => update.kind === "event" && update.data),
          values,
        );
      },
    },
    {
      title:
        "a listener goes on after the id that it is given, in the middle of an entry too",
      async run(db) {
        const { id } = await db.notify("r", 0);
        const notify = [1, 2, 3].map((data) => ({ topic: "r", data }));
        await db.txn(["SELECT 1"], { notify });
        const all = await take(db.listen({ topics: ["r"], since: id }), 3);
        assert.deepEqual(shown(all), ["r=1", "r=2", "r=3"]);
        const since = all[1]!.id;
        const rest = await take(db.listen({ topics: ["r"], since }), 1);
        assert.deepEqual(rest, [all[2]]);
        const oldest = db.listen({ topics: ["r"], since: "oldest" });
        assert.deepEqual(shown(await take(oldest, 2)), ["r=0", "r=1"]);
      },
    },
    {
      title:
        "a transaction publishes with what its statements returned, and nothing if it is refused",
      async run(db) {
        await db.execute(
          "CREATE TABLE IF NOT EXISTS tx (id INTEGER PRIMARY KEY, v UNIQUE)",
        );
        const stream = db.listen({ topics: ["tx"] });
        await stream.started();
        const insert = "INSERT INTO tx (v) VALUES (?) RETURNING v";
        const notify = [{ topic: "tx", data: ref(0, "v") }];
        await db.txn([{ sql: insert, params: ["a"] }], { notify });
        await assert.rejects(
          db.txn([{ sql: insert, params: ["b"] }, {
            sql: insert,
            params: ["a"],
          }], { notify }),
          { code: "constraint" },
        );
        await assert.rejects(
          db.execute("INSERT INTO tx (v) VALUES ('a')", [], {
            notify: [{ topic: "tx", data: "no" }],
          }),
          { code: "constraint" },
        );
        await db.execute("INSERT INTO tx (v) VALUES ('c')", [], {
          notify: [{ topic: "tx", data: "c" }],
        });
        await db.executeReturning(insert, ["d"], { notify });
        assert.deepEqual(shown(await take(stream, 3)), [
          'tx="a"',
          'tx="c"',
          'tx="d"',
        ]);
      },
    },
    {
      title: "a trigger announces the changes of its table",
      async run(db) {
        await db.batch(`
          CREATE TABLE orders (id INTEGER PRIMARY KEY, what TEXT);
          CREATE TRIGGER told AFTER INSERT ON orders BEGIN
            SELECT hql_notify('orders.new', json_object('id', NEW.id, 'what', NEW.what), 'json');
          END;
        `);
        const stream = db.listen({ topics: ["orders.*"] });
        await stream.started();
        await db.execute("INSERT INTO orders VALUES (1, 'tea')");
        assert.deepEqual(shown(await take(stream, 1)), [
          'orders.new={"id":1,"what":"tea"}',
        ]);
      },
    },
    {
      title: "a notification that is sent twice with one key is published once",
      async run(db) {
        const stream = db.listen({ topics: ["twice"] });
        await stream.started();
        const idempotencyKey = crypto.randomUUID();
        const one = await db.notify("twice", 1, { idempotencyKey });
        const again = await db.notify("twice", 1, { idempotencyKey });
        assert.deepEqual(again, one);
        await db.notify("twice", 2);
        assert.deepEqual(shown(await take(stream, 2)), ["twice=1", "twice=2"]);
      },
    },
    {
      title:
        "a place of another history, or one that was never reached, is a reset that says where it goes on",
      async run(db) {
        const { id } = await db.notify("here", 1);
        const [epoch, index, number] = id.split("-");
        for (
          const since of [
            `000000000000-${index}-${number}`,
            `${epoch}-${Number(index) + 1_000_000}-${number}`,
            `${epoch}-${index}-${Number(number) + 1000}`,
          ]
        ) {
          const signal = AbortSignal.timeout(20_000);
          const reset = await take(
            db.listen({ topics: ["here"], since, signal }),
            1,
          );
          assert.equal(reset[0]?.kind, "reset", since);
          assert.equal(reset[0].from, since);
          const next = db.listen({ topics: ["here"], since: reset[0].id });
          await db.notify("here", since);
          assert.deepEqual(shown(await take(next, 1)), [`here="${since}"`]);
        }
      },
    },
    {
      title: "aborting ends a listener that waits, without an error",
      async run(db) {
        const ended = new AbortController();
        const stream = db.listen({ topics: ["quiet"], signal: ended.signal });
        await stream.started();
        const heard = take(stream, 1);
        ended.abort();
        assert.deepEqual(await heard, []);
      },
    },
    {
      title: "wrong topics, places and data are refused in words",
      async run(db) {
        const invalid = (message: RegExp) => (error: unknown): true => {
          assert.ok(error instanceof HiqliteError, String(error));
          assert.equal(error.code, "invalid");
          assert.match(error.message, message);
          return true;
        };
        assert.throws(
          () => db.listen({ topics: [] }),
          invalid(/1 to 100 topics/),
        );
        assert.throws(
          () => db.listen({ topics: ["a b"] }),
          invalid(/not a topic: "a b"/),
        );
        assert.throws(
          () => db.listen({ topics: ["a"], since: "7" }),
          invalid(/since: expected the id of an event/),
        );
        await assert.rejects(
          db.notify("a b", 1),
          invalid(/Not a topic: "a b"/),
        );
        await assert.rejects(
          db.notify("a", undefined as never),
          invalid(/undefined/),
        );
        await assert.rejects(
          db.notify("a", "x".repeat(256 * 1024 + 1)),
          { code: "too_large", message: /262145 bytes, the limit is 262144/ },
        );
      },
    },
  ];
}
