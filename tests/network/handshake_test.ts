import assert from "node:assert/strict";
import fc from "fast-check";
import {
  AcceptorHandshake,
  DialerHandshake,
  HANDSHAKE_BYTES_MAX,
  type HandshakeParty,
  type HandshakeRefusal,
  NONCE_BYTES,
  PROTOCOL_VERSION,
  type Proven,
} from "../../src/network/handshake.ts";
import type { Lane, PeerIdentity } from "../../src/network/port.ts";

function identity(node: number, clusterId = "c1"): PeerIdentity {
  return {
    id: `${node}.${String(node).repeat(16).slice(0, 16)}`,
    clusterId,
    raftAddress: `127.0.0.1:810${node}`,
    apiAddress: `127.0.0.1:820${node}`,
    level: node,
    groups: [
      { group: node, mark: "00000000000000aa" },
      { group: 7, mark: "ffffffffffffff0b" },
    ],
    engine: `some SQL ${node}`,
  };
}

function party(
  node: number,
  options: { secret?: string; clusterId?: string; nonce?: number } = {},
): HandshakeParty {
  return {
    self: identity(node, options.clusterId),
    secret: options.secret ?? "sixteen letters!",
    nonce: new Uint8Array(NONCE_BYTES).fill(options.nonce ?? node),
  };
}

const anyone = (): boolean => true;

interface Run {
  readonly challenge: Uint8Array;
  readonly hello: Uint8Array | null;
  readonly acceptor: Proven | HandshakeRefusal | null;
  readonly dialer: Proven | HandshakeRefusal;
}

function shake(
  dialing: HandshakeParty,
  accepting: HandshakeParty,
  options: { lane?: Lane; expected?: number; isPeer?: typeof anyone } = {},
): Run {
  const acceptor = new AcceptorHandshake(accepting, options.isPeer ?? anyone);
  const dialer = new DialerHandshake(
    dialing,
    options.lane ?? "control",
    options.expected ?? 2,
  );
  const challenge = acceptor.challenge();
  const first = dialer.receive(challenge);
  if (first.kind !== "continue") {
    return { challenge, hello: null, acceptor: null, dialer: first };
  }
  const judged = acceptor.receive(first.reply);
  assert.ok(judged.reply !== null);
  const last = dialer.receive(judged.reply);
  assert.ok(last.kind !== "continue");
  return { challenge, hello: first.reply, acceptor: judged, dialer: last };
}

function refused(
  outcome: Proven | HandshakeRefusal | null,
  reason: string,
): void {
  assert.equal(outcome?.kind, "refused");
  assert.equal((outcome as HandshakeRefusal).reason, reason);
}

Deno.test("a handshake proves both identities and the lane to both sides", () => {
  const { acceptor, dialer } = shake(party(1), party(2), { lane: "bulk" });
  assert.ok(acceptor?.kind === "proven" && dialer.kind === "proven");
  assert.deepEqual([acceptor.peer, acceptor.lane], [identity(1), "bulk"]);
  assert.deepEqual([dialer.peer, dialer.lane], [identity(2), "bulk"]);
});

Deno.test("a handshake accepts a new member without a cluster, in both roles", () => {
  const fresh = party(1, { clusterId: "" });
  assert.equal(shake(fresh, party(2)).dialer.kind, "proven");
  const { acceptor } = shake(party(1), party(2, { clusterId: "" }));
  assert.equal(acceptor?.kind, "proven");
});

Deno.test("a handshake with different secrets is refused on both sides, without naming a secret", () => {
  const run = shake(party(1, { secret: "another secret!!" }), party(2));
  refused(run.acceptor, "secret");
  refused(run.dialer, "secret");
  const lines = `${(run.acceptor as HandshakeRefusal).detail}${
    (run.dialer as HandshakeRefusal).detail
  }`;
  assert.match(lines, /HQL_SECRET_RAFT/);
  assert.doesNotMatch(lines, /another secret|sixteen letters/);
});

Deno.test("a handshake with a member of another cluster is refused, naming both", () => {
  const { dialer } = shake(party(1), party(2, { clusterId: "c2" }));
  refused(dialer, "cluster");
  assert.match((dialer as HandshakeRefusal).detail, /another cluster: c2.*c1/);
});

Deno.test("the acceptor refuses a dialer of another cluster that ignores the challenge's cluster", () => {
  const accepting = party(2, { clusterId: "c2" });
  const acceptor = new AcceptorHandshake(accepting, anyone);
  // The dialer answers the challenge of a member that differs in nothing but the cluster.
  const lookalike = new AcceptorHandshake(
    { ...accepting, self: identity(2, "c1") },
    anyone,
  );
  const hello = new DialerHandshake(party(1), "bulk", 2).receive(
    lookalike.challenge(),
  );
  assert.ok(hello.kind === "continue");
  // The proof covers the acceptor's cluster, so it does not even verify.
  refused(acceptor.receive(hello.reply), "secret");
});

