import assert from "node:assert/strict";
import { connect as connectFrom } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { HEAD_BYTES_MAX, readHead } from "../../src/network/http_head.ts";
import { resetBeforeAccepted } from "../resets.ts";
import { SocketArena, type SocketMember } from "./arena.ts";
import { linked, up } from "./contract.ts";
import { connectTo, RawLink, readToEnd, soon } from "./raw.ts";

const encoder = new TextEncoder();

/** What the Raft port of a member says to a whole request, until it closes. */
async function ask(address: string, request: string): Promise<string> {
  const connection = await connectTo(address);
  await connection.write(encoder.encode(request));
  return await soon("an answer", new Response(connection.readable).text());
}

async function withMember(
  limits: ConstructorParameters<typeof SocketArena>[1],
  body: (member: SocketMember, address: string) => Promise<void>,
): Promise<void> {
  const arena = new SocketArena({}, limits);
  try {
    const member = arena.member(1);
    member.network.start();
    await body(member, member.identity.raftAddress);
  } finally {
    await arena.close();
  }
}

const get = (path: string, ...fields: string[]): string =>
  [`GET ${path} HTTP/1.1`, "Host: h", ...fields, "\r\n"].join("\r\n");

Deno.test("the Raft port answers a probe and closes", () =>
  withMember({}, async (member, address) => {
    const answer = await ask(address, get("/ping?x=1"));
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nContent-Length: 4\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n\r\npong$/);
    assert.equal(member.network.refusals, 0);
  }));

const UPGRADE = ["Connection: Upgrade", "Upgrade: hiqlite-link"];

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  [
    "a web page that asks for a link",
    get("/stream", ...UPGRADE, "Origin: https://evil.example"),
    /^HTTP\/1\.1 403 Forbidden.*not for web pages/s,
  ],
  [
    "a web page that asks for a probe",
    get("/ping", "origin:null"),
    /^HTTP\/1\.1 403 /,
  ],
  [
    "a WebSocket, as members of older releases ask for",
    get("/stream", "Connection: Upgrade", "Upgrade: websocket"),
    /^HTTP\/1\.1 400 .*not WebSocket: run the same release on every member/s,
  ],
  ["another path", get("/"), /^HTTP\/1\.1 400 .*members of the cluster/s],
  ["a link at another path", get("/ping", ...UPGRADE), /^HTTP\/1\.1 400 /],
  ["another method", "POST /ping HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", /^HTTP\/1\.1 400 /],
  ["a field without a name", get("/ping", ": x"), /^HTTP\/1\.1 400 /],
  ["a folded field", get("/ping", "A: b\r\n c"), /^HTTP\/1\.1 400 /],
  ["a zero byte", get("/ping", "A: \0"), /^HTTP\/1\.1 400 /],
  ["something else from its first byte on", "\0", /^HTTP\/1\.1 400 /],
  [
    "a head that does not end",
    `GET /ping HTTP/1.1\r\nA: ${"a".repeat(HEAD_BYTES_MAX)}`,
    /^HTTP\/1\.1 400 .*at most 4096 bytes/s,
  ],
];

for (const [title, request, answer] of REFUSED) {
  Deno.test(`the Raft port refuses ${title}`, () =>
    withMember({}, async (member, address) => {
      assert.match(await ask(address, request), answer);
      assert.equal(member.network.refusals, 1);
      assert.equal(member.asked, 0);
      await member.logged(
        /warn refused a connection to the Raft port from 127.0.0.1 \(1 so far\)/,
      );
    }));
}

