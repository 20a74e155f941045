import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { setTimeout as delay } from "node:timers/promises";
import { PeerLinks } from "../../src/network/links.ts";
import { RaftListener } from "../../src/network/listener/raft_listener.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { SECRET, SocketArena, type SocketMember } from "./arena.ts";
import { identityOf, linked, numbered, up } from "./contract.ts";
import { dialRaw, Relay } from "./raw.ts";

/** Lines of warning and above. */
function complaints(member: SocketMember): string[] {
  return member.lines.filter((line) => !line.startsWith("info"));
}

Deno.test("PeerLinks with different secrets log one error each, without a secret, and keep backing off", async () => {
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
  const a = arena.member(1, { secret: "secret-of-one" });
  const b = arena.member(2, { secret: "secret-of-two" });
  a.network.start();
  b.network.start();
  for (const member of [a, b]) {
    await member.recorder.until("many attempts", () => member.asked >= 30);
    await member.logged(
      /error refused a connection from 127.0.0.1: the Raft secret of node/,
    );
    await member.logged(/error no link with node .*: the Raft secrets differ/);
    const lines = complaints(member).join("\n");
    assert.equal(lines.match(/refused a connection/g)?.length, 1);
    assert.equal(lines.match(/no link with node/g)?.length, 1);
    assert.doesNotMatch(lines, /secret-of/);
    assert.deepEqual(member.recorder.told, []);
  }
  await arena.close();
});

Deno.test("PeerLinks of different clusters refuse one another by name", async () => {
  const arena = new SocketArena();
  const a = arena.member(1, { clusterId: "blue" });
  const b = arena.member(2, { clusterId: "green" });
  a.network.start();
  b.network.start();
  await a.logged(/node 2 at .* belongs to another cluster: green.*blue/);
  await b.logged(/node 1 at .* belongs to another cluster: blue.*green/);
  assert.equal(a.network.peer(2), undefined);
  await arena.close();
});

Deno.test("PeerLinks that reach themselves say so", async () => {
  const arena = new SocketArena();
  const { address } = arena.address(1);
  const a = arena.member(1, { addresses: [{ id: 2, address }] });
  a.network.start();
  await a.logged(/error no link with node 2 .*own node id 1/);
  await arena.close();
});

Deno.test("§1.4 PeerLinks that find another node than the dialed one name both", async () => {
  const arena = new SocketArena();
  const { address } = arena.address(3);
  const a = arena.member(1, { addresses: [{ id: 2, address }] });
  const c = arena.member(3, { peers: [1] });
  a.network.start();
  c.network.start();
  await a.logged(/error no link with node 2 .*dialed node 2 and found node 3/);
  assert.equal(c.network.peer(1), undefined);
  await arena.close();
});

Deno.test("PeerLinks tell once that a peer cannot be reached, or that its address makes no sense", async () => {
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 5 });
  const a = arena.member(1, {
    addresses: [arena.address(2), { id: 3, address: "no address:at all" }],
  });
  a.network.start();
  await a.logged(/warn cannot reach node 2 at 127.0.0.1:\d+, still trying/);
  await a.logged(/warn cannot reach node 3 at no address:at all/);
  const late = arena.member(2);
  late.network.start();
  await up(a, late);
  assert.equal(complaints(a).length, 2);
  await arena.close();
});

Deno.test("PeerLinks dial at once when the peer comes back, however long the backoff", async () => {
  const arena = new SocketArena({
    backoffMinMs: 600_000,
    backoffMaxMs: 600_000,
  });
  const a = arena.member(1);
  a.network.start();
  await a.logged(/cannot reach node 2/);
  const b = arena.member(2);
  b.network.start();
  await up(a, b);
  await arena.close();
});

Deno.test("§1.4 setPeers() follows a peer to another address", async () => {
  const arena = new SocketArena();
  const elsewhere = new SocketArena();
  const [a, b] = await linked(arena);
  await b.stop();
  const moved = elsewhere.member(2, { addresses: [arena.address(1)] });
  moved.network.start();
  a.network.setPeers([elsewhere.address(2)]);
  await up(a, moved);
  await elsewhere.close();
  await arena.close();
});

Deno.test("a peer that moved is found where it says it is, though this member was not told", async () => {
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 5 });
  const elsewhere = new SocketArena();
  const a = arena.member(1);
  const b = arena.member(2);
  a.network.start();
  b.network.start();
  await up(a, b);
  await b.stop();
  const moved = elsewhere.member(2, { addresses: [arena.address(1)] });
  moved.network.start();
  await up(a, moved);
  await a.logged(
    /warn node 2 cannot be reached at .* and says that it is at 127.0.0.1:\d+: trying there/,
  );
  // What is configured comes first again.
  await moved.stop();
  const back = arena.member(2);
  back.network.start();
  await up(a, back);
  await elsewhere.close();
  await arena.close();
});

