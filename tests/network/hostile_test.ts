import assert from "node:assert/strict";
import {
  AcceptorHandshake,
  HANDSHAKE_BYTES_MAX,
  PROTOCOL_VERSION,
  REFUSALS,
} from "../../src/network/sealed/handshake.ts";
import { LINK_GRANTED, readHead } from "../../src/network/http_head.ts";
import { PROOF_BYTES } from "../../src/network/sealed/transcript.ts";
import { shakeAsAcceptor } from "../../src/network/sealed/shake_hands.ts";
import { SECRET, SocketArena, type SocketMember } from "./arena.ts";
import { identityOf, up } from "./contract.ts";
import { dialRaw, partyOf, RawLink, readToEnd } from "./raw.ts";
import { SealedEnd } from "./sealed_end.ts";

/** One member, node 1, that knows node 2; impatient, so that tests end soon. */
async function besieged(
  attack: (member: SocketMember, address: string) => Promise<void>,
): Promise<void> {
  const arena = new SocketArena(
    { keepaliveMs: 100, deadMs: 500 },
    { strangerMs: 300 },
  );
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

const DIAL = { secret: SECRET, lane: "bulk", expected: 1 } as const;

Deno.test("accept() cuts a client that never answers the challenge", () =>
  besieged(async (member, address) => {
    const link = await RawLink.open(address);
    await link.cut();
    await member.logged(
      /warn refused a connection to the Raft port .*it proved nothing within 300 ms/,
    );
  }));

Deno.test("accept() cuts a client that sends half a message", () =>
  besieged(async (_member, address) => {
    const link = await RawLink.open(address);
    await link.connection.write(Uint8Array.of(100, 0, 0, 0, 2));
    await link.cut();
  }));

Deno.test("accept() cuts a client that it refused, and that stays silent", () =>
  besieged(async (_member, address) => {
    const link = await RawLink.open(address);
    await link.send(Uint8Array.of(7));
    await link.cut();
  }));

Deno.test("accept() refuses garbage as malformed", () =>
  besieged(async (member, address) => {
    const link = await RawLink.open(address);
    await link.next();
    await link.send(Uint8Array.of(2, PROTOCOL_VERSION, 255, 255, 255));
    assert.equal(await link.refusal(), reason("malformed"));
    await member.logged(
      /error refused a connection from 127.0.0.1: malformed handshake/,
    );
  }));

Deno.test("accept() refuses a message that is announced as too long, before it is there", () =>
  besieged(async (member, address) => {
    const link = await RawLink.open(address);
    await link.next();
    await link.connection.write(Uint8Array.of(0, 0, 0, 4));
    assert.equal(await link.refusal(), reason("malformed"));
    await member.logged(
      new RegExp(`at most ${HANDSHAKE_BYTES_MAX} bytes, announced 67108864`),
    );
  }));

Deno.test("accept() refuses another protocol version by name", () =>
  besieged(async (member, address) => {
    const link = await RawLink.open(address);
    await link.next();
    await link.send(Uint8Array.of(2, 9));
    assert.equal(await link.refusal(), reason("version"));
    await member.logged(/the peer speaks version 9 .* this member version 5/);
  }));

Deno.test("accept() refuses a hello recorded from an honest handshake", () =>
  besieged(async (_member, address) => {
    const self = identityOf(2, "127.0.0.1:1");
    const { link, hello } = await dialRaw(address, { self, ...DIAL });
    link.close();
    const thief = await RawLink.open(address);
    await thief.next();
    await thief.send(hello);
    assert.equal(await thief.refusal(), reason("secret"));
  }));

Deno.test("accept() refuses a node that is not a peer, though it knows the secret", () =>
  besieged(async (member, address) => {
    const self = identityOf(9, "127.0.0.1:1");
    await assert.rejects(dialRaw(address, { self, ...DIAL }), {
      message: /not among its configured nodes/,
    });
    await member.logged(/node 9 at 127.0.0.1:1 is not a peer of this member/);
  }));

Deno.test("accept() drops a proven dialer that sends messages, and hears its keepalives", async () => {
  const arena = new SocketArena({ deadMs: 60_000 });
  const member = arena.member(1);
  member.network.start();
  const { link, proven } = await dialRaw(member.identity.raftAddress, {
    self: identityOf(2, "127.0.0.1:1"),
    ...DIAL,
  });
  const end = new SealedEnd(link.connection, proven, link.rest);
  await end.sendRecord(new Uint8Array());
  await end.send(Uint8Array.of(1, PROTOCOL_VERSION, 1));
  await link.cut();
  await arena.close();
});

Deno.test("a dialer does not believe an acceptor without the secret, nor one that reflects its proof", async () => {
  const arena = new SocketArena();
  const hellos = Promise.withResolvers<Uint8Array>();
  const rogue = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of rogue) {
      await readHead(connection);
      await connection.write(LINK_GRANTED);
      const claimed = partyOf(identityOf(2, "127.0.0.1:1"), "not the secret");
      const forged = new AcceptorHandshake(claimed, () => null);
      const challenge = forged.challenge.bind(forged);
      // What the dialer sent comes back as if it were the acceptor's.
      const mirror = Object.assign(Object.create(forged), {
        challenge,
        receive: (hello: Uint8Array) => {
          hellos.resolve(hello);
          const proof = hello.subarray(-PROOF_BYTES);
          const reply = Uint8Array.of(3, PROTOCOL_VERSION, ...proof);
          return { kind: "refused", reason: "secret", detail: "", reply };
        },
      });
      await shakeAsAcceptor(connection, new Uint8Array(), mirror)
        .catch(() => null);
      await readToEnd(connection);
    }
  })().catch((error) => {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  });
  const member = arena.member(1, {
    addresses: [{ id: 2, address: `127.0.0.1:${rogue.addr.port}` }],
  });
  member.network.start();
  const hello = await hellos.promise;
  await member.logged(/error no link with node 2 .*the Raft secret of node 2/);
  // The same proof, sent back to the member on a connection of its own.
  const back = await RawLink.open(member.identity.raftAddress);
  await back.next();
  await back.send(hello);
  assert.equal(await back.refusal(), reason("secret"));
  assert.deepEqual(member.recorder.told, []);
  rogue.close();
  await arena.close();
  await serving;
});

Deno.test("a stopped member grants nobody a link", async () => {
  const arena = new SocketArena();
  const member = arena.member(1);
  const link = await RawLink.open(member.identity.raftAddress);
  await link.cut();
  await arena.close();
});
