import assert from "node:assert/strict";
import fc from "fast-check";
import {
  AcceptorHandshake,
  DialerHandshake,
  type HandshakeParty,
  type HandshakeRefusal,
  type JudgePeer,
  PROTOCOL_VERSION,
  type Proven,
} from "../../../src/network/sealed/handshake.ts";
import {
  EphemeralKeys,
  LINK_KEY_BYTES,
} from "../../../src/network/sealed/key_agreement.ts";
import { PROOF_BYTES } from "../../../src/network/sealed/transcript.ts";
import type { Lane, PeerIdentity } from "../../../src/network/port.ts";

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
  options: {
    secret?: string;
    previous?: string;
    clusterId?: string;
    key?: number;
  } = {},
): HandshakeParty {
  const { secret = "sixteen letters!", previous, clusterId, key = node } =
    options;
  return {
    self: identity(node, clusterId),
    secrets: previous === undefined ? [secret] : [secret, previous],
    keys: EphemeralKeys.of(new Uint8Array(LINK_KEY_BYTES).fill(key)),
  };
}

const anyone: JudgePeer = () => null;
const nobody: JudgePeer = () => ({ reason: "unknown", detail: "nobody" });

interface Run {
  readonly challenge: Uint8Array;
  readonly hello: Uint8Array | null;
  readonly acceptor: Proven | HandshakeRefusal | null;
  readonly dialer: Proven | HandshakeRefusal;
}

function shake(
  dialing: HandshakeParty,
  accepting: HandshakeParty,
  options: { lane?: Lane; expected?: number; judge?: JudgePeer } = {},
): Run {
  const acceptor = new AcceptorHandshake(accepting, options.judge ?? anyone);
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
  assert.match(lines, /secret_raft \(HQL_SECRET_RAFT\)/);
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
  refused(shake(party(2, { key: 9 }), party(2)).dialer, "self");
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
  const run = shake(party(1), party(2), { judge: nobody });
  refused(run.acceptor, "unknown");
  refused(run.dialer, "unknown");
});

Deno.test("a handshake across protocol versions is refused on either side, naming both", () => {
  const challenge = new AcceptorHandshake(party(2), anyone).challenge();
  challenge[1] = 7;
  const outcome = new DialerHandshake(party(1), "bulk", 2).receive(challenge);
  assert.ok(outcome.kind === "refused" && outcome.reason === "version");
  assert.match(outcome.detail, /version 7 .* version 5/);
  const { hello } = shake(party(1), party(2));
  hello![1] = 7;
  const judged = new AcceptorHandshake(party(2), anyone).receive(hello!);
  refused(judged, "version");
});

Deno.test("a recorded hello does not satisfy a fresh challenge (replay)", () => {
  const { hello } = shake(party(1), party(2, { key: 7 }));
  const again = new AcceptorHandshake(party(2, { key: 8 }), anyone);
  refused(again.receive(hello!), "secret");
});

Deno.test("a recorded welcome does not satisfy a fresh dialer (replay)", () => {
  const recorded = shake(party(1, { key: 7 }), party(2));
  const dialer = new DialerHandshake(party(1, { key: 8 }), "control", 2);
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
  const proof = hello.reply.subarray(hello.reply.length - PROOF_BYTES);
  const outcome = dialer.receive(Uint8Array.of(3, PROTOCOL_VERSION, ...proof));
  assert.ok(outcome.kind === "refused" && outcome.reason === "secret");
});

