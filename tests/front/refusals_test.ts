import assert from "node:assert/strict";
import { FrontServer } from "../../src/front/front_server.ts";
import { ADDRESS_HEADER, FRONT_LIMITS } from "../../src/front/protocol.ts";
import { poll } from "../cluster/harness.ts";
import { dial, ends, withFront, withFrontTo } from "./with_front.ts";

const ENCODER = new TextEncoder();

Deno.test("a refusal that is the last answer ends the connection, and other refusals do not", async () => {
  const answer = (request: Request) =>
    new Response("no", {
      status: 401,
      headers: request.url.endsWith("/last") ? { connection: "close" } : {},
    });
  await withFront(answer, async ({ port }) => {
    const saidTo = async (path: string): Promise<string> => {
      using conn = await dial(port);
      const ask = ENCODER.encode(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`);
      await conn.write(ask);
      const buffer = new Uint8Array(4096);
      let count = await conn.read(buffer);
      let said = new TextDecoder().decode(buffer.subarray(0, count!));
      await conn.write(ask);
      count = await conn.read(buffer).catch(() => null);
      said += new TextDecoder().decode(buffer.subarray(0, count ?? 0));
      return said.match(/HTTP\/1\.1 \d+|connection: close/gi)!.join(", ");
    };
    assert.equal(await saidTo("/last"), "HTTP/1.1 401, connection: close");
    assert.equal(await saidTo("/other"), "HTTP/1.1 401, HTTP/1.1 401");
  });
});

Deno.test("what is no request is answered by the front, and the server never hears of it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let accepted = 0;
  const accepting = (async () => {
    for await (const conn of listener) {
      accepted++;
      conn.close();
    }
  })();
  await withFrontTo(listener.addr, async ({ port, front }) => {
    const saidTo = async (bytes: Uint8Array): Promise<string> => {
      using conn = await dial(port);
      await conn.write(bytes).catch(() => {});
      return await new Response(conn.readable).text().catch(() => "reset");
    };
    const garbage = await saidTo(ENCODER.encode("SSH-2.0-OpenSSH_9.6\r\n"));
    assert.match(garbage, /^HTTP\/1\.1 400 .*This port speaks HTTP\/1\.1\n$/s);
    const long = ENCODER.encode(`GET /${"a".repeat(65_600)}`);
    assert.match(
      await saidTo(long),
      /^HTTP\/1\.1 431 .*at most 65536 bytes\n$/s,
    );
    for (const part of ["GET", "GET / HTTP/1.1\r\nhost: a\r\n"]) {
      using half = await dial(port);
      await half.write(ENCODER.encode(part));
      await half.closeWrite();
      assert.ok(await ends(half, 20_000));
    }
    await poll(
      "the front to be done with them",
      20_000,
      () => Promise.resolve(front.counts.open === 0),
    );
  });
  listener.close();
  await accepting;
  assert.equal(accepted, 0);
});

Deno.test("a request whose first line comes in pieces tells from where it comes, too", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ headers }) => new Response(headers.get(ADDRESS_HEADER)),
  );
  const front = new FrontServer(
    {
      kind: "open",
      ...{ hostname: "127.0.0.1", port: 0, inner: server.addr, tls: null },
      ...{ limits: FRONT_LIMITS, addressTag: "tag", perAddressKey: "key" },
    },
    () => {},
    null,
  );
  try {
    using conn = await dial(front.port);
    conn.setNoDelay(true);
    for (
      const piece of [
        "\r\nGET /",
        " HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
      ]
    ) {
      await conn.write(ENCODER.encode(piece));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const said = await new Response(conn.readable).text();
    assert.match(said, /\r\n\r\ntag 127\.0\.0\.1$/);
  } finally {
    front.close();
    await server.shutdown();
  }
});