Deno.test("TLS on the plain Raft port, and a plain dial to TLS, are named in the log", async () => {
  const arena = new SocketArena();
  const tls = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    using connection = await tls.accept();
    await connection.read(new Uint8Array(4096));
    // An alert, as TLS answers what is no hello.
    await connection.write(Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70));
  })();
  const member = arena.member(1, {
    addresses: [{ id: 2, address: `127.0.0.1:${tls.addr.port}` }],
  });
  member.network.start();
  await member.logged(
    /warn cannot reach node 2 .*it speaks TLS and this member does not: set the same tls_raft_/,
  );
  await answering;
  tls.close();
  const hello = await connectTo(member.identity.raftAddress);
  await hello.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1));
  await readToEnd(hello);
  await member.logged(
    /warn refused a connection to the Raft port from 127.0.0.1 .*it speaks TLS and this member does not/,
  );
  // Every other way in has ended by then: a stranger is no defect of the member.
  await arena.close();
  assert.deepEqual(member.lines.filter((line) => /^error /.test(line)), []);
});

Deno.test("half a head, however slowly it grows, is cut in time, and counted", () =>
  withMember({ strangerMs: 300 }, async (member, address) => {
    const connection = await connectTo(address);
    const slowly = setInterval(() => {
      connection.write(encoder.encode("A")).catch(() => {});
    }, 20);
    await connection.write(encoder.encode("GET /"));
    await readToEnd(connection);
    clearInterval(slowly);
    assert.equal(member.network.refusals, 1);
  }));

Deno.test("whoever is answered and does not leave is cut in time", () =>
  withMember({ strangerMs: 300 }, async (member, address) => {
    const connection = await connectTo(address);
    await connection.write(encoder.encode(get("/ping")));
    const buffer = new Uint8Array(1024);
    while (await soon("the answer's end", connection.read(buffer)) !== null);
    await assert.rejects(async () => {
      for (let tries = 0; tries < 1_000; tries++) {
        await connection.write(buffer.subarray(0, 1));
        await delay(10);
      }
    });
    connection.close();
    assert.equal(member.network.refusals, 0);
  }));

Deno.test("2,000 idle connections from one address leave sixteen, for their time, and a member gets its link", async () => {
  const arena = new SocketArena({ backoffMaxMs: 50 }, { strangerMs: 1_000 });
  const member = arena.member(1);
  member.network.start();
  const open = new Set<Deno.TcpConn>();
  const over: Promise<void>[] = [];
  let most = 0;
  for (let i = 0; i < 2_000; i++) {
    const connection = await connectTo(member.identity.raftAddress);
    open.add(connection);
    over.push(readToEnd(connection).finally(() => open.delete(connection)));
    // What is refused is closed at once: give that a moment.
    if (i % 50 < 49) continue;
    for (let tries = 0; open.size > 16; tries++) {
      assert.ok(tries < 2_000, `${open.size} connections stay open`);
      await delay(5);
    }
    most = Math.max(most, open.size);
  }
  assert.ok(most > 0);
  assert.ok(member.network.refusals >= 1_900);
  await member.logged(
    /warn refused a connection to the Raft port .*at most 16 from one address/,
  );
  assert.equal(
    member.lines.filter((line) => /at most 16/.test(line)).length,
    1,
  );
  const honest = arena.member(2);
  honest.network.start();
  await up(member, honest);
  await Promise.all(over);
  await arena.close();
});

Deno.test("with the seventeenth connection of an address the oldest ends", () =>
  withMember({ strangerMs: 60_000 }, async (member, address) => {
    const open: Deno.TcpConn[] = [];
    for (let i = 0; i < 16; i++) open.push(await connectTo(address));
    for (let i = 16; i < 20; i++) {
      open.push(await connectTo(address));
      await readToEnd(open.shift()!);
    }
    assert.equal(member.network.refusals, 4);
    // The youngest is there still.
    const youngest = open.pop()!;
    await youngest.write(encoder.encode(get("/ping")));
    assert.match((await readHead(youngest))!.line, / 200 /);
    youngest.close();
    for (const connection of open) connection.close();
  }));

Deno.test("a member gets its link though strangers of its own address ask for a thousand links a second", async () => {
  const arena = new SocketArena({ backoffMaxMs: 100 });
  const member = arena.member(1);
  member.network.start();
  let flooding = true;
  const flood = Array.from({ length: 24 }, async () => {
    while (flooding) {
      const link = await RawLink.open(member.identity.raftAddress)
        .catch(() => null);
      await delay(20);
      link?.close();
    }
  });
  await member.recorder.until("a flood", () => member.network.refusals > 100);
  const honest = arena.member(2);
  honest.network.start();
  await up(member, honest);
  flooding = false;
  await Promise.all(flood);
  await arena.close();
});