Deno.test("a hello for one member is worth nothing at another (relay)", () => {
  const key = 7;
  const { hello } = shake(party(1), party(2, { key }));
  const third = new AcceptorHandshake(party(3, { key }), anyone);
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

Deno.test("half a message and a byte too many are refused as malformed", () => {
  const { hello } = shake(party(1), party(2));
  const receive = (bytes: Uint8Array) =>
    new AcceptorHandshake(party(2), anyone).receive(bytes);
  refused(receive(hello!.subarray(0, hello!.length >> 1)), "malformed");
  refused(receive(Uint8Array.of(...hello!, 0)), "malformed");
  refused(receive(new Uint8Array(0)), "malformed");
});

Deno.test("both sides derive the same keys, others for each direction, lane and handshake", () => {
  const seen = new Set<string>();
  for (const lane of ["control", "bulk"] as const) {
    for (const key of [1, 9]) {
      const { acceptor, dialer } = shake(party(1, { key }), party(2), { lane });
      assert.ok(acceptor?.kind === "proven" && dialer.kind === "proven");
      assert.deepEqual(acceptor.keys.send, dialer.keys.receive);
      assert.deepEqual(acceptor.keys.receive, dialer.keys.send);
      seen.add(acceptor.keys.send.toHex()).add(dialer.keys.send.toHex());
    }
  }
  assert.equal(seen.size, 8);
});

Deno.test("keys depend on the secret and on everything that was said", () => {
  const keyOf = (first: HandshakeParty, second: HandshakeParty): string => {
    const { dialer } = shake(first, second);
    assert.ok(dialer.kind === "proven");
    return dialer.keys.send.toHex();
  };
  const secret = "another secret!!";
  const all = [
    keyOf(party(1), party(2)),
    keyOf(party(1, { secret }), party(2, { secret })),
    keyOf(party(1, { clusterId: "" }), party(2)),
    keyOf(party(1), party(2, { clusterId: "" })),
  ];
  assert.equal(new Set(all).size, all.length);
});

Deno.test("while a secret is changed, members with the old one, the new one or both talk", () => {
  const [old, young] = ["the secret until now", "the secret from now on"];
  const parties = [
    { secret: old },
    { secret: young, previous: old },
    { secret: young },
  ];
  const talk = (a: number, b: number): boolean => {
    const { acceptor, dialer } = shake(
      party(1, parties[a]),
      party(2, parties[b]),
    );
    if (dialer.kind !== "proven") {
      refused(acceptor, "secret");
      refused(dialer, "secret");
      return false;
    }
    assert.ok(acceptor?.kind === "proven");
    assert.deepEqual(acceptor.keys.send, dialer.keys.receive);
    return true;
  };
  assert.deepEqual([talk(0, 1), talk(1, 0), talk(1, 1)], [true, true, true]);
  assert.deepEqual([talk(1, 2), talk(2, 1)], [true, true]);
  assert.deepEqual([talk(0, 2), talk(2, 0)], [false, false]);
});

/** Public keys with which every private key agrees on zeros (RFC 7748 §6.1). */
const FORCED = [
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
];

for (const hex of FORCED) {
  Deno.test(`the public key ${hex.slice(0, 8)}… is refused by both sides, though its owner knows the secret`, () => {
    const keys = party(1).keys;
    const forced = {
      ...party(1),
      keys: { publicKey: Uint8Array.fromHex(hex) } as unknown as EphemeralKeys,
    };
    const run = shakeWithForced(forced);
    refused(run.acceptor, "malformed");
    const dialer = new DialerHandshake(party(2), "control", 1);
    const acceptor = new AcceptorHandshake(
      {
        ...forced,
        keys: Object.assign(keys, { publicKey: forced.keys.publicKey }),
      },
      anyone,
    );
    const hello = dialer.receive(acceptor.challenge());
    assert.ok(hello.kind === "continue");
    const welcome = acceptor.receive(hello.reply);
    // Its owner goes on with whatever it agreed on; the dialer does not.
    assert.ok(welcome.reply !== null);
    const outcome = dialer.receive(welcome.reply);
    assert.ok(outcome.kind !== "continue");
    refused(outcome, "malformed");
  });
}

function shakeWithForced(
  forced: HandshakeParty,
): { acceptor: Proven | HandshakeRefusal } {
  const acceptor = new AcceptorHandshake(party(2), anyone);
  const hello = new DialerHandshake(forced, "control", 2)
    .receive(acceptor.challenge());
  assert.ok(hello.kind === "continue");
  return { acceptor: acceptor.receive(hello.reply) };
}

Deno.test("a judge's objection is the refusal, with its reason and words", () => {
  const judge: JudgePeer = ({ id }) => ({
    reason: "occupied",
    detail: `${id}!`,
  });
  const run = shake(party(1), party(2), { judge });
  refused(run.acceptor, "occupied");
  refused(run.dialer, "occupied");
  assert.equal((run.acceptor as HandshakeRefusal).detail, `${identity(1).id}!`);
  assert.match((run.dialer as HandshakeRefusal).detail, /stop one of the two/);
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

Deno.test("a whole handshake is for ever these bytes", () => {
  const self = (node: number): PeerIdentity => ({
    id: `${node}.000000000000000${node}`,
    clusterId: "c",
    raftAddress: `h${node}:1`,
    apiAddress: `h${node}:2`,
    level: 3,
    groups: [{ group: 1, mark: "00000000000000ff" }],
    engine: "e",
  });
  const side = (node: number): HandshakeParty => ({
    ...party(node, {
      secret: "sixteen letters!",
      previous: "letters sixteen!",
    }),
    self: self(node),
  });
  const { challenge, hello, acceptor, dialer } = shake(side(1), side(2), {
    lane: "bulk",
  });
  assert.ok(acceptor?.kind === "proven" && dialer.kind === "proven");
  assert.deepEqual({
    challenge: challenge.toHex(),
    hello: hello?.toHex(),
    welcome: acceptor.reply?.toHex(),
    fromDialer: dialer.keys.send.toHex(),
    fromAcceptor: dialer.keys.receive.toHex(),
  }, FROZEN);
});

/** Computed by this code in its first release, and again with Python's cryptography package. */
const FROZEN = {
  challenge:
    "0105ce8d3ad1ccb633ec7b70c17814a5c76ecd029685050d344745ba05870e58" +
    "7d5912000000322e303030303030303030303030303030320100000063040000" +
    "0068323a310400000068323a32030000000101000000ff000000000000000100" +
    "000065",
  hello: "020501a4e09292b651c278b9772c569f5fa9bb13d906b46ab68c9df9dc2b4409" +
    "f8a20912000000312e3030303030303030303030303030303101000000630400" +
    "000068313a310400000068313a32030000000101000000ff0000000000000001" +
    "000000650263980efc2836a1050dfb3f7625dff6b2e8d988b8bfea887cf45d2e" +
    "4b56a27c3483d7aed9c15da58df825a02ab3c70b04d9bca3f70fe4e760a36a0b" +
    "9dcbb657cf",
  welcome: "0305247e8c3859d9a7224ebbc8bfa60cc5ca5a73553bf0842de1bdeebc45ec7d" +
    "5d1d",
  fromDialer:
    "6949bcf9779f1fabc934a2ef5743d8ea2c8f205662f0ce9cef85de34a109acfd",
  fromAcceptor:
    "bed910377d2750eb98deae503140671bc5ac969f375ae62596ddd325ef5fde38",
};
