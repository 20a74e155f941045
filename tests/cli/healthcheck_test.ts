import assert from "node:assert/strict";
import { join } from "node:path";
import { Authority } from "../../src/tls/authority.ts";
import { run } from "./fake_terminal.ts";
import { Program } from "./program.ts";

/** Answers every request of a member's status with what the path says. */
function serveStatus(
  answer: (path: string) => Response | Promise<Response>,
  options: Partial<Deno.ServeTcpOptions & Deno.TlsCertifiedKeyPem> = {},
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {}, ...options },
    ({ url, headers }) => {
      assert.equal(headers.get("x-api-secret"), null);
      return answer(new URL(url).pathname);
    },
  );
}

/** A member as it answers while it is alive and not yet ready. */
function starting(path: string): Response {
  return path === "/health"
    ? Response.json({ ok: true, detail: "starting" })
    : Response.json({ ok: false, detail: "no leader" }, { status: 503 });
}

Deno.test("healthcheck ends with 0 if the member is well, else with 1 and the reason", async () => {
  await using server = serveStatus(starting);
  const { port } = server.addr;
  const url = `http://127.0.0.1:${port}`;
  const well = await run(["healthcheck", "--url", url]);
  assert.deepEqual(well, {
    code: 0,
    out: '{"ok":true,"detail":"starting"}',
    error: "",
  });
  const unfit = await run(["healthcheck", "--ready", `--url=${url}/`]);
  assert.equal(unfit.code, 1);
  assert.match(unfit.error, /\/ready answered 503: .*no leader/);
});

Deno.test("healthcheck finds the member or the proxy by the configuration, wherever it listens", async () => {
  await using server = serveStatus(starting);
  const { port } = server.addr;
  const env = {
    HQL_NODES: `1 a:1 a:2\n2 b:8100 b:${port}\n3 c:1 c:2`,
    HQL_NODE_ID: "2",
    HQL_SECRET_RAFT: "raft-secret-0123456789",
    HQL_SECRET_API: "api-secret-0123456789",
  };
  for (const address of ["127.0.0.1", "0.0.0.0"]) {
    const { code, error } = await run(["healthcheck"], {
      ...env,
      HQL_LISTEN_ADDR_API: address,
    });
    assert.equal(code, 0, error);
  }
  const dir = await Deno.makeTempDir();
  try {
    const file = join(dir, "config");
    const lines = Object.entries(env)
      .map(([name, value]) => `${name}="${value}"\n`);
    await Deno.writeTextFile(file, lines.join(""), { mode: 0o600 });
    const read = await run(["healthcheck", "-c", file]);
    assert.equal(read.code, 0, read.error);
    // A proxy is none of the nodes.
    const { HQL_NODE_ID: _, ...shared } = env;
    const proxy = await run(["healthcheck", "--proxy"], {
      ...shared,
      LISTEN_PORT: `${port}`,
    });
    assert.equal(proxy.code, 0, proxy.error);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("healthcheck asks a member that speaks TLS, whatever its certificate names", async () => {
  const authority = await Authority.derive("api", "api-secret-0123456789");
  const { key, chain: cert } = authority.issue(["elsewhere"], new Date());
  await using server = serveStatus(starting, { cert, key });
  const { port } = server.addr;
  const env = {
    HQL_NODES: `1 member.example:1 member.example:${port}`,
    HQL_LISTEN_ADDR_API: "127.0.0.1",
    HQL_SECRET_RAFT: "raft-secret-0123456789",
    HQL_SECRET_API: "api-secret-0123456789",
    HQL_TLS_AUTO_CERTS: "true",
  };
  const { code, error } = await run(["healthcheck"], env);
  assert.equal(code, 0, error);
  // With the permissions that the compiled program has.
  await using program = new Program(["healthcheck"], env);
  assert.equal((await program.status).code, 0, program.output);
});

Deno.test("healthcheck ends with 1 if nobody listens, nobody answers, or the configuration is wrong", async () => {
  const held = Promise.withResolvers<Response>();
  const server = serveStatus(() => held.promise);
  const url = `http://127.0.0.1:${server.addr.port}`;
  const silent = await run(["healthcheck", "--url", url, "--timeout-ms=50"]);
  assert.equal(silent.code, 1);
  assert.match(silent.error, /gave no answer within 50 ms/);
  held.resolve(new Response("late"));
  await server.shutdown();
  const closed = await run(["healthcheck", "--url", url]);
  assert.equal(closed.code, 1);
  assert.match(closed.error, /cannot be asked: .*refused/i);
  const wrong = await run(["healthcheck"], { HQL_NODE_ID: "7" });
  assert.equal(wrong.code, 1);
  assert.match(wrong.error, /HQL_NODE_ID: node 7 is not in nodes/);
});
