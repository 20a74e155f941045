import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAll } from "../../src/util/write_all.ts";
import { made, TestAuthority } from "../tls/pems.ts";
import { withFront } from "./with_front.ts";

/** More than the kernel keeps in three sockets. */
const MUCH_BYTES = 64 * 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024);

for (const tls of [false, true]) {
  const over = tls ? " over TLS" : "";
  Deno.test(`who sends a body${over} that nobody reads has to wait, and costs the front no memory`, async () => {
    const authority = new TestAuthority();
    const { key, chain } = made({ authority });
    const release = Promise.withResolvers<Response>();
    await withFront(
      () => release.promise,
      async ({ port }) => {
        const at = { hostname: "127.0.0.1", port };
        using client = tls
          ? await Deno.connectTls({ ...at, caCerts: [authority.pem] })
          : await Deno.connect(at);
        await writeAll(
          client,
          new TextEncoder().encode(
            `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${MUCH_BYTES}\r\n\r\n`,
          ),
        );
        let sent = 0;
        const sending = (async () => {
          for (; sent < MUCH_BYTES; sent += CHUNK.length) {
            await writeAll(client, CHUNK);
          }
        })().catch(() => {}); // ended in the middle
        for (let before = -1; before !== sent;) {
          before = sent;
          await sleep(500);
        }
        const taken = sent;
        release.resolve(new Response("not read", { status: 401 }));
        const buffer = new Uint8Array(4096);
        const count = await client.read(buffer);
        assert.match(
          new TextDecoder().decode(buffer.subarray(0, count!)),
          /^HTTP\/1.1 401 /,
        );
        client.close();
        await sending;
        assert.ok(taken < MUCH_BYTES, `${taken} bytes were taken`);
      },
      {
        tls: tls ? { key, chain, minVersion: "TLSv1.2", protocols: [] } : null,
      },
    );
  });
}
