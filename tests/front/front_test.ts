import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { Front } from "../../src/front/front.ts";
import { FrontServer } from "../../src/front/front_server.ts";
import { FRONT_LIMITS, type FrontNews } from "../../src/front/protocol.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { poll } from "../cluster/harness.ts";
import { resetBeforeAccepted } from "../resets.ts";
import { made, TestAuthority } from "../tls/pems.ts";
import { dial, ends, withFront, withFrontTo } from "./with_front.ts";

const ENCODER = new TextEncoder();

Deno.test("what goes through a front arrives as it was, both ways, many at a time", async () => {
  const body = crypto.getRandomValues(new Uint8Array(60_000));
  await withFront(
    async (request) => new Response(await request.bytes()),
    async ({ port }) => {
      const calls = Array.from({ length: 40 }, async (_, at) => {
        const sent = body.subarray(at, 50_000 + at);
        const response = await fetch(`http://127.0.0.1:${port}/`, {
          method: "POST",
          body: sent,
        });
        assert.deepEqual(await response.bytes(), sent);
      });
      await Promise.all(calls);
    },
  );
});

Deno.test("who does not read an answer makes the server wait, and costs the front no memory", async () => {
  const chunk = new Uint8Array(64 * 1024);
  let produced = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        produced += chunk.length;
        controller.enqueue(chunk);
      },
    }, { highWaterMark: 0 });
  await withFront(() => new Response(endless()), async ({ port }) => {
    using conn = await dial(port);
    await conn.write(ENCODER.encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
    await conn.read(new Uint8Array(1));
    let before = -1;
    await poll("the server to stop producing", 20_000, () => {
      const still = produced === before;
      before = produced;
      return Promise.resolve(still);
    });
    // What the kernel keeps in three sockets, and one chunk in each of ours.
    assert.ok(produced < 64 * 1024 * 1024, `${produced} bytes`);
  });
});

Deno.test("who sends half a head is ended when its time is over; a request that runs and a connection kept for later are not", async () => {
  const release = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  await withFront(
    (request) => {
      if (!request.url.endsWith("/slow")) return new Response("quick");
      asked.resolve();
      return release.promise;
    },
    async ({ port, front, lines }) => {
      using silent = await dial(port);
      using half = await dial(port);
      await half.write(ENCODER.encode("GET / HTTP/1.1\r\nhost:"));
      using slow = await dial(port);
      await slow.write(ENCODER.encode("GET /slow HTTP/1.1\r\nhost: a\r\n\r\n"));
      using kept = await dial(port);
      const ask = ENCODER.encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await kept.write(ask);
      assert.ok(await kept.read(new Uint8Array(4096)));
      await asked.promise;
      assert.ok(await ends(silent, 20_000));
      assert.ok(await ends(half, 20_000));
      await poll(
        "the front to count them",
        20_000,
        () =>
          Promise.resolve(front.counts.late === 2 && front.counts.open === 2),
      );
      assert.ok(
        lines.some(({ message }) =>
          /no whole head of a request within 500 ms/.test(message)
        ),
      );
      // Both live on.
      await kept.write(ask);
      assert.ok(await kept.read(new Uint8Array(4096)));
      release.resolve(new Response("slow"));
      assert.ok(await slow.read(new Uint8Array(4096)));
      // A second head has its time, too.
      await kept.write(ENCODER.encode("GET /"));
      assert.ok(await ends(kept, 20_000));
    },
    { limits: { headMs: 500 } },
  );
});

Deno.test("limits of connections are named when somebody is refused, and a request that runs is never ended for another", async () => {
  const release = Promise.withResolvers<void>();
  const answer = async () => {
    await release.promise;
    return new Response("done");
  };
  await withFront(answer, async ({ port, front, lines }) => {
    const ask = ENCODER.encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    using first = await dial(port);
    await first.write(ask);
    using second = await dial(port);
    await second.write(ask);
    await poll(
      "both to run",
      20_000,
      () => Promise.resolve(front.counts.open === 2),
    );
    using third = await dial(port);
    assert.ok(await ends(third, 20_000));
    await poll(
      "the refusal",
      20_000,
      () => Promise.resolve(front.counts.refused === 1),
    );
    assert.ok(
      lines.some(({ message, fields }) =>
        message.includes(
          "api_connections_per_address = 2 connections from one address",
        ) && fields.from === "127.0.0.1"
      ),
      JSON.stringify(lines),
    );
    release.resolve();
    for (const conn of [first, second]) {
      assert.ok(await conn.read(new Uint8Array(4096)));
    }
  }, { limits: { perAddress: 2 } });
});

Deno.test("2,000 connections that say nothing keep nobody out from another address", async () => {
  await withFront(() => new Response("ok"), async ({ port, front }) => {
    const silent: Deno.Conn[] = [];
    try {
      for (let at = 0; at < 2000; at++) silent.push(await dial(port));
      const other = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal(await other.text(), "ok");
      // On a slow machine some have had their time before the limit is reached.
      const ended = () => front.counts.refused + front.counts.late;
      await poll(
        () => `the limit: ${JSON.stringify(front.counts)}`,
        20_000,
        () => Promise.resolve(ended() >= 2000 - 512),
      );
      assert.ok(front.counts.open <= 512, `${front.counts.open}`);
    } finally {
      for (const conn of silent) conn.close();
    }
  });
});