Deno.test("another incarnation of a node is refused in words while the one that is linked lives, and let in when it does not", async () => {
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
  const elsewhere = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
  const [a, b] = await linked(arena) as [SocketMember, SocketMember];
  const twin = elsewhere.member(2, {
    incarnation: "00000000000000ff",
    addresses: [arena.address(1)],
  });
  const asked = a.asked;
  twin.network.start();
  await a.logged(
    /warn refused a connection .*two processes say that they are node 2: 2\.2222222222222222 at .* lives, and 2\.00000000000000ff at/,
  );
  await twin.logged(
    /warn no link with node 1 .*another process with this node id .* lives: stop one of the two/,
  );
  await a.recorder.until("many attempts", () => a.asked >= asked + 20);
  assert.equal(a.recorder.count("down") + b.recorder.count("down"), 0);
  assert.deepEqual(twin.recorder.told, []);
  assert.ok(a.network.refusals >= 18);
  await b.stop();
  await elsewhere.close();
  const heir = arena.member(2, { incarnation: "00000000000000ff" });
  heir.network.start();
  await up(a, heir);
  await arena.close();
});

Deno.test("members that change their identity at the same time, whatever the moment, are linked at once", async () => {
  const arena = new SocketArena();
  const [a, b] = await linked(arena);
  for (let round = 1; round <= 40; round++) {
    const begin = performance.now();
    const id = (node: number): string =>
      `${node}.${String(round).padStart(16, "0")}`;
    a.network.setIdentity({ ...a.identity, id: id(1) });
    await delay(round % 20);
    b.network.setIdentity({ ...b.identity, id: id(2) });
    while (a.network.peer(2)?.id !== id(2) || b.network.peer(1)?.id !== id(1)) {
      const took = performance.now() - begin;
      assert.ok(took < 3000, `not linked after ${took} ms in round ${round}`);
      await delay(5);
    }
  }
  await arena.close();
});

Deno.test("a second connection for a lane replaces the first, which is a broken link", async () => {
  const arena = new SocketArena();
  const [a, b] = await linked(arena);
  const { link } = await dialRaw(a.identity.raftAddress, {
    self: b.identity,
    secret: SECRET,
    lane: "bulk",
    expected: 1,
  });
  await a.recorder.until("down", () => a.recorder.count("down") > 0);
  await b.recorder.until("down", () => b.recorder.count("down") > 0);
  link.close();
  await arena.close();
});

Deno.test("a connection that goes silent without being closed is noticed, and replaced when it speaks again", async () => {
  const arena = new SocketArena({ keepaliveMs: 50, deadMs: 300 });
  const toA = new Relay(arena.address(1).address);
  const toB = new Relay(arena.address(2).address);
  const a = arena.member(1, { addresses: [{ id: 2, address: toB.address }] });
  const b = arena.member(2, { addresses: [{ id: 1, address: toA.address }] });
  a.network.start();
  b.network.start();
  await up(a, b);
  toA.swallow();
  toB.swallow();
  for (const { recorder } of [a, b]) {
    await recorder.until("down", () => recorder.count("down") === 1);
  }
  toA.release();
  toB.release();
  await up(a, b);
  await arena.close();
  await toA.close();
  await toB.close();
});

Deno.test("a one-way silence takes the link down on both sides", async () => {
  const arena = new SocketArena({ keepaliveMs: 50, deadMs: 300 });
  const toA = new Relay(arena.address(1).address);
  const a = arena.member(1);
  const b = arena.member(2, { addresses: [{ id: 1, address: toA.address }] });
  a.network.start();
  b.network.start();
  await up(a, b);
  // What b dialed goes silent, what a dialed still works.
  toA.swallow();
  for (const { recorder } of [a, b]) {
    await recorder.until("down", () => recorder.count("down") === 1);
  }
  await arena.close();
  await toA.close();
});

Deno.test("keepalives hold an idle link", async () => {
  const arena = new SocketArena({ keepaliveMs: 50, deadMs: 400 });
  const [a, b] = await linked(arena);
  // The passing of time is the subject here: three times what may be silent.
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  assert.equal(a.recorder.count("down") + b.recorder.count("down"), 0);
  await arena.close();
});

