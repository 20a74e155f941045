import assert from "node:assert/strict";
import { open } from "../../src/app/open.ts";
import { createApp } from "../../src/server/app.ts";
import { asking, CACHE_SECRET } from "./cache_requests.ts";

/** The status and error of a request whose path is sent as it is, which no `fetch()` does. */
async function rawRequest(
  port: number,
  method: string,
  path: string,
): Promise<[number, string]> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: member",
    `X-Api-Secret: ${CACHE_SECRET}`,
    "Content-Type: text/plain",
    "Content-Length: 1",
    "Connection: close",
  ];
  await connection.write(
    new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\nx`),
  );
  const text = await new Response(connection.readable).text();
  return [Number(text.split(" ")[1]), text.split("\r\n\r\n")[1]!];
}

Deno.test("a path means what its route was chosen by, however it is spelled", async () => {
  const dataDir = await Deno.makeTempDir();
  const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
  const app = createApp(db.member, { secretApi: CACHE_SECRET });
  const ask = asking(app);
  const server = Deno.serve({ port: 0, onListen() {} }, app.fetch);
  const { port } = server.addr;
  try {
    for (const key of ["a", "remove", "b"]) {
      await ask("PUT", `/p/${key}`, { type: "text/plain", body: key });
    }
    const cases = [
      ["PUT", "/p/a\\b", /backslash .* send it as %5C/],
      ["DELETE", "/p\\a", /backslash/],
      ["DELETE", "/p\\..\\..", /backslash/],
      ["POST", "/p/./remove", /a part "\."/],
      ["GET", "/../k", /a part "\.\."/],
      ["DELETE", "/../k", /a part "\.\."/],
      ["GET", "/%2e%2e/k", /a part "\.\."/],
      ["GET", "/p/%2E", /a part "\.".*\/caches\/atomic/],
      ["PUT", "/.", /a part "\."/],
    ] as const;
    for (const [method, path, message] of cases) {
      const [status, body] = await rawRequest(
        port,
        method,
        `/api/v1/cache${path}`,
      );
      assert.equal(status, 400, `${method} ${path}: ${body}`);
      assert.match(JSON.parse(body).error.message, message);
    }
    for (const key of ["a", "remove", "b"]) {
      assert.equal((await ask("GET", `/p/${key}`)).text, key);
    }
    // Whatever else is sent unencoded is a key as it is.
    const put = await rawRequest(port, "PUT", '/api/v1/cache/p/"{x}"?ttl_ms=0');
    assert.equal(put[0], 204);
    assert.equal((await ask("GET", "/p/%22%7Bx%7D%22")).text, "x");
    assert.equal((await ask("GET", "/p/%5C")).status, 404);
  } finally {
    await server.shutdown();
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
});
