import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { httpCall, HttpCallError } from "./http_call.ts";

/** What a test server does with the connection when it has read a request. */
type Reaction = (connection: Deno.TcpConn) => Promise<void> | void;

/** Calls a server that reacts so; counts its connections. */
async function call(
  reaction: Reaction,
  timeoutMs = 5000,
): Promise<
  & { result: Promise<{ status: number; text: string }>; count: () => number }
  & AsyncDisposable
> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ends: Promise<void>[] = [];
  let count = 0;
  const serve = async (connection: Deno.TcpConn): Promise<void> => {
    await connection.read(new Uint8Array(1000));
    await reaction(connection);
    connection.close();
  };
  const accepting = (async () => {
    for await (const connection of listener) {
      count++;
      ends.push(serve(connection));
    }
  })().catch(() => {});
  const result = httpCall({
    url: `http://127.0.0.1:${listener.addr.port}/`,
    method: "POST",
    headers: {},
    body: "{}",
    timeoutMs,
  });
  await result.catch(() => {});
  return {
    result,
    count: () => count,
    [Symbol.asyncDispose]: async () => {
      listener.close();
      await accepting;
      await Promise.all(ends);
    },
  };
}

Deno.test("httpCall() answers status and text", async () => {
  await using set = await call(async (connection) => {
    const answer = "HTTP/1.1 409 Conflict\r\ncontent-length: 2\r\n\r\nno";
    await connection.write(new TextEncoder().encode(answer));
  });
  deepEqual(await set.result, { status: 409, text: "no" });
});

Deno.test("httpCall() sends once when the connection breaks, and says that it may have arrived", async () => {
  await using set = await call(() => {});
  await rejects(
    set.result,
    (error) => error instanceof HttpCallError && !error.unsent,
  );
  equal(set.count(), 1);
});

Deno.test("httpCall() says that a timeout may have arrived", async () => {
  const late = Promise.withResolvers<void>();
  await using set = await call(() => late.promise, 50);
  late.resolve();
  await rejects(
    set.result,
    (error) => error instanceof HttpCallError && !error.unsent,
  );
});

Deno.test("httpCall() says that a refused connection sent nothing", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const error = await httpCall({
    url: `http://127.0.0.1:${port}/`,
    method: "POST",
    headers: {},
    timeoutMs: 5000,
  }).catch((error) => error);
  ok(error instanceof HttpCallError && error.unsent, `${error}`);
});

/** A server in a process of its own that answers how often it has got a request. */
const COUNTING = `
let count = 0;
Deno.serve({ hostname: "127.0.0.1", port: 0 }, async (request) => {
  await request.text();
  return new Response(String(++count));
});`;

Deno.test("httpCall() sends once to a process that is stopped longer than the timeout", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", COUNTING],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const output = child.stderr.getReader();
  let said = "";
  while (!/:(\d+)\//.test(said)) {
    const { value } = await output.read();
    said += new TextDecoder().decode(value);
  }
  const url = `http://127.0.0.1:${/:(\d+)\//.exec(said)![1]}/`;
  const call = { url, method: "POST", headers: {}, body: "x" };
  equal((await httpCall({ ...call, timeoutMs: 5000 })).text, "1");
  child.kill("SIGSTOP");
  await rejects(httpCall({ ...call, timeoutMs: 200 }), HttpCallError);
  child.kill("SIGCONT");
  // The stopped server may still get the one request that was given up, never two of them.
  const { text } = await httpCall({ ...call, timeoutMs: 5000 });
  ok(Number(text) <= 3, text);
  child.kill("SIGKILL");
  await child.status;
  await output.cancel();
});
