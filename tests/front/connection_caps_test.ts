import assert from "node:assert/strict";
import { ConnectionCaps, type Guest } from "../../src/front/connection_caps.ts";
import { FRONT_LIMITS } from "../../src/front/protocol.ts";

const LIMITS = {
  ...FRONT_LIMITS,
  connections: 6,
  handshakes: 2,
  perAddress: 4,
};

class TestGuest implements Guest {
  static clock = 0;
  phase: Guest["phase"];
  readonly address: string;
  readonly lastMs = TestGuest.clock++;
  constructor(address: string, phase: Guest["phase"] = "idle") {
    this.address = address;
    this.phase = phase;
  }
}

function filled(
  guests: readonly TestGuest[],
): ConnectionCaps<TestGuest> {
  const caps = new ConnectionCaps<TestGuest>(LIMITS, "the_key");
  for (const guest of guests) {
    assert.equal(caps.enter(guest).kind, "admitted");
  }
  return caps;
}

Deno.test("one address has its own limit, and gives up what is still for longest", () => {
  const own = ["busy", "idle", "idle", "head"].map((phase) =>
    new TestGuest("a", phase as Guest["phase"])
  );
  const caps = filled(own);
  assert.deepEqual(caps.enter(new TestGuest("a")), {
    kind: "instead",
    of: own[1],
    limit: "the_key = 4 connections from one address",
  });
  assert.equal(caps.count, 4);
  assert.equal(caps.enter(new TestGuest("b")).kind, "admitted");
});

Deno.test("requests that run are never ended: the newcomer is refused", () => {
  const caps = filled(
    ["a", "a", "a", "a"].map((address) => new TestGuest(address, "busy")),
  );
  assert.deepEqual(caps.enter(new TestGuest("a")), {
    kind: "refused",
    limit: "the_key = 4 connections from one address",
  });
  assert.equal(caps.count, 4);
});

Deno.test("when all places are taken, whoever has the most gives one up", () => {
  const guests = ["a", "b", "b", "b", "c", "c"].map((address) =>
    new TestGuest(address)
  );
  const caps = filled(guests);
  const verdict = caps.enter(new TestGuest("d"));
  assert.deepEqual(verdict, {
    kind: "instead",
    of: guests[1],
    limit: "6 connections in all",
  });
  assert.equal(caps.count, 6);
  // Of those that have equally many, the newcomer's own address comes first.
  const next = caps.enter(new TestGuest("c"));
  assert.equal(next.kind === "instead" && next.of.address, "c");
});

Deno.test("who has a network of IPv6 is one crowd, whatever addresses of it they use", () => {
  const honest = [new TestGuest("10.0.0.1"), new TestGuest("2001:db8:0:1::1")];
  const crowd = [1, 2, 3, 4].map((at) => new TestGuest(`2001:db8::${at}`));
  const caps = filled([...honest, ...crowd]);
  for (const [at, address] of ["2001:db8::5", "10.0.0.2"].entries()) {
    const verdict = caps.enter(new TestGuest(address));
    assert.equal(verdict.kind === "instead" && verdict.of, crowd[at]);
  }
  for (const guest of [...honest, ...crowd]) caps.leave(guest);
  assert.equal(caps.count, 2);
});

Deno.test("handshakes have a limit of their own", () => {
  const shaking = ["a", "a"].map((address) =>
    new TestGuest(address, "handshake")
  );
  const caps = filled([...shaking, new TestGuest("b")]);
  assert.deepEqual(caps.enter(new TestGuest("c", "handshake")), {
    kind: "instead",
    of: shaking[0],
    limit: "2 TLS handshakes under way",
  });
  shaking[1]!.phase = "busy";
  assert.equal(caps.enter(new TestGuest("d", "handshake")).kind, "admitted");
});

Deno.test("who leaves makes room, once", () => {
  const guests = ["a", "b", "c", "d", "e", "f"].map((address) =>
    new TestGuest(address, "busy")
  );
  const caps = filled(guests);
  assert.equal(caps.enter(new TestGuest("g")).kind, "refused");
  caps.leave(guests[0]!);
  caps.leave(guests[0]!);
  assert.equal(caps.count, 5);
  assert.equal(caps.enter(new TestGuest("g", "busy")).kind, "admitted");
  assert.equal(caps.enter(new TestGuest("h")).kind, "refused");
});
