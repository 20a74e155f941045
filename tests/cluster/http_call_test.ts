import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Agent } from "node:http";
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
  const agent = new Agent({ keepAlive: true });
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
    agent,
  });
  await result.catch(() => {});
  return {
    result,
    count: () => count,
    [Symbol.asyncDispose]: async () => {
      agent.destroy();
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
  const agent = new Agent({ keepAlive: true });
  const error = await httpCall({
    url: `http://127.0.0.1:${port}/`,
    method: "POST",
    headers: {},
    timeoutMs: 5000,
    agent,
  }).catch((error) => error);
  agent.destroy();
  ok(error instanceof HttpCallError && error.unsent, `${error}`);
});