Deno.test("a handshake with the own node id is refused", () => {
  refused(shake(party(2, { nonce: 9 }), party(2)).dialer, "self");
});

Deno.test("a handshake with another node than the dialed one is refused, naming both", () => {
  const { dialer } = shake(party(1), party(3), { expected: 2 });
  refused(dialer, "unexpected");
  assert.match(
    (dialer as HandshakeRefusal).detail,
    /dialed node 2 and found node 3/,
  );
});

Deno.test("a handshake of a node that is not configured is refused on both sides", () => {
  const run = shake(party(1), party(2), { isPeer: () => false });
  refused(run.acceptor, "unknown");
  refused(run.dialer, "unknown");
});

Deno.test("a handshake across protocol versions is refused on either side, naming both", () => {
  const challenge = new AcceptorHandshake(party(2), anyone).challenge();
  challenge[1] = 7;
  const outcome = new DialerHandshake(party(1), "bulk", 2).receive(challenge);
  assert.ok(outcome.kind === "refused" && outcome.reason === "version");
  assert.match(outcome.detail, /version 7 .* version 4/);
  const { hello } = shake(party(1), party(2));
  hello![1] = 7;
  const judged = new AcceptorHandshake(party(2), anyone).receive(hello!);
  refused(judged, "version");
});

Deno.test("a recorded hello does not satisfy a fresh challenge (replay)", () => {
  const { hello } = shake(party(1), party(2, { nonce: 7 }));
  const again = new AcceptorHandshake(party(2, { nonce: 8 }), anyone);
  refused(again.receive(hello!), "secret");
});

Deno.test("a recorded welcome does not satisfy a fresh dialer (replay)", () => {
  const recorded = shake(party(1, { nonce: 7 }), party(2));
  const dialer = new DialerHandshake(party(1, { nonce: 8 }), "control", 2);
  dialer.receive(recorded.challenge);
  const outcome = dialer.receive(recorded.acceptor!.reply!);
  assert.ok(outcome.kind === "refused" && outcome.reason === "secret");
});

Deno.test("a proof made as dialer is none as acceptor (reflection)", () => {
  // The attacker has node 1 dial it and answers with what node 1 itself sent.
  const dialer = new DialerHandshake(party(1), "control", 2);
  const claimed = new AcceptorHandshake(party(2), anyone).challenge();
  const hello = dialer.receive(claimed);
  assert.ok(hello.kind === "continue");
  const proof = hello.reply.subarray(hello.reply.length - NONCE_BYTES);
  const outcome = dialer.receive(Uint8Array.of(3, PROTOCOL_VERSION, ...proof));
  assert.ok(outcome.kind === "refused" && outcome.reason === "secret");
});

Deno.test("a hello for one member is worth nothing at another (relay)", () => {
  const nonce = 7;
  const { hello } = shake(party(1), party(2, { nonce }));
  const third = new AcceptorHandshake(party(3, { nonce }), anyone);
  refused(third.receive(hello!), "secret");
});

Deno.test("a hello for one lane is worth nothing on the other", () => {
  const { hello } = shake(party(1), party(2), { lane: "bulk" });
  hello![2] = 0;
  const judged = new AcceptorHandshake(party(2), anyone).receive(hello!);
  refused(judged, "secret");
});

Deno.test("a changed bit anywhere in the hello is refused", () => {
  const { hello } = shake(party(1), party(2));
  for (let bit = 0; bit < hello!.length * 8; bit++) {
    const damaged = hello!.slice();
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    const judged = new AcceptorHandshake(party(2), anyone).receive(damaged);
    assert.equal(judged.kind, "refused", `bit ${bit}`);
  }
});

Deno.test("half a message, a byte too many and an oversized one are refused as malformed", () => {
  const { hello } = shake(party(1), party(2));
  const receive = (bytes: Uint8Array) =>
    new AcceptorHandshake(party(2), anyone).receive(bytes);
  refused(receive(hello!.subarray(0, hello!.length >> 1)), "malformed");
  refused(receive(Uint8Array.of(...hello!, 0)), "malformed");
  refused(receive(new Uint8Array(HANDSHAKE_BYTES_MAX + 1)), "malformed");
  refused(receive(new Uint8Array(0)), "malformed");
});

Deno.test("random bytes are refused by both sides and never throw", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.boolean(),
      (bytes, v1) => {
        if (v1 && bytes.length > 1) bytes[1] = PROTOCOL_VERSION;
        const acceptor = new AcceptorHandshake(party(2), anyone);
        assert.equal(acceptor.receive(bytes).kind, "refused");
        const dialer = new DialerHandshake(party(1), "bulk", 2);
        assert.equal(dialer.receive(bytes).kind, "refused");
      },
    ),
    { numRuns: 500 },
  );
});
