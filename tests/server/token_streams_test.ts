import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { eventStream } from "../../src/server/event_stream.ts";
import { HiqliteError } from "../../src/errors.ts";
import { within } from "../within.ts";
import { eventually } from "../client/eventually.ts";

const SECRET = "api-secret-0123456789";

/** Streams, and what they tell first. */
const STREAMS = [
  "listen?topics=t",
  "changes?table=t",
  "live?sql=SELECT%201",
  "cache/c?watch=",
];

/** The last event of what is read to its end. */
async function lastEvent(response: Response): Promise<string> {
  assert.equal(response.status, 200);
  const text = await response.text();
  return text.trimEnd().split("\n\n").at(-1)!;
}

function endEvent(message: string): string {
  return `event: hql:error\ndata: ${
    JSON.stringify({ error: { code: "unauthorized", message } })
  }`;
}

Deno.test("streams and waits end with the reason when their token is revoked or expires, and those with the secret go on", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const app = createApp(db.member, { secretApi: SECRET });
  const ask = async (
    secret: string,
    path: string,
    init: RequestInit = {},
  ) =>
    await app.request(`/api/v1/${path}`, {
      headers: { "x-api-secret": secret, "content-type": "application/json" },
      ...init,
    });
  const held = await db.lock("held");
  const body = JSON.stringify({ ttl_ms: 60_000, wait_ms: 600_000 });
  const waits: [string, RequestInit][] = [
    ["lock/held", { method: "POST", body }],
    ["locks/acquire", {
      method: "POST",
      body: body.replace("{", '{"name":"held",'),
    }],
    [`lock/held?unlike=${held.token}&wait_ms=60000`, {}],
  ];
  try {
    for (const ends of ["revoked", "expired"] as const) {
      const { id, token } = await db.tokens.create({
        name: ends,
        scope: "write",
        ...(ends === "revoked"
          ? {}
          : { expiresAt: new Date(Date.now() + 4_000) }),
      });
      const streams = await Promise.all(
        STREAMS.map((path) => ask(token, path)),
      );
      const told = streams.map(lastEvent);
      const waiting = waits.map(([path, init]) => ask(token, path, init));
      const other = (await ask(SECRET, "listen?topics=t")).body!.getReader();
      if (ends === "revoked") assert.equal(await db.tokens.revoke(id), true);
      const message = ends === "revoked"
        ? "There is no such token; it may have been revoked"
        : "The token has expired";
      const lasts = await within(30_000, "streams to end", Promise.all(told));
      for (const last of lasts) {
        assert.equal(last, endEvent(message));
      }
      const answers = await within(
        30_000,
        "waits to end",
        Promise.all(waiting),
      );
      for (const answer of answers) {
        assert.equal(answer.status, 401);
        assert.equal((await answer.json()).error.message, message);
      }
      // Nobody waits for the lock any more.
      await eventually(async () => {
        const [state] = await db.locks("held");
        assert.equal(state!.waiting, 0);
      });
      await db.notify("t", "heard");
      assert.match(await textUntil(other, "heard"), /event: t\n/);
      await other.cancel();
    }
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});

async function textUntil(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  wanted: string,
): Promise<string> {
  let text = "";
  while (!text.includes(wanted)) {
    const { done, value } = await reader.read();
    assert.ok(!done, "it ended");
    text += new TextDecoder().decode(value);
  }
  return text;
}

/** A stream of this text, then of nothing, and what ends it. */
function endable(text: string) {
  let end: (why: HiqliteError) => void = () => {};
  let watched = true;
  async function* told(): AsyncGenerator<{ text: string }> {
    yield { text };
    await new Promise(() => {});
  }
  const ended = new AbortController();
  const stream = eventStream({
    events: told(),
    ended,
    text: (event) => event.text,
    lasts: (given) => {
      end = given;
      return () => watched = false;
    },
  });
  return {
    reader: stream.getReader(),
    ended,
    end: () => end(new HiqliteError("unauthorized", "over")),
    get watched() {
      return watched;
    },
  };
}

Deno.test("a stream that is ended says why, but not in the middle of an event", async () => {
  const short = endable("data: 1\n\n");
  await short.reader.read();
  short.end();
  const { value } = await short.reader.read();
  assert.equal(new TextDecoder().decode(value).trimEnd(), endEvent("over"));
  assert.equal((await short.reader.read()).done, true);
  assert.ok(short.ended.signal.aborted);
  assert.ok(!short.watched);
  const long = endable(`data: ${"x".repeat(100_000)}\n\n`);
  assert.equal((await long.reader.read()).value!.length, 65_536);
  long.end();
  assert.equal((await long.reader.read()).done, true);
});

Deno.test("who leaves a stream is not watched any more", async () => {
  const stream = endable("data: 1\n\n");
  await stream.reader.read();
  assert.ok(stream.watched);
  await stream.reader.cancel();
  assert.ok(!stream.watched);
});
