import assert from "node:assert/strict";
import {
  AcceptorHandshake,
  HANDSHAKE_BYTES_MAX,
  PROTOCOL_VERSION,
  REFUSALS,
} from "../../src/network/handshake.ts";
import { SocketArena, type SocketMember } from "./arena.ts";
import { identityOf, up } from "./contract.ts";
import {
  dialRaw,
  partyOf,
  RawSocket,
  readToEnd,
  upgradeByHand,
} from "./raw.ts";

const SECRET = "the secret of this arena";

/** One member, node 1, that knows node 2; impatient, so that tests end soon. */
async function besieged(
  attack: (member: SocketMember, address: string) => Promise<void>,
): Promise<void> {
  const arena = new SocketArena({
    handshakeMs: 300,
    keepaliveMs: 100,
    deadMs: 500,
    pendingHandshakes: 8,
  });
  try {
    const member = arena.member(1);
    member.network.start();
    await attack(member, member.identity.raftAddress);
    // Whatever was tried: an honest member still gets its link.
    const honest = arena.member(2);
    honest.network.start();
    await up(member, honest);
    assert.equal(member.recorder.count("frame"), 0);
  } finally {
    await arena.close();
  }
}

const reason = (name: typeof REFUSALS[number]): number =>
  REFUSALS.indexOf(name);

Deno.test("accept() cuts a client that never answers the challenge", () =>
  besieged(async (_member, address) => {
    await readToEnd(await upgradeByHand(address));
  }));

Deno.test("accept() cuts a client that answers pings but not the challenge", () =>
  besieged(async (_member, address) => {
    const socket = await RawSocket.open(address);
    await socket.cut();
  }));

Deno.test("accept() cuts a client that sends half a frame", () =>
  besieged(async (_member, address) => {
    const connection = await upgradeByHand(address);
    await connection.write(Uint8Array.of(0x82, 0xfe, 0x01));
    await readToEnd(connection);
  }));

Deno.test("accept() cuts a client that stays silent after it was refused", () =>
  besieged(async (_member, address) => {
    const connection = await upgradeByHand(address);
    // A masked binary frame of one byte.
    await connection.write(Uint8Array.of(0x82, 0x81, 0, 0, 0, 0, 7));
    await readToEnd(connection);
  }));

Deno.test("accept() refuses garbage as malformed", () =>
  besieged(async (member, address) => {
    const socket = await RawSocket.open(address);
    await socket.next();
    socket.send(Uint8Array.of(2, PROTOCOL_VERSION, 255, 255, 255));
    assert.equal(await socket.refusal(), reason("malformed"));
    await member.logged(/error refused a connection: malformed handshake/);
  }));

Deno.test("accept() refuses an oversized handshake message as malformed", () =>
  besieged(async (member, address) => {
    const socket = await RawSocket.open(address);
    await socket.next();
    socket.send(new Uint8Array(1 << 20));
    assert.equal(await socket.refusal(), reason("malformed"));
    await member.logged(
      new RegExp(`at most ${HANDSHAKE_BYTES_MAX} bytes, found 1048576`),
    );
  }));

Deno.test("accept() cuts a client that sends text instead of a handshake", () =>
  besieged(async (_member, address) => {
    const socket = await RawSocket.open(address);
    await socket.next();
    socket.send("k");
    await socket.cut();
  }));

Deno.test("accept() refuses another protocol version by name", () =>
  besieged(async (member, address) => {
    const socket = await RawSocket.open(address);
    await socket.next();
    socket.send(Uint8Array.of(2, 9));
    assert.equal(await socket.refusal(), reason("version"));
    await member.logged(/the peer speaks version 9 .* this member version 4/);
  }));

Deno.test("accept() refuses a hello recorded from an honest handshake", () =>
  besieged(async (_member, address) => {
    const self = identityOf(2, "127.0.0.1:1");
    const options = {
      self,
      secret: SECRET,
      lane: "bulk",
      expected: 1,
    } as const;
    const { socket, hello } = await dialRaw(address, options);
    await socket.close();
    const thief = await RawSocket.open(address);
    await thief.next();
    thief.send(hello);
    assert.equal(await thief.refusal(), reason("secret"));
  }));

