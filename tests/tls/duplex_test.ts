import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "../../src/tls/channel.ts";
import { Handshakes } from "../../src/tls/handshakes.ts";
import { writeAll } from "../../src/util/write_all.ts";
import { made, TestAuthority } from "./pems.ts";

/** More than the kernel keeps of a connection whose other side reads nothing. */
const MUCH_BYTES = 64 * 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(7);

/** Both ends of a connection over TLS: the server's is as a member's ports have it. */
async function connected(): Promise<{ server: Channel; client: Deno.TlsConn }> {
  const authority = new TestAuthority();
  const { key, chain } = made({ authority });
  const handshakes = new Handshakes({
    ...{ key, chain, minVersion: "TLSv1.3", protocols: [] },
  });
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connectTls({
    hostname: "127.0.0.1",
    port: listener.addr.port,
    caCerts: [authority.pem],
  });
  const [server] = await Promise.all([
    listener.accept().then((conn) => handshakes.shake(conn)),
    client.handshake(),
  ]);
  return { server, client };
}

/** Writes until it is not taken any more; `written` says how much was. */
function writeMuch(into: Pick<Channel, "write">): {
  readonly written: () => number;
  readonly done: Promise<void>;
} {
  let written = 0;
  const done = (async () => {
    while (written < MUCH_BYTES) {
      await writeAll(into, CHUNK);
      written += CHUNK.length;
    }
  })();
  done.catch(() => {});
  return { written: () => written, done };
}

/** Waits until a number stays as it is. */
async function settled(number: () => number): Promise<number> {
  for (let before = -1; before !== number();) {
    before = number();
    await sleep(500);
  }
  return number();
}

Deno.test("over TLS, too, who does not read what is written makes the writer wait", async () => {
  const { server, client } = await connected();
  const { written, done } = writeMuch(server);
  const waiting = await settled(written);
  assert.ok(waiting < MUCH_BYTES, `${waiting} bytes were written`);
  const buffer = new Uint8Array(CHUNK.length);
  let read = 0;
  while (read < MUCH_BYTES) read += (await client.read(buffer))!;
  await done;
  assert.equal(read, MUCH_BYTES);
  client.close();
  server.close();
});

Deno.test("over TLS, too, who is not read has to wait, and nothing of what was sent is lost", async () => {
  const { server, client } = await connected();
  const { written, done } = writeMuch(client);
  const waiting = await settled(written);
  assert.ok(waiting < MUCH_BYTES, `${waiting} bytes were taken`);
  const buffer = new Uint8Array(5000);
  let read = 0;
  while (read < MUCH_BYTES) {
    const count = await server.read(buffer);
    assert.ok(
      count !== null && buffer.subarray(0, count).every((b) => b === 7),
    );
    read += count;
  }
  await done;
  await client.closeWrite();
  assert.equal(await server.read(buffer), null);
  assert.equal(read, MUCH_BYTES);
  client.close();
  server.close();
});

Deno.test("over TLS, too, who writes hears that the other side has gone", async () => {
  const { server, client } = await connected();
  const { written, done } = writeMuch(server);
  await settled(written);
  client.close();
  await assert.rejects(done, { code: "ECONNABORTED" });
  server.close();
});
