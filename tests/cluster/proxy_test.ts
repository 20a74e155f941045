import { deepEqual, equal, notDeepEqual, ok } from "node:assert/strict";
import { encodeFrame, FrameKind } from "../../src/network/frame.ts";
import type { PeerNetwork } from "../../src/network/port.ts";
import { SECRET, SocketArena } from "../network/arena.ts";
import { up } from "../network/contract.ts";
import type { Disturbance } from "./network.ts";
import { TcpProxy } from "./proxy.ts";

/** A server that answers every byte with its double, behind a proxy. */
function setUp(): { proxy: TcpProxy } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving: Promise<void>[] = [];
  const accepting = (async () => {
    for await (const connection of listener) serving.push(double(connection));
  })().catch(() => {});
  const proxy = new TcpProxy(listener.addr.port);
  return {
    proxy,
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      listener.close();
      await accepting;
      await Promise.all(serving);
    },
  };
}

async function double(connection: Deno.TcpConn): Promise<void> {
  const buffer = new Uint8Array(16);
  try {
    for (;;) {
      const length = await connection.read(buffer);
      if (length === null) break;
      await connection.write(
        buffer.subarray(0, length).map((byte) => 2 * byte),
      );
    }
  } catch {
    // Broken by the proxy.
  }
  connection.close();
}

async function answer(connection: Deno.TcpConn): Promise<number | undefined> {
  const buffer = new Uint8Array(1);
  const length = await connection.read(buffer).catch(() => null);
  return length === null ? undefined : buffer[0];
}

Deno.test("TcpProxy forwards both ways", async () => {
  await using set = setUp();
  using connection = await Deno.connect({ port: set.proxy.port });
  await connection.write(new Uint8Array([21]));
  equal(await answer(connection), 42);
});

for (const side of ["dialer", "dialed"] as const) {
  Deno.test(`TcpProxy.hold() keeps back what the ${side} sends until heal()`, async () => {
    await using set = setUp();
    using connection = await Deno.connect({ port: set.proxy.port });
    await connection.write(new Uint8Array([1]));
    equal(await answer(connection), 2);
    set.proxy.hold(side);
    await connection.write(new Uint8Array([2]));
    const late = answer(connection);
    const healed = new Promise<undefined>((resolve) =>
      setTimeout(() => {
        resolve(undefined);
        set.proxy.heal();
      }, 50)
    );
    deepEqual(await Promise.race([late, healed]), undefined);
    equal(await late, 4);
  });
}

Deno.test("TcpProxy.disturb() breaks connections and lets them be dialed again", async () => {
  await using set = setUp();
  set.proxy.disturb("dialer", { breakPercent: 100 });
  {
    using broken = await Deno.connect({ port: set.proxy.port });
    await broken.write(new Uint8Array([1]));
    equal(await answer(broken), undefined);
  }
  set.proxy.heal();
  using connection = await Deno.connect({ port: set.proxy.port });
  await connection.write(new Uint8Array([1]));
  equal(await answer(connection), 2);
});

Deno.test("TcpProxy closes the dialer's connection when nobody listens behind it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using proxy = new TcpProxy(port);
  using connection = await Deno.connect({ port: proxy.port });
  equal(await answer(connection), undefined);
  ok(proxy.port !== port);
});

Deno.test("TcpProxy.disturb() delays each direction by its latency", async () => {
  await using set = setUp();
  set.proxy.disturb("dialer", { latencyMs: 30 });
  set.proxy.disturb("dialed", { latencyMs: 20 });
  using connection = await Deno.connect({ port: set.proxy.port });
  const begin = performance.now();
  await connection.write(new Uint8Array([1]));
  equal(await answer(connection), 2);
  const ms = performance.now() - begin;
  ok(ms >= 50, `${ms} ms`);
});

Deno.test("TcpProxy.disturb() keeps the order under jitter", async () => {
  await using set = setUp();
  set.proxy.disturb("dialer", { jitterMs: 20 });
  using connection = await Deno.connect({ port: set.proxy.port });
  const sent = Array.from({ length: 20 }, (_, i) => i);
  for (const byte of sent) {
    await connection.write(new Uint8Array([byte]));
    // A chunk of its own, so that each is delayed by itself.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const got: (number | undefined)[] = [];
  while (got.length < sent.length) got.push(await answer(connection));
  deepEqual(got, sent.map((byte) => 2 * byte));
});

/** Length of a message that takes several records, bytes. */
const LONG = 600_000;
const MESSAGES = 40;

/** What arrives of numbered messages that a member sends behind a disturbed proxy, by kind. */
async function arrivals(
  disturbance: Disturbance,
  expected: number,
): Promise<Record<"raft" | "request" | "other", number[]>> {
  const arena = new SocketArena({ keepaliveMs: 20 });
  const { address } = arena.address(2);
  await using proxy = new TcpProxy(
    Number(address.split(":")[1]),
    "127.0.0.1",
    undefined,
    SECRET,
  );
  const dialer = arena.member(1, {
    addresses: [{ id: 2, address: `127.0.0.1:${proxy.port}` }],
  });
  const dialed = arena.member(2);
  dialer.network.start();
  dialed.network.start();
  try {
    await up(dialer, dialed);
    proxy.disturb("dialed", disturbance);
    sendAll(dialed.network);
    const { recorder } = dialer;
    await recorder.until(
      "all messages",
      () => recorder.count("frame") >= expected,
    );
    equal(recorder.count("down"), 0);
    return byKind(recorder.frames("control"));
  } finally {
    await arena.close();
  }
}

function byKind(
  messages: readonly Uint8Array[],
): Record<"raft" | "request" | "other", number[]> {
  const got: ReturnType<typeof byKind> = { raft: [], request: [], other: [] };
  for (const message of messages) {
    const [kind, , number] = message as unknown as number[];
    const name = message.length > 3
      ? "other"
      : kind === FrameKind.raft
      ? "raft"
      : "request";
    got[name].push(number!);
  }
  return got;
}

/** Requests and Raft messages by turns, one long Raft message in the middle. */
function sendAll(network: PeerNetwork): void {
  const send = (kind: number, body: Uint8Array): void =>
    ok(network.send(1, "control", encodeFrame(kind, body)));
  for (let number = 0; number < MESSAGES; number++) {
    for (const kind of [FrameKind.request, FrameKind.raft]) {
      send(kind, Uint8Array.of(number));
    }
    if (number === MESSAGES / 2) send(FrameKind.raft, new Uint8Array(LONG));
  }
}

const NUMBERS = Array.from({ length: MESSAGES }, (_, i) => i);
/** Beside the numbered ones: a long one. */
const OTHERS = 1;

Deno.test("TcpProxy.disturb() doubles Raft messages, and nothing else", async () => {
  const { raft, request, other } = await arrivals(
    { duplicatePercent: 100, astrayMs: 20 },
    3 * MESSAGES + OTHERS + 1,
  );
  deepEqual(request, NUMBERS);
  const twice = NUMBERS.flatMap((number) => [number, number]);
  deepEqual(raft.toSorted((a, b) => a - b), twice);
  equal(other.length, OTHERS + 1, "the long one twice");
});

Deno.test("TcpProxy.disturb() lets Raft messages be overtaken, and nothing else", async () => {
  const { raft, request, other } = await arrivals(
    { reorderPercent: 50, astrayMs: 50 },
    2 * MESSAGES + OTHERS,
  );
  deepEqual(request, NUMBERS);
  notDeepEqual(raft, NUMBERS);
  deepEqual(raft.toSorted((a, b) => a - b), NUMBERS);
  equal(other.length, OTHERS);
});
