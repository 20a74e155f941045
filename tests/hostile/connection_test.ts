import assert from "node:assert/strict";
import { Authority } from "../../src/tls/authority.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { play } from "./connection.ts";
import { clientHello } from "./records.ts";
import { type Script, send } from "./script.ts";

const SCRIPT: Script = {
  ...{ name: "noise", port: "api", connections: 1, reads: true, from: 1 },
  steps: [send("GET / HTTP/1.1\r\n\r\n")],
  ending: "close",
  sealed: true,
};

/** A server's key and certificate. */
async function certified(): Promise<{ key: string; cert: string }> {
  const authority = await Authority.derive("api", "a secret of this test");
  const { key, chain: cert } = authority.issue(["localhost"], new Date());
  return { key, cert };
}

/** What a member that speaks TLS hears of a script: the text below its TLS, or why there is none. */
async function heard(script: Script): Promise<string> {
  const { key, cert } = await certified();
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    key,
    cert,
  });
  const hearing = (async () => {
    using conn = await listener.accept();
    const buffer = new Uint8Array(1024);
    try {
      const count = await conn.read(buffer);
      return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
    } catch (error) {
      return (error as Error).name;
    }
  })();
  const { port } = listener.addr;
  const target = {
    ...{ hostname: "127.0.0.1", apiPort: port, raftPort: port, from: "" },
    tls: true,
  };
  const attempt = await play(script, target, new AbortController().signal);
  assert.ok(attempt.connected);
  return await hearing;
}

Deno.test("a hostile client that speaks TLS is heard through it, and one that does not is heard as no handshake", async () => {
  assert.equal(await heard(SCRIPT), "GET / HTTP/1.1\r\n\r\n");
  assert.equal(await heard({ ...SCRIPT, sealed: false }), "InvalidData");
});

Deno.test("the whole hello of a hostile client is answered, so that what follows meets a handshake under way", async () => {
  using listener = Deno.listenTls({
    hostname: "127.0.0.1",
    port: 0,
    ...await certified(),
  });
  const { port } = listener.addr;
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  using server = await listener.accept();
  const shaking = server.handshake().catch(() => {});
  await client.write(clientHello(new SeededRandom(5), false));
  const answer = new Uint8Array(6);
  await client.read(answer);
  // A record of the handshake with the hello of a server.
  assert.deepEqual([answer[0], answer[5]], [22, 2]);
  client.close();
  await shaking;
});
