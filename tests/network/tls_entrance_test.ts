import assert from "node:assert/strict";
import { connect as connectFrom, type Socket } from "node:net";
import { once } from "node:events";
import { dialTls } from "../../src/network/dial_tls.ts";
import { linkRequest, readHead } from "../../src/network/http_head.ts";
import { HandshakeTurns } from "../../src/network/listener/handshake_turns.ts";
import { RaftListener } from "../../src/network/listener/raft_listener.ts";
import { TlsEntrance } from "../../src/network/listener/tls_entrance.ts";
import type { LinkCaller, Wire } from "../../src/network/port.ts";
import { Handshakes } from "../../src/tls/handshakes.ts";
import { Logger } from "../../src/util/logger.ts";
import { writeAll } from "../../src/util/write_all.ts";
import { freePorts } from "../ports.ts";
import { made, TestAuthority } from "../tls/pems.ts";
import { soon } from "./raw.ts";

const NEVER = new AbortController().signal;

/** A Raft port that speaks TLS. */
class SecuredPort implements AsyncDisposable {
  readonly #authority = new TestAuthority();
  readonly #port = freePorts(1)[0]!;
  readonly lines: string[] = [];
  readonly callers: LinkCaller[] = [];
  readonly listener: RaftListener;

  constructor() {
    const { key, chain } = made({ authority: this.#authority });
    this.listener = new RaftListener({
      at: { hostname: "127.0.0.1", port: this.#port },
      tls: new TlsEntrance(
        new Handshakes({ key, chain, minVersion: "TLSv1.3", protocols: [] }),
      ),
      logger: new Logger("info", ({ level, message }) => {
        this.lines.push(`${level} ${message}`);
      }),
      links: {
        accept: (caller) => void this.callers.push(caller),
        refused: () => {},
      },
      answer: (path) =>
        path === "/ping"
          ? { status: 200, type: "text/plain", body: "pong" }
          : null,
      failed: () => {},
      mayOpen: () => true,
    });
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Dials as members do. */
  dial(): Promise<Wire> {
    const authorities = (): string[] => [this.#authority.pem];
    return dialTls({ name: null, authorities })(this.address, NEVER);
  }

  async plain(bytes: Uint8Array): Promise<Deno.TcpConn> {
    const conn = await Deno.connect({ port: this.#port });
    await conn.write(bytes);
    return conn;
  }

  /** From another address of this machine. */
  async from(localAddress: string, bytes: Uint8Array): Promise<Socket> {
    const socket = connectFrom({
      port: this.#port,
      host: "127.0.0.1",
      localAddress,
    });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(bytes);
    return socket;
  }

  async until(what: string, holds: () => boolean): Promise<void> {
    const begin = performance.now();
    while (!holds()) {
      assert.ok(performance.now() - begin < 20_000, `in vain: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const caller of this.callers) caller.gone();
    await this.listener.shutdown();
  }
}

/** How a client of the runtime begins. */
async function recordedHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const dialing = dialTls({ name: null, authorities: () => [] })(
    `127.0.0.1:${listener.addr.port}`,
    NEVER,
  ).catch(() => {});
  const conn = await listener.accept();
  const buffer = new Uint8Array(4096);
  const count = await conn.read(buffer);
  conn.close();
  await dialing;
  return buffer.slice(0, count!);
}

Deno.test("the Raft port with TLS answers a probe, grants links, and ends them without a complaint", async () => {
  await using port = new SecuredPort();
  const probe = await port.dial();
  await writeAll(
    probe,
    new TextEncoder().encode("GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"),
  );
  const answer = await soon("an answer", readHead(probe));
  assert.equal(answer?.line, "HTTP/1.1 200 OK");
  probe.close();
  const wire = await port.dial();
  await writeAll(wire, linkRequest(port.address));
  const granted = await soon("a link", readHead(wire));
  assert.match(granted!.line, / 101 /);
  const [caller] = port.callers;
  assert.equal(caller!.from, "127.0.0.1");
  // Longer than a record of TLS, and than what is read at once.
  const message = Uint8Array.from({ length: 300_000 }, (_, at) => at % 251);
  const sent = writeAll(caller!.connection, message);
  const arrived = new Uint8Array(message.length);
  for (let at = 0; at < arrived.length;) {
    at += (await soon("bytes", wire.read(arrived.subarray(at))))!;
  }
  await sent;
  assert.deepEqual(arrived, message);
  caller!.gone();
  assert.equal(await soon("the end", wire.read(arrived)), null);
  wire.close();
  await port.until("all to be gone", () => port.listener.counts.open === 0);
  assert.deepEqual(port.lines, []);
});

Deno.test("who leaves in the middle of a handshake has gone, and is counted", async () => {
  await using port = new SecuredPort();
  const hello = await recordedHello();
  const beginnings = [hello, hello.subarray(0, 50)];
  for (const beginning of beginnings) {
    const conn = await port.plain(beginning);
    await port.until("it to be there", () => port.listener.counts.open === 1);
    conn.close();
    await port.until("it to be gone", () => port.listener.counts.open === 0);
  }
  const { failed, late } = port.listener.counts;
  assert.deepEqual([failed, late], [2, 0]);
  assert.match(
    port.lines[0]!,
    /a TLS handshake failed: it left during the handshake$/,
  );
});

Deno.test("who speaks no TLS reads an alert, and the log says what to do", async () => {
  await using port = new SecuredPort();
  using conn = await port.plain(linkRequest(port.address));
  const buffer = new Uint8Array(16);
  const count = await soon("an alert", conn.read(buffer));
  assert.deepEqual([...buffer.subarray(0, count!)], [21, 3, 3, 0, 2, 2, 70]);
  await port.until("a line", () => port.lines.length === 1);
  assert.match(port.lines[0]!, /it speaks no TLS .*the same tls_raft_\* keys/);
  assert.equal(port.listener.counts.failed, 1);
});

Deno.test("a member passes though strangers of another address begin handshakes without a pause", async () => {
  await using port = new SecuredPort();
  const hello = await recordedHello();
  let stopped = false;
  const sockets: Socket[] = [];
  const flooding = (async () => {
    while (!stopped) sockets.push(await port.from("127.0.0.2", hello));
  })();
  await port.until(
    "strangers to be ended for others",
    () => port.listener.counts.refused > 32,
  );
  for (let passed = 0; passed < 3; passed++) {
    const wire = await soon("a handshake", port.dial());
    await writeAll(wire, linkRequest(port.address));
    const granted = await soon("a link", readHead(wire));
    assert.match(granted!.line, / 101 /);
    wire.close();
  }
  stopped = true;
  await flooding;
  for (const socket of sockets) socket.destroy();
});

Deno.test("handshakes come in bursts, then one by one in their order; who has gone takes no turn", async () => {
  const begun = performance.now();
  const turns = new HandshakeTurns({ burst: 2, everyMs: 40 });
  const order: string[] = [];
  const take = async (name: string, wanted = true): Promise<void> => {
    const may = await turns.next(() => wanted);
    order.push(`${name} ${may}`);
  };
  await Promise.all([take("a"), take("b")]);
  await Promise.all([take("gone", false), take("c"), take("d")]);
  assert.deepEqual(order, [
    "a true",
    "b true",
    "gone false",
    "c true",
    "d true",
  ]);
  assert.ok(performance.now() - begun >= 80, "two turns come in 80 ms");
});

Deno.test("nobody waits for a turn once the port is closed", async () => {
  const turns = new HandshakeTurns({ burst: 1, everyMs: 60_000 });
  assert.equal(await turns.next(() => true), true);
  const waiting = turns.next(() => true);
  turns.close();
  assert.equal(await waiting, false);
});