/** What this test's own thread holds: others run in the same process. */
function heldBytes(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

Deno.test("frames of 60 MB that strangers announce and send take no memory", () =>
  withMember({}, async (member, address) => {
    const before = heldBytes();
    const chunk = new Uint8Array(64 << 10);
    let taken = 0;
    let most = 0;
    const attack = async (): Promise<void> => {
      const link = await RawLink.open(address);
      using connection = link.connection;
      const announced = new Uint8Array(4);
      new DataView(announced.buffer).setUint32(0, 60 << 20, true);
      await connection.write(announced);
      try {
        for (let sent = 0; sent < 30 << 20; sent += chunk.length) {
          taken += await connection.write(chunk);
          most = Math.max(most, heldBytes());
        }
      } catch {
        // Cut: as it should be.
      }
    };
    for (let round = 0; round < 4; round++) {
      await Promise.all(Array.from({ length: 10 }, attack));
    }
    await member.logged(/announced 62914560/);
    // What the kernel buffers of each, far from the 1,200 MB that were sent.
    assert.ok(taken < 40 * (8 << 20), `${taken >> 20} MB were taken`);
    const grown = (most - before) >> 20;
    // One of the frames that were announced would be more.
    assert.ok(grown < 60, `grown by ${grown} MB`);
  }));

Deno.test("strangers who fill the room from some addresses do not keep out one from another", async () => {
  const arena = new SocketArena({}, {
    strangers: 8,
    strangersPerAddress: 4,
    strangerMs: 60_000,
  });
  const member = arena.member(1);
  member.network.start();
  const [host, port] = member.identity.raftAddress.split(":");
  const strangers = ["127.0.0.2", "127.0.0.3"].flatMap((localAddress) =>
    Array.from({ length: 4 }, () => {
      const socket = connectFrom({
        host: host!,
        port: Number(port),
        localAddress,
      });
      socket.on("error", () => {});
      const gone = new Promise<void>((done) =>
        socket.on("close", () => done())
      );
      const there = new Promise<void>((done) => socket.on("connect", done));
      socket.resume();
      return { socket, gone, there };
    })
  );
  await Promise.all(strangers.map(({ there }) => there));
  const honest = arena.member(2);
  honest.network.start();
  await up(member, honest);
  for (const { socket } of strangers) socket.destroy();
  await Promise.all(strangers.map(({ gone }) => gone));
  await arena.close();
});

Deno.test("connections that are reset before they are accepted do not stop the port for a moment", async () => {
  const arena = new SocketArena();
  const member = arena.member(1);
  member.network.start();
  const [, port] = member.identity.raftAddress.split(":");
  await resetBeforeAccepted(Number(port), 20);
  const honest = arena.member(2);
  honest.network.start();
  await up(member, honest);
  assert.equal(member.network.refusals, 20);
  assert.deepEqual(
    member.lines.filter((line) => /no connections are accepted/.test(line)),
    [],
  );
  await arena.close();
});

Deno.test("who has proven itself is no stranger: its time does not end, and it takes nobody's room", async () => {
  const arena = new SocketArena({}, {
    strangersPerAddress: 2,
    strangerMs: 1_500,
  });
  // Both lanes of the other member come from one address.
  const [a, b] = await linked(arena) as [SocketMember, SocketMember];
  // The passing of time is the subject here: more than strangers have.
  await delay(2_000);
  assert.equal(a.recorder.count("down") + b.recorder.count("down"), 0);
  for (
    const link of await Promise.all(
      [1, 2].map(() => RawLink.open(a.identity.raftAddress)),
    )
  ) {
    link.close();
  }
  assert.equal(a.network.refusals, 0);
  await arena.close();
});
