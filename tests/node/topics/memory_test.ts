import assert from "node:assert/strict";
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import type { LocalClient } from "../../../src/client/local.ts";
import { createApp } from "../../../src/server/app.ts";
import { TableEvents } from "../../../src/node/services/topics/table_events.ts";
import { Ear, publish, withMember } from "./heard.ts";

const SECRET = "api-secret-0123456789";
/** HQL_TEST_EVENTS=1000000 is the whole of it: `deno task test:events`. */
const EVENTS = Number(Deno.env.get("HQL_TEST_EVENTS") ?? 40_000);
/** Each time these are published, an entry. */
const ENTRY = 500;
/** What a listener may cost, with all that is kept for listeners. */
const BYTES_MAX = 32 * 1024 * 1024;

/** Bytes that are in use, without what is to be collected. */
function held(): number {
  collect();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

v8.setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** A client that asks for events and takes nothing of the answer. */
async function deaf(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const lines = [
    "GET /api/v1/listen?topics=t HTTP/1.1",
    "host: 127.0.0.1",
    `x-api-secret: ${SECRET}`,
    "",
    "",
  ];
  await connection.write(new TextEncoder().encode(lines.join("\r\n")));
  return connection;
}

/** The log keeps 32 MiB of its latest entries in memory, whoever listens: from then on nothing grows by that. */
async function fillLog(db: LocalClient): Promise<void> {
  const texts = Array.from({ length: 15 }, () => "y".repeat(250_000));
  for (let i = 0; i < 10; i++) await publish(db, "fill", ...texts);
}

Deno.test(`listeners that never read ${EVENTS} events cost less than 32 MiB, and others hear everything meanwhile`, async () => {
  await withMember(async (db) => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      createApp(db.member, { secretApi: SECRET }).fetch,
    );
    await fillLog(db);
    const body = "x".repeat(20);
    const texts = Array.from({ length: ENTRY }, (_, i) => `${i}${body}`);
    const round = async (ear: Ear): Promise<void> => {
      const [ids] = await Promise.all([
        publish(db, "t", ...texts),
        ear.take(ENTRY),
      ]);
      assert.equal(ids.length, ENTRY);
    };
    const reading = new Ear(db.member.topics.listen({ topics: ["t"] }));
    for (let i = 0; i < 20; i++) await round(reading);
    const since = (await publish(db, "t", "mark"))[0]!;
    await reading.take(1);
    const never = new Ear(db.member.topics.listen({ topics: ["t"], since }));
    const sockets = await Promise.all(
      Array.from({ length: 20 }, () => deaf(server.addr.port)),
    );
    const before = held();
    for (let done = 0; done < EVENTS; done += ENTRY) await round(reading);
    const grown = held() - before;
    assert.ok(grown < BYTES_MAX, `${(grown / 2 ** 20).toFixed(1)} MiB`);
    assert.equal(db.member.topics.report().listeners, 21);
    const lagged = await never.next();
    assert.equal(lagged.kind, "lagged");
    assert.equal(lagged.from, since);
    assert.equal(lagged.missed, Math.ceil(EVENTS / ENTRY) * ENTRY - 10_000);
    for (const socket of sockets) socket.close();
    await server.shutdown();
  });
});

/** Clients that begin with what is kept, and leave the first event half read. */
const DEAF = 120;
const LARGE = 12;
const LARGE_BYTES = 200_000;
/** All events as they are, their texts in base64, and as much as that for what has nothing to do with them. */
const SHARED_BYTES_MAX = LARGE * LARGE_BYTES * 4;

Deno.test("what is read by several is one object, and is forgotten with the last of them", async () => {
  const shared = new TableEvents("0123456789ab");
  const read = (number: number) =>
    shared.of({
      number,
      index: 7,
      topic: "t",
      data: { kind: "text", bytes: new Uint8Array(number) },
    });
  const kept = read(1);
  assert.equal(read(1).message, kept.message);
  assert.equal(kept.message.id, "0123456789ab-7-1");
  for (let number = 2; number < 1_000; number++) read(number);
  for (let turn = 0; shared.size > 1; turn++) {
    assert.ok(turn < 500, `${shared.size} are remembered`);
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  assert.equal(read(1).message, kept.message);
});

Deno.test("many who keep large events unread keep each of them once", async () => {
  await withMember(async (db) => {
    const app = createApp(db.member, { secretApi: SECRET });
    for (let n = 0; n < LARGE; n++) {
      const bytes = new Uint8Array(LARGE_BYTES).fill(n);
      const data = { kind: "bytes", bytes } as const;
      await db.member.topics.notify({ notices: [{ topic: "t", data }] });
    }
    const before = held();
    const bodies = [];
    for (let n = 0; n < DEAF; n++) {
      const response = await app.request(
        "/api/v1/listen?topics=t&since=oldest",
        { headers: { "x-api-secret": SECRET } },
      );
      const reader = response.body!.getReader();
      // They stand at different events, each in the middle of one.
      const behind = n % LARGE;
      for (let taken = 0; taken <= behind * LARGE_BYTES * 4 / 3;) {
        taken += (await reader.read()).value!.length;
      }
      bodies.push(reader);
    }
    const grown = held() - before;
    const said = `${(grown / 2 ** 20).toFixed(1)} MiB`;
    assert.ok(grown < SHARED_BYTES_MAX, said);
    assert.equal(db.member.topics.report().listeners, DEAF);
    for (const body of bodies) await body.cancel();
  });
});