Deno.test("accept() refuses a node that is not a peer, though it knows the secret", () =>
  besieged(async (member, address) => {
    const socket = await RawSocket.open(address);
    await assert.rejects(async () => {
      const self = identityOf(9, "127.0.0.1:1");
      const options = {
        self,
        secret: SECRET,
        lane: "bulk",
        expected: 1,
      } as const;
      const dialed = await dialRaw(address, options);
      await dialed.socket.close();
    });
    await socket.close();
    await member.logged(/node 9 at 127.0.0.1:1 is not a peer of this member/);
  }));

Deno.test("accept() drops a proven dialer that sends messages", async () => {
  const arena = new SocketArena({ deadMs: 60_000 });
  const member = arena.member(1);
  member.network.start();
  const { socket } = await dialRaw(member.identity.raftAddress, {
    self: identityOf(2, "127.0.0.1:1"),
    secret: SECRET,
    lane: "bulk",
    expected: 1,
  });
  socket.send(Uint8Array.of(1, PROTOCOL_VERSION, 1));
  socket.send("k");
  await socket.cut();
  await arena.close();
});

Deno.test("accept() lets an honest member in while silent clients fill the waiting room", async () => {
  const arena = new SocketArena({
    handshakeMs: 60_000,
    keepaliveMs: 100,
    deadMs: 500,
    pendingHandshakes: 8,
  });
  const member = arena.member(1);
  member.network.start();
  const silent = await Promise.all(
    Array.from(
      { length: 40 },
      () => upgradeByHand(member.identity.raftAddress),
    ),
  );
  const honest = arena.member(2);
  honest.network.start();
  await up(member, honest);
  await Promise.all(silent.map(readToEnd));
  await arena.close();
});

Deno.test("accept() answers a plain request with 426 and a stopped member's with 503", async () => {
  const arena = new SocketArena();
  const member = arena.member(1);
  const url = `http://${member.identity.raftAddress}/stream`;
  const plain = await fetch(url);
  assert.equal(plain.status, 426);
  await plain.body?.cancel();
  await assert.rejects(RawSocket.open(member.identity.raftAddress));
  await arena.close();
});

Deno.test("a dialer does not believe an acceptor without the secret, nor one that reflects its proof", async () => {
  const arena = new SocketArena();
  const hellos = Promise.withResolvers<Uint8Array>();
  const refused = Promise.withResolvers<void>();
  const rogue = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => {
      const { socket, response } = Deno.upgradeWebSocket(request);
      const claimed = identityOf(2, "127.0.0.1:1");
      const forged = new AcceptorHandshake(
        partyOf(claimed, "not the secret"),
        () => true,
      );
      const send = (bytes: Uint8Array): void =>
        socket.send(bytes as Uint8Array<ArrayBuffer>);
      socket.onopen = () => send(forged.challenge());
      socket.onmessage = (event) => {
        const message = new Uint8Array(event.data);
        if (message[0] !== 2) return refused.resolve();
        hellos.resolve(message);
        send(Uint8Array.of(3, PROTOCOL_VERSION, ...message.subarray(-32)));
      };
      return response;
    },
  );
  const member = arena.member(1, {
    addresses: [{ id: 2, address: `127.0.0.1:${rogue.addr.port}` }],
  });
  member.network.start();
  const hello = await hellos.promise;
  await refused.promise;
  await member.logged(/error no link with node 2 .*the Raft secret of node 2/);
  // The same proof, sent back to the member on a connection of its own.
  const back = await RawSocket.open(member.identity.raftAddress);
  await back.next();
  back.send(hello);
  assert.equal(await back.refusal(), reason("secret"));
  assert.deepEqual(member.recorder.told, []);
  await arena.close();
  await rogue.shutdown();
});
