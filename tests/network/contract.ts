import assert from "node:assert/strict";
import type {
  Lane,
  NetworkEvents,
  PeerAddress,
  PeerIdentity,
  PeerNetwork,
} from "../../src/network/port.ts";
import type { NodeId } from "../../src/raft/types.ts";

/** How long a test waits for something that must happen, ms. */
const PATIENCE_MS = 20_000;

/** Something a network told its member. */
export type Told =
  | { readonly kind: "up"; readonly peer: PeerIdentity }
  | { readonly kind: "down"; readonly node: NodeId }
  | {
    readonly kind: "frame";
    readonly from: PeerIdentity;
    readonly lane: Lane;
    readonly bytes: Uint8Array;
  };

/** Records what a network tells and lets tests wait for it. */
export class Recorder implements NetworkEvents {
  readonly told: Told[] = [];
  /** Called at every event, after it was recorded. */
  onEvent: (told: Told) => void = () => {};
  #waiting: (() => void)[] = [];

  frame(from: PeerIdentity, lane: Lane, bytes: Uint8Array): void {
    this.#record({ kind: "frame", from, lane, bytes });
  }
  linkUp(peer: PeerIdentity): void {
    this.#record({ kind: "up", peer });
  }
  linkDown(node: NodeId): void {
    this.#record({ kind: "down", node });
  }

  /** The frames of a lane in the order of arrival. */
  frames(lane: Lane): Uint8Array[] {
    return this.told.flatMap((told) =>
      told.kind === "frame" && told.lane === lane ? [told.bytes] : []
    );
  }

  /** How many events of a kind there were. */
  count(kind: Told["kind"]): number {
    return this.told.filter((told) => told.kind === kind).length;
  }

