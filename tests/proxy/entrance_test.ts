import assert from "node:assert/strict";
import { Entrance, type EntranceOptions } from "../../src/proxy/entrance.ts";
import { Logger } from "../../src/util/logger.ts";
import { ends } from "../front/with_front.ts";

interface EntranceScene {
  readonly entrance: Entrance;
  /** What was logged, with its fields. */
  readonly lines: string[];
  /** A client that has asked once, and is kept. */
  client(): Promise<Client>;
}

/** A connection of HTTP/1.1 that asks what comes to its mind. */
class Client {
  readonly conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
  }

  /** The whole answer to a small request. */
  async ask(path = "/"): Promise<string> {
    const request = `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`;
    await this.conn.write(new TextEncoder().encode(request));
    const buffer = new Uint8Array(4096);
    let answer = "";
    while (!answer.endsWith("}")) {
      const count = await this.conn.read(buffer);
      if (count === null) break;
      answer += new TextDecoder().decode(buffer.subarray(0, count));
    }
    return answer;
  }
}

async function withEntrance(
  test: (scene: EntranceScene) => Promise<void>,
  limits: EntranceOptions["limits"] = {},
): Promise<void> {
  const lines: string[] = [];
  const conns: Deno.TcpConn[] = [];
  const entrance = new Entrance({
    hostname: "0.0.0.0",
    port: 0,
    limits,
    logger: new Logger("debug", ({ message, fields }) => {
      lines.push(`${message} ${JSON.stringify(fields)}`);
    }),
    handler: ({ url }, address) => {
      const { pathname } = new URL(url);
      return Promise.resolve(Response.json({ address, pathname }));
    },
  });
  const client = async (): Promise<Client> => {
    const { port } = entrance;
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    conns.push(conn);
    const asking = new Client(conn);
    await asking.ask();
    return asking;
  };
  try {
    await test({ entrance, lines, client });
  } finally {
    for (const conn of conns) {
      try {
        conn.close();
      } catch {
        // The other side did.
      }
    }
    await entrance[Symbol.asyncDispose]();
  }
}

Deno.test("a proxy knows for each request of a connection from where it comes", () =>
  withEntrance(async ({ client }) => {
    const clients = [await client(), await client()];
    for (const path of ["/a", "/b"]) {
      for (const one of clients) {
        const answer = await one.ask(path);
        assert.ok(
          answer.endsWith(`{"address":"127.0.0.1","pathname":"${path}"}`),
          answer,
        );
      }
    }
  }));

Deno.test("a proxy has room for as many clients as its limit says, which the log names; who asks nothing goes first", () =>
  withEntrance(async ({ entrance, client, lines }) => {
    const first = await client();
    const second = await client();
    const third = await client();
    assert.equal(await ends(first.conn, 30_000), true);
    assert.match(await second.ask(), /^HTTP\/1\.1 200 /);
    assert.match(await third.ask(), /^HTTP\/1\.1 200 /);
    assert.deepEqual(lines, [
      'a limit is reached: api_connections_per_address = 2 connections from one address {"from":"127.0.0.1"}',
    ]);
    assert.equal(entrance.counts.open, 2);
    assert.equal(entrance.counts.refused, 1);
  }, { perAddress: 2 }));

Deno.test("a proxy has room for so many clients in all", () =>
  withEntrance(async ({ client, lines }) => {
    const first = await client();
    await client();
    await client();
    assert.equal(await ends(first.conn, 30_000), true);
    assert.match(lines[0]!, /^a limit is reached: 2 connections in all /);
  }, { connections: 2 }));

Deno.test("a proxy ends who does not end the head of a request", () =>
  withEntrance(async ({ entrance }) => {
    const conn = await Deno.connect({
      hostname: "127.0.0.1",
      port: entrance.port,
    });
    await conn.write(new TextEncoder().encode("GET / HTTP/1.1\r\nhost"));
    assert.equal(await ends(conn, 30_000), true);
    conn.close();
    assert.equal(entrance.counts.late, 1);
  }, { headMs: 100 }));

Deno.test("who comes around a proxy's limits is let in nowhere", () =>
  withEntrance(async ({ entrance }) => {
    const { hostname, port } = entrance.inner;
    const answer = await fetch(`http://${hostname}:${port}/`);
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /the proxy's own/);
  }));
