import assert from "node:assert/strict";
import { Proxy } from "../../src/proxy/proxy.ts";
import { RequestBodies } from "../../src/proxy/request_bodies.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { writeAll } from "../../src/util/write_all.ts";

function bodyOf(bytes: number): Request {
  return new Request("http://proxy/", {
    method: "POST",
    body: new Uint8Array(bytes),
  });
}

Deno.test("one client's bodies leave room for those of another, and their room comes back", async () => {
  const bodies = new RequestBodies({ maxTotalBytes: 30, maxClientBytes: 20 });
  const first = await bodies.take(bodyOf(20), "a");
  await assert.rejects(bodies.take(bodyOf(1), "a"), {
    code: "overloaded",
    message: /your address/,
  });
  const second = await bodies.take(bodyOf(10), "b");
  await assert.rejects(bodies.take(bodyOf(1), "c"), {
    code: "overloaded",
    message: /all requests/,
  });
  await first[Symbol.asyncDispose]();
  const third = await bodies.take(bodyOf(20), "a");
  for (const held of [second, third]) await held[Symbol.asyncDispose]();
});

Deno.test("who is not signed in and sends bodies slowly does not fill the room of all who sign in", async () => {
  await using proxy = new Proxy({
    urls: ["http://127.0.0.1:1"],
    secretApi: "a secret of twenty bytes",
    hostname: "127.0.0.1",
    port: 0,
    patienceMs: 0,
    otherBodies: { maxClientBytes: 10 },
    logger: silentLogger,
    fetch: () => Promise.reject(new TypeError("nobody is there")),
  });
  using filling = await begun(proxy.port);
  await writeAll(filling, new Uint8Array(10));
  using another = await begun(proxy.port);
  await writeAll(another, new Uint8Array(5));
  // Whose bytes are too many is as the two arrive; neither's would be alone.
  const told = Promise.race([filling, another].map(firstLine));
  assert.equal(await told, "HTTP/1.1 429 Too Many Requests");
});

/** A connection on which a body of 100 bytes is announced. */
async function begun(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    "POST /dashboard/api/session HTTP/1.1",
    "host: proxy",
    `content-length: 100`,
    "\r\n",
  ].join("\r\n");
  await writeAll(connection, new TextEncoder().encode(head));
  return connection;
}

async function firstLine(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  // The other one is closed unanswered at the end.
  const length = await connection.read(buffer).catch(() => null) ?? 0;
  const text = new TextDecoder().decode(buffer.subarray(0, length));
  return text.split("\r\n")[0]!;
}
