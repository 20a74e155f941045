import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { watchEventText } from "../../src/api/cache_events.ts";
import { errorEventText } from "../../src/api/server_event.ts";
import { watchStream } from "../../src/server/watch_stream.ts";
import type { CacheWatchEvent } from "../../src/node/port.ts";

const SECRET = "api-secret-0123456789";

/** Of a client that may hear as long as it likes. */
const forEver = () => () => {};

/** What a member does with a request for events: these chunks, or an error's status and code. */
type Script = readonly string[] | readonly [status: number, code: string];

/** Members that are asked for events, each with scripts; what was asked for. */
function members(scripts: Record<string, Script[]>) {
  const asked: string[] = [];
  const client = connect({
    urls: Object.keys(scripts),
    secret: SECRET,
    fetch: (input) => {
      const { hostname, pathname, search } = new URL(String(input));
      asked.push(`${hostname}${search}`);
      assert.equal(pathname, "/api/v1/cache/c");
      const script = scripts[hostname]!.shift();
      if (script === undefined) return Promise.reject(new TypeError("refused"));
      const [status, code] = script;
      if (typeof status === "number") {
        const error = { code, message: `because of ${code}` };
        return Promise.resolve(Response.json({ error }, { status }));
      }
      const encoder = new TextEncoder();
      return Promise.resolve(
        new Response(
          new ReadableStream({
            start(controller) {
              for (const chunk of script as string[]) {
                controller.enqueue(encoder.encode(chunk));
              }
              controller.close();
            },
          }),
        ),
      );
    },
  });
  return { client, asked };
}

const RESET = "id: 0-0\nevent: reset\ndata: {}\n\n";
const entry = (key: string): string =>
  `event: entry\ndata: {"key":"${key}","value":"v","version":65536,"ttl_ms":null,"epoch":1}\n\n`;
const position = (index: number): string =>
  `id: 1-${index}\nevent: position\ndata: {}\n\n`;

/** What a watch tells, until it told so much. */
async function told(
  { client }: ReturnType<typeof members>,
  count: number,
): Promise<string[]> {
  const heard: string[] = [];
  for await (const change of client.cache("c").watch({ prefix: "ä" })) {
    heard.push(
      change.kind === "put"
        ? change.key
        : change.kind === "position"
        ? change.position
        : change.kind,
    );
    if (heard.length === count) break;
  }
  await client.shutdown();
  return heard;
}

Deno.test("a watch goes on at the next member from the last position", async () => {
  const both = members({
    a: [[RESET, entry("k"), position(3), entry("l")]],
    b: [[entry("l"), position(4)]],
  });
  assert.deepEqual(await told(both, 6), ["reset", "k", "1-3", "l", "l", "1-4"]);
  assert.deepEqual(both.asked, [
    "a?watch=%c3%a4",
    "b?watch=%c3%a4&since=1-3",
  ]);
});

Deno.test("a watch that broke before its first position, or after a reset, begins anew", async () => {
  const both = members({
    a: [[RESET, entry("k")], [RESET, position(7)]],
    b: [[RESET, position(5), RESET]],
  });
  await told(both, 7);
  assert.deepEqual(both.asked, [
    "a?watch=%c3%a4",
    "b?watch=%c3%a4",
    "a?watch=%c3%a4",
  ]);
});

Deno.test("events may come in any pieces, with signs of life in between", async () => {
  const text = `${RESET}: \n\n${entry("ö")}: \n\n${position(3)}`;
  const one = members({ a: [[...text]] });
  assert.deepEqual(await told(one, 3), ["reset", "ö", "1-3"]);
});

Deno.test("a member that cannot answer now is left for the next one, an error that lasts ends the watch", async () => {
  const moving = members({
    a: [[503, "shutting_down"], [503, "no_leader"]],
    b: [[500, "internal"], [RESET]],
  });
  assert.deepEqual(await told(moving, 1), ["reset"]);
  assert.equal(moving.asked.length, 4);
  const lasting = members({ a: [[401, "unauthorized"]] });
  await assert.rejects(told(lasting, 1), {
    code: "unauthorized",
    message: "because of unauthorized",
  });
});

Deno.test("a watch ends when its client does", async () => {
  const { client } = members({ a: [[RESET]] });
  const watch = client.cache("c").watch();
  await watch.next();
  const next = watch.next();
  await client.shutdown();
  await assert.rejects(next, { code: "shutting_down" });
});

Deno.test("a stream whose client may hear no more ends with the reason, and nobody else is asked", async () => {
  const end = errorEventText({
    code: "unauthorized",
    message: "The token has expired",
  });
  const { client, asked } = members({
    a: [[RESET, end]],
    b: [[401, "forbidden"]],
  });
  const watch = client.cache("c").watch();
  await assert.rejects(async () => {
    for (;;) if ((await watch.next()).done) return;
  }, { code: "unauthorized", message: "The token has expired" });
  assert.equal(asked.length, 1);
  await client.shutdown();
});

Deno.test("a stream of events shows a sign of life while there is nothing to tell, and ends with the watch", async () => {
  const next = Promise.withResolvers<void>();
  async function* watch(): AsyncGenerator<CacheWatchEvent> {
    yield { kind: "reset" };
    await next.promise;
    throw new Error("the member stops");
  }
  const reader = watchStream(watch, watchEventText, forEver, 5).pipeThrough(
    new TextDecoderStream(),
  )
    .getReader();
  const chunk = async () => (await reader.read()).value;
  assert.equal(await chunk(), RESET);
  assert.equal(await chunk(), ": \n\n");
  assert.equal(await chunk(), ": \n\n");
  next.resolve();
  let last = await chunk();
  while (last === ": \n\n") last = await chunk();
  assert.equal(last, undefined);
});

Deno.test("who leaves a stream ends its watch", async () => {
  const ended = Promise.withResolvers<void>();
  async function* watch(signal: AbortSignal): AsyncGenerator<CacheWatchEvent> {
    signal.addEventListener("abort", () => ended.resolve());
    yield { kind: "reset" };
    await ended.promise;
  }
  const reader = watchStream(watch, watchEventText, forEver).getReader();
  await reader.read();
  await reader.cancel();
  await ended.promise;
});

Deno.test("who leaves an event half read is left, and its watch ends", async () => {
  const ended = Promise.withResolvers<void>();
  async function* watch(): AsyncGenerator<CacheWatchEvent> {
    try {
      const bytes = new Uint8Array(200_000);
      const entry = { value: { kind: "bytes", bytes }, version: 1, ttlMs: 0 };
      yield { kind: "entry", key: "k", entry, epoch: 1 } as CacheWatchEvent;
      yield { kind: "reset" };
    } finally {
      ended.resolve();
    }
  }
  const reader = watchStream(watch, watchEventText, forEver, 15_000, 50)
    .getReader();
  assert.equal((await reader.read()).value!.length, 65_536);
  await ended.promise;
  assert.equal((await reader.read()).done, true);
});