Deno.test("stop() accepts no more and waits for what is under way", async () => {
  const release = Promise.withResolvers<Response>();
  const asked = Promise.withResolvers<void>();
  await withFront(
    () => {
      asked.resolve();
      return release.promise;
    },
    async ({ port, front }) => {
      const waiting = fetch(`http://127.0.0.1:${port}/`, {
        headers: { connection: "close" },
      });
      await asked.promise;
      let stopped = false;
      const stopping = front.stop().then(() => stopped = true);
      await poll(
        "the port to be closed",
        20_000,
        () => dial(port).then((conn) => (conn.close(), false), () => true),
      );
      assert.equal(stopped, false);
      release.resolve(new Response("late"));
      assert.equal(await (await waiting).text(), "late");
      await stopping;
    },
  );
});

Deno.test("a server that ends a connection ends it for the client, and a client for the server", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await withFrontTo(listener.addr, async ({ port }) => {
    using client = await dial(port);
    const ask = ENCODER.encode("GET / HTTP/1.1\r\n\r\n");
    await client.write(ask);
    const inner = await listener.accept();
    const buffer = new Uint8Array(64);
    assert.equal(await inner.read(buffer), ask.length);
    // Half closed: the answer still comes.
    await client.closeWrite();
    assert.equal(await inner.read(buffer), null);
    await inner.write(ENCODER.encode("bye"));
    inner.close();
    assert.equal(await client.read(buffer), 3);
    assert.equal(await client.read(buffer), null);
    using second = await dial(port);
    await second.write(ask);
    const other = await listener.accept();
    second[Symbol.dispose]();
    assert.ok(await ends(other, 20_000));
    other.close();
  });
  listener.close();
});

Deno.test("a front says which key is wrong when its port is taken", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const opening = Front.open({
    key: "listen_addr_api",
    hostname: "127.0.0.1",
    port,
    inner: { hostname: "127.0.0.1", port: 1 },
    tls: null,
    limits: FRONT_LIMITS,
    addressTag: "",
    perAddressKey: "api_connections_per_address",
    logger: silentLogger,
    scarce: () => {},
  });
  await assert.rejects(opening, (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.key, "listen_addr_api");
    assert.match(error.message, /is in use by another process/);
    return true;
  });
});

Deno.test("handshakes: silence ends after its time, plain HTTP is told so, and neither reaches the server", async () => {
  const { key, chain } = made();
  let asked = 0;
  await withFront(
    () => {
      asked++;
      return new Response("no");
    },
    async ({ port, front, lines }) => {
      using silent = await dial(port);
      assert.ok(await ends(silent, 20_000));
      await poll(
        "the front to count it",
        20_000,
        () => Promise.resolve(front.counts.late === 1),
      );
      const plain = await fetch(`http://127.0.0.1:${port}/`);
      assert.equal(plain.status, 400);
      assert.match(await plain.text(), /This port speaks TLS/);
      using garbage = await dial(port);
      await garbage.write(Uint8Array.of(22, 3, 1, 0, 4, 9, 9, 9, 9));
      assert.ok(await ends(garbage, 20_000));
      await poll(
        "two failures",
        20_000,
        () => Promise.resolve(front.counts.failed === 2),
      );
      assert.ok(
        lines.some(({ message }) => /TLS handshake failed/.test(message)),
      );
      // Who begins and goes on too slowly is late, and nothing else.
      using slow = await dial(port);
      await slow.write(Uint8Array.of(22, 3, 1, 0, 200, 1));
      assert.ok(await ends(slow, 20_000));
      await poll(
        "the front to count it and to be done with it",
        20_000,
        () =>
          Promise.resolve(front.counts.late === 2 && front.counts.open === 0),
      );
      assert.equal(front.counts.failed, 2);
      assert.equal(asked, 0);
    },
    {
      limits: { handshakeMs: 500 },
      tls: { key, chain, minVersion: "TLSv1.2", protocols: ["http/1.1"] },
    },
  );
});

Deno.test("a renewed pair is used for handshakes from then on, and open connections stay", async () => {
  const [before, after] = [new TestAuthority(), new TestAuthority()];
  const first = made({ authority: before });
  await withFront(
    () => new Response("ok"),
    async ({ port, front }) => {
      const secure = async (authority: TestAuthority): Promise<Deno.TlsConn> =>
        await Deno.connectTls({
          hostname: "127.0.0.1",
          port,
          caCerts: [authority.pem],
        });
      using open = await secure(before);
      await open.handshake();
      const { key, chain } = made({ authority: after });
      front.renew({ key, chain });
      await poll("the new certificate", 20_000, async () => {
        try {
          using conn = await secure(after);
          await conn.handshake();
          return true;
        } catch {
          return false;
        }
      });
      await open.write(ENCODER.encode("GET / HTTP/1.1\r\nhost: a\r\n\r\n"));
      assert.ok(await open.read(new Uint8Array(4096)));
    },
    {
      tls: {
        key: first.key,
        chain: first.chain,
        minVersion: "TLSv1.2",
        protocols: ["http/1.1"],
      },
    },
  );
});

Deno.test("connections that are reset before they are accepted do not stop the port for a moment", async () => {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("ok"),
  );
  const news: FrontNews[] = [];
  const front = new FrontServer(
    {
      kind: "open",
      ...{ hostname: "127.0.0.1", port: 0, inner: server.addr, tls: null },
      ...{ limits: FRONT_LIMITS, addressTag: "", perAddressKey: "key" },
    },
    (one) => void news.push(one),
    null,
  );
  try {
    await resetBeforeAccepted(front.port, 20);
    const answer = await fetch(`http://127.0.0.1:${front.port}/`);
    assert.equal(await answer.text(), "ok");
    assert.deepEqual(news.filter(({ kind }) => kind === "scarce"), []);
  } finally {
    front.close();
    await server.shutdown();
  }
});