  /** Waits until `condition` holds; looks again after every event. */
  async until(what: string, condition: () => boolean): Promise<void> {
    let expired = false;
    const timer = setTimeout(() => {
      expired = true;
      this.wake();
    }, PATIENCE_MS);
    try {
      while (!condition()) {
        assert.ok(!expired, `waited in vain: ${what}`);
        await new Promise<void>((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #record(told: Told): void {
    this.told.push(told);
    this.onEvent(told);
    this.wake();
  }

  /** Makes those who wait look again. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** A member of a network under test. */
export interface Contestant {
  readonly network: PeerNetwork;
  readonly recorder: Recorder;
  readonly identity: PeerIdentity;
  /** Ends it as a process does; another one can be made for the same node. */
  stop(): Promise<void>;
}

/** What the contract needs from an implementation. */
export interface Arena {
  /** Makes a member; not started. Lanes hold {@linkcode QUEUE_BYTES}, messages are at most {@linkcode MESSAGE_BYTES}. */
  member(
    node: NodeId,
    options?: { incarnation?: string; clusterId?: string; peers?: NodeId[] },
  ): Contestant;
  /** Where a node listens. */
  address(node: NodeId): PeerAddress;
  /** Stops all members. */
  close(): Promise<void>;
}

/** The lane limits that arenas set. */
export const QUEUE_BYTES: Readonly<Record<Lane, number>> = {
  control: 1 << 20,
  bulk: 8 << 20,
};

/** The message limit that arenas set. */
export const MESSAGE_BYTES = 4 << 20;

/** The identity of a node in the contract tests. */
export function identityOf(
  node: NodeId,
  raftAddress: string,
  options: { incarnation?: string; clusterId?: string } = {},
): PeerIdentity {
  return {
    id: `${node}.${options.incarnation ?? String(node).repeat(16)}`,
    clusterId: options.clusterId ?? "",
    raftAddress,
    apiAddress: `api.${node}`,
    level: 1,
    groups: [],
    engine: "",
  };
}

/** Starts two members and waits until each has a link with the other. */
export async function linked(
  arena: Arena,
): Promise<[Contestant, Contestant]> {
  const a = arena.member(1);
  const b = arena.member(2);
  a.network.start();
  b.network.start();
  await up(a, b);
  return [a, b];
}

/** Waits until two members see a link with each other. */
export async function up(a: Contestant, b: Contestant): Promise<void> {
  const sees = (one: Contestant, other: Contestant): boolean =>
    one.network.peer(Number(other.identity.id.split(".")[0]))?.id ===
      other.identity.id;
  await a.recorder.until("link up", () => sees(a, b));
  await b.recorder.until("link up", () => sees(b, a));
}

/** A frame with a number in it. */
export function numbered(value: number, size = 4): Uint8Array {
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** The number in a frame. */
export function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

/** Registers the tests that every implementation of the port passes. */
export function networkContract(name: string, build: () => Arena): void {
  const test = (
    title: string,
    body: (arena: Arena) => Promise<void>,
  ): void => {
    Deno.test(`${name} ${title}`, async () => {
      const arena = build();
      try {
        await body(arena);
      } finally {
        await arena.close();
      }
    });
  };

  test("links members and proves who they are", async (arena) => {
    const [a, b] = await linked(arena);
    assert.deepEqual(a.network.peer(2), b.identity);
    assert.deepEqual(b.recorder.told, [{ kind: "up", peer: a.identity }]);
  });

  test("delivers in order within each lane, both ways", async (arena) => {
    const [a, b] = await linked(arena);
    for (let i = 0; i < 1000; i++) {
      assert.ok(a.network.send(2, "bulk", numbered(i, 4 + (i % 300) * 10)));
      assert.ok(a.network.send(2, "control", numbered(i)));
      assert.ok(b.network.send(1, "bulk", numbered(i)));
    }
    const all = Array.from({ length: 1000 }, (_, i) => i);
    await b.recorder.until("frames", () => b.recorder.count("frame") === 2000);
    await a.recorder.until("frames", () => a.recorder.count("frame") === 1000);
    assert.deepEqual(b.recorder.frames("bulk").map(numberOf), all);
    assert.deepEqual(b.recorder.frames("control").map(numberOf), all);
    assert.deepEqual(a.recorder.frames("bulk").map(numberOf), all);
  });

  test("delivers a long message whole, and an empty one", async (arena) => {
    const [a, b] = await linked(arena);
    const long = new Uint8Array(MESSAGE_BYTES);
    for (let i = 0; i < long.length; i += 997) long[i] = i;
    a.network.send(2, "bulk", long);
    a.network.send(2, "bulk", new Uint8Array(0));
    await b.recorder.until("both", () => b.recorder.count("frame") === 2);
    const [first, second] = b.recorder.frames("bulk");
    assert.ok(first!.every((byte, i) => byte === long[i]));
    assert.equal(first!.length, long.length);
    assert.equal(second!.length, 0);
  });

  test("leaves the sender its buffer", async (arena) => {
    const [a, b] = await linked(arena);
    const buffer = numbered(7);
    a.network.send(2, "bulk", buffer);
    buffer.fill(0xff);
    await b.recorder.until("a frame", () => b.recorder.count("frame") === 1);
    assert.equal(numberOf(b.recorder.frames("bulk")[0]!), 7);
  });

  test("send() throws too_large above the message limit", async (arena) => {
    const [a] = await linked(arena);
    const bytes = new Uint8Array(MESSAGE_BYTES + 1);
    assert.throws(() => a.network.send(2, "bulk", bytes), {
      code: "too_large",
    });
  });

  test("send() returns false without a link", async (arena) => {
    const a = arena.member(1);
    assert.equal(a.network.send(2, "control", numbered(1)), false);
    a.network.start();
    assert.equal(a.network.send(2, "control", numbered(1)), false);
    assert.equal(a.network.send(99, "control", numbered(1)), false);
    assert.equal(a.network.peer(2), undefined);
    assert.equal(a.network.queued(2, "control"), 0);
    await a.stop();
  });

  test("send() returns false when the lane is full, and again true when it is not", async (arena) => {
    const [a, b] = await linked(arena);
    const size = 64 << 10;
    let taken = 0;
    while (a.network.send(2, "control", numbered(taken, size))) taken++;
    assert.equal(taken, QUEUE_BYTES.control / size);
    assert.equal(a.network.queued(2, "control"), QUEUE_BYTES.control);
    assert.ok(a.network.send(2, "bulk", numbered(1)), "the other lane is free");
    await b.recorder.until(
      "what was taken",
      () => b.recorder.frames("control").length === taken,
    );
    assert.ok(a.network.send(2, "control", numbered(taken)));
    await b.recorder.until(
      "one more",
      () => b.recorder.frames("control").length === taken + 1,
    );
    assert.deepEqual(
      b.recorder.frames("control").map(numberOf),
      Array.from({ length: taken + 1 }, (_, i) => i),
    );
  });

  test("delivers between linkUp and linkDown only, also what is sent at once", async (arena) => {
    const a = arena.member(1);
    const b = arena.member(2);
    for (const [one, other] of [[a, 2], [b, 1]] as const) {
      one.recorder.onEvent = ({ kind }) => {
        if (kind !== "up") return;
        assert.ok(one.network.send(other, "bulk", numbered(1)));
        assert.ok(one.network.send(other, "control", numbered(1)));
      };
    }
    a.network.start();
    b.network.start();
    for (const { recorder } of [a, b]) {
      await recorder.until("two", () => recorder.count("frame") === 2);
      assert.equal(recorder.told[0]!.kind, "up");
    }
  });

  test("tells linkDown when the peer ends, and linkUp when it is back", async (arena) => {
    const [a, b] = await linked(arena);
    await b.stop();
    await a.recorder.until("down", () => a.recorder.count("down") === 1);
    assert.equal(a.network.send(2, "control", numbered(1)), false);
    const again = arena.member(2);
    again.network.start();
    await up(a, again);
    assert.deepEqual(a.recorder.told.map((told) => told.kind), [
      "up",
      "down",
      "up",
    ]);
    assert.ok(a.network.send(2, "control", numbered(2)));
    await again.recorder.until(
      "a frame",
      () => again.recorder.count("frame") === 1,
    );
  });

  test("takes a returning node for the new incarnation it is", async (arena) => {
    const [a, b] = await linked(arena);
    await b.stop();
    const heir = arena.member(2, { incarnation: "00000000000000ff" });
    heir.network.start();
    await up(a, heir);
    assert.equal(a.network.peer(2)?.id, "2.00000000000000ff");
    heir.network.send(1, "bulk", numbered(5));
    await a.recorder.until("a frame", () => a.recorder.count("frame") === 1);
    const last = a.recorder.told.at(-1);
    assert.ok(last?.kind === "frame");
    assert.equal(last.from.id, "2.00000000000000ff");
  });

  test("setIdentity() breaks the link and makes it under the new identity", async (arena) => {
    const [a, b] = await linked(arena);
    const changed = { ...a.identity, clusterId: "c1" };
    a.network.setIdentity(changed);
    await b.recorder.until("up again", () => b.recorder.count("up") === 2);
    assert.deepEqual(b.recorder.told.slice(1), [
      { kind: "down", node: 1 },
      { kind: "up", peer: changed },
    ]);
    await a.recorder.until("up again", () => a.recorder.count("up") === 2);
    assert.equal(a.recorder.count("down"), 1);
  });

  test("setPeers() drops the links of peers it leaves out and makes those it adds", async (arena) => {
    const [a, b] = await linked(arena);
    a.network.setPeers([]);
    assert.equal(a.network.peer(2), undefined);
    await b.recorder.until("down", () => b.recorder.count("down") === 1);
    a.network.setPeers([arena.address(2)]);
    await up(a, b);
  });

  test("links three members pairwise", async (arena) => {
    const nodes = [1, 2, 3];
    const members = nodes.map((node) =>
      arena.member(node, { peers: nodes.filter((other) => other !== node) })
    );
    for (const { network } of members) network.start();
    for (const one of members) {
      for (const other of members) if (one !== other) await up(one, other);
    }
    members[0]!.network.send(3, "bulk", numbered(13));
    await members[2]!.recorder.until(
      "a frame",
      () => members[2]!.recorder.count("frame") === 1,
    );
    assert.equal(members[1]!.recorder.count("frame"), 0);
  });

  test("close() tells linkDown, is final and idempotent", async (arena) => {
    const [a, b] = await linked(arena);
    await a.network.close();
    await a.network.close();
    assert.equal(a.recorder.count("down"), 1);
    assert.equal(a.network.send(2, "bulk", numbered(1)), false);
    await b.recorder.until("down", () => b.recorder.count("down") === 1);
  });
}
