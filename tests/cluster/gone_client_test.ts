import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { SECRET_API, TestCluster } from "./harness.ts";

/** The beginning of a request, up to `sent` bytes of its body. */
function requestText(sent: number, announced: number): string {
  return [
    "POST /api/v1/execute HTTP/1.1",
    "host: x",
    `x-api-secret: ${SECRET_API}`,
    "content-type: application/json",
    `content-length: ${announced}`,
    "",
    '{"sql": "SELECT 1"}'.padEnd(announced).slice(0, sent),
  ].join("\r\n");
}

Deno.test("clients that close their connections while the member is paused are no error of the member", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  const { hostname, port } = new URL(cluster.network.apiUrl(1));
  const process = cluster.process(1)!;
  for (let round = 0; round < 5; round++) {
    process.pause();
    for (
      const text of [
        requestText(20, 20),
        requestText(5, 20),
        requestText(100_000, 200_000),
        requestText(200_000, 200_000),
        "GET /health HTTP/1.1\r\nhost: x\r\n\r\n",
      ]
    ) {
      using connection = await Deno.connect({ hostname, port: Number(port) });
      await connection.write(new TextEncoder().encode(text));
      await sleep(5);
    }
    process.resume();
    await cluster.waitReady();
  }
  await cluster.write(1, "CREATE TABLE t (n)");
  const log = await cluster.log(1);
  const errors = log.split("\n").filter((line) => line.includes('"error"'));
  assert.deepEqual(errors, []);
});

Deno.test("a client that gives up waiting for a lock is no error of the member, and loses its place", async () => {
  await using cluster = await TestCluster.start({ nodes: 1 });
  const api = cluster.api(1);
  const wish = { ttl_ms: 60_000, wait_ms: 60_000 };
  const held = await api.lock("job", wish, 10_000);
  assert.ok(held.type === "ok");
  const late = await api.lock("job", wish, 300);
  assert.equal(late.type, "info", "it was answered");
  const name = "job";
  const { token } = held.value;
  assert.equal((await api.unlock({ name, token }, 10_000)).type, "ok");
  const next = await api.lock("job", wish, 10_000);
  assert.ok(next.type === "ok" && next.value.token > token);
  const log = await cluster.log(1);
  const errors = log.split("\n").filter((line) => line.includes('"error"'));
  assert.deepEqual(errors, []);
});