Deno.test("a member that did not run for a while does not blame its peers", async () => {
  const arena = new SocketArena();
  const b = arena.member(2);
  b.network.start();
  let jump = 0;
  const told: string[] = [];
  const lanes = Promise.withResolvers<void>();
  const ticks: (() => void)[] = [];
  const { address } = arena.address(1);
  const links = new PeerLinks({
    self: identityOf(1, address),
    secrets: [SECRET],
    peers: [arena.address(2)],
    events: {
      frame() {},
      linkUp: () => lanes.resolve(),
      linkDown: () => told.push("down"),
    },
    clock: { monotonic: () => performance.now() + jump, wall: () => 0 },
    timers: {
      after(_ms, callback) {
        ticks.push(callback);
        return () => {};
      },
    },
  });
  const listener = new RaftListener({
    at: { hostname: "127.0.0.1", port: Number(address.split(":")[1]) },
    logger: silentLogger,
    links,
    answer: () => null,
    failed: () => {},
    mayOpen: () => true,
  });
  links.start();
  await lanes.promise;
  jump = 500;
  ticks.shift()!();
  jump = 3_600_000;
  ticks.shift()!();
  assert.deepEqual(told, []);
  // The next ticks come in time, and the peer is still silent: now it counts.
  jump += 500;
  ticks.shift()!();
  assert.deepEqual(told, []);
  for (let elapsed = 0; elapsed < 3_000; elapsed += 500) {
    jump += 500;
    ticks.shift()!();
  }
  assert.deepEqual(told, ["down"]);
  const closed = links.close();
  await b.stop();
  await closed;
  await listener.shutdown();
});

// Over loopback, whose segments hold 64 KB, Nagle's algorithm shows from 1 KB to
// 64 KB only; over Ethernet it shows at 100 KB as well.
for (const size of [2_000, 32_000, 100_000]) {
  Deno.test(`an append of ${size} bytes does not wait for a delayed acknowledgement of TCP`, async () => {
    const arena = new SocketArena();
    const [a, b] = await linked(arena);
    b.recorder.onEvent = (told) => {
      if (told.kind === "frame") b.network.send(1, "control", numbered(0));
    };
    const rounds: number[] = [];
    for (let round = 1; round <= 20; round++) {
      const started = performance.now();
      a.network.send(2, "bulk", new Uint8Array(size));
      await a.recorder.until("ack", () => a.recorder.count("frame") === round);
      rounds.push(performance.now() - started);
    }
    const median = rounds.sort((x, y) => x - y)[10]!;
    assert.ok(median < 40, `median round trip ${median} ms`);
    await arena.close();
  });
}

for (const size of [100, 4_096]) {
  Deno.test(`four messages of ${size} bytes in a row do not wait for one another`, async () => {
    const arena = new SocketArena();
    const [a, b] = await linked(arena);
    const rounds: number[] = [];
    for (let round = 1; round <= 50; round++) {
      const started = performance.now();
      for (let i = 0; i < 4; i++) {
        a.network.send(2, "bulk", new Uint8Array(size));
        // Not in one record: each is sent in a turn of its own.
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
      const all = 4 * round;
      await b.recorder.until(
        "all four",
        () => b.recorder.count("frame") === all,
      );
      rounds.push(performance.now() - started);
    }
    const median = rounds.sort((x, y) => x - y)[25]!;
    // A delayed acknowledgement takes 40 ms.
    assert.ok(median < 40, `median ${median} ms`);
    await arena.close();
  });
}

Deno.test("a secret is changed member by member, and each pair stays linked", async () => {
  const [old, young] = ["the secret until now", "the secret from now on"];
  const both = { secret: young, previous: old };
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
  let a = arena.member(1, { secret: old });
  let b = arena.member(2, { secret: old });
  a.network.start();
  b.network.start();
  await up(a, b);
  for (const now of [both, { secret: young }]) {
    await a.stop();
    a = arena.member(1, now);
    a.network.start();
    await up(a, b);
    await b.stop();
    b = arena.member(2, now);
    b.network.start();
    await up(a, b);
    assert.deepEqual(
      [a, b].flatMap(complaints).filter((line) => line.includes("secret")),
      [],
    );
  }
  await arena.close();
});

Deno.test("control frames overtake 50 MB on the bulk lane", async () => {
  const arena = new SocketArena();
  const [a, b] = await linked(arena);
  const messages = 50;
  let bulk = 0;
  b.recorder.onEvent = (told) => {
    if (told.kind !== "frame") return;
    if (told.lane === "bulk") bulk++;
    else b.network.send(1, "control", numbered(bulk));
  };
  for (let i = 0; i < messages; i++) {
    assert.ok(a.network.send(2, "bulk", new Uint8Array(1 << 20)));
  }
  // How much came meanwhile, not how long it took: that says how busy the machine is.
  const meanwhile: number[] = [];
  let before = 0;
  while (bulk < messages) {
    const had = bulk;
    a.network.send(2, "control", numbered(0));
    const count = meanwhile.length + 1;
    await a.recorder.until("ack", () => a.recorder.count("frame") === count);
    if (bulk < messages) before++;
    meanwhile.push(bulk - had);
  }
  const median = meanwhile.sort((x, y) => x - y)[meanwhile.length >> 1]!;
  assert.ok(before >= 5, `${before} round trips before the bulk was there`);
  assert.ok(median < messages / 5, `${median} MB of bulk in a round trip`);
  await arena.close();
});
