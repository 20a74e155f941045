import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import {
  Deliveries,
  type DeliveryLimits,
} from "../../src/server/deliveries.ts";
import { until } from "../node/cluster.ts";

const MIB = 1024 * 1024;
/** More than all buffers of two sockets hold. */
const TEXT = "ä1".repeat(8 * MIB);

/** A server that answers everything with {@linkcode TEXT}. */
async function withServer(
  limits: DeliveryLimits,
  run: (
    port: number,
    deliveries: Deliveries,
    asked: () => number,
  ) => Promise<void>,
): Promise<void> {
  let asked = 0;
  const deliveries = new Deliveries(limits);
  const app = new Hono();
  app.get("/", (context) => {
    asked++;
    return deliveries.response(context, TEXT, 200, "text/plain; charset=UTF-8");
  });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app.fetch,
  );
  await run(server.addr.port, deliveries, () => asked);
}

/** Asks and reads nothing yet. */
async function ask(port: number): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(
    new TextEncoder().encode("GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
  );
  return connection;
}

/** How many bytes come until the connection ends, or `most`. */
async function read(
  connection: Deno.TcpConn,
  most = Infinity,
): Promise<number> {
  const buffer = new Uint8Array(64 * 1024);
  let bytes = 0;
  while (bytes < most) {
    const count = await connection.read(buffer);
    if (count === null) break;
    bytes += count;
  }
  return bytes;
}

const LENGTH = new TextEncoder().encode(TEXT).length;

Deno.test("a large answer arrives whole, with its length", () =>
  withServer({ bytes: 64 * MIB, stallMs: 60_000 }, async (port, deliveries) => {
    const response = await fetch(`http://127.0.0.1:${port}/`);
    assert.equal(response.headers.get("content-length"), `${LENGTH}`);
    assert(await response.text() === TEXT);
    assert.equal(deliveries.waiting, 0);
  }));

Deno.test("an answer that nobody reads is given up, and its memory with it", () =>
  withServer({ bytes: 64 * MIB, stallMs: 300 }, async (port, deliveries) => {
    using connection = await ask(port);
    await until("an answer that waits", () => deliveries.waiting > MIB);
    await until("it to be given up", () => deliveries.waiting === 0);
    // Neither is what was left taken for the whole.
    assert(await read(connection) < LENGTH);
  }));

Deno.test("a slow reader is no stalled one", () =>
  withServer({ bytes: 64 * MIB, stallMs: 500 }, async (port, deliveries) => {
    using connection = await ask(port);
    await until("an answer that waits", () => deliveries.waiting > MIB);
    let bytes = 0;
    for (let i = 0; i < 8; i++) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      bytes += await read(connection, 2 * MIB);
    }
    await read(connection, LENGTH - bytes);
    assert.equal(deliveries.waiting, 0);
  }));

Deno.test("beyond the bound in all, the answer that was left unread for longest goes first", () =>
  withServer(
    { bytes: 3 * LENGTH, stallMs: 60_000 },
    async (port, deliveries, asked) => {
      using first = await ask(port);
      await until("the first to wait", () => deliveries.waiting > MIB);
      using second = await ask(port);
      await until("the second to wait", () => deliveries.waiting > LENGTH);
      using third = await ask(port);
      using fourth = await ask(port);
      await until("all to be asked", () => asked() === 4);
      const all = [second, third, fourth].map((connection) =>
        read(connection, LENGTH)
      );
      for (const bytes of await Promise.all(all)) assert(bytes >= LENGTH);
      assert(await read(first) < LENGTH);
      assert(deliveries.waiting < MIB);
    },
  ));

Deno.test("a client that goes away holds nothing", () =>
  withServer({ bytes: 64 * MIB, stallMs: 60_000 }, async (port, deliveries) => {
    const connection = await ask(port);
    await until("an answer that waits", () => deliveries.waiting > MIB);
    connection.close();
    await until("nothing to wait", () => deliveries.waiting === 0);
  }));
