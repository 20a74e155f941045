import { deepEqual, equal, ok } from "node:assert/strict";
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

Deno.test("TcpProxy.degrade() breaks connections and lets them be dialed again", async () => {
  await using set = setUp();
  set.proxy.degrade({ delayMs: 1, breakPerMille: 1000 });
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
