import assert from "node:assert/strict";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import { type Outcome, run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

/** Two seconds, and as many for a machine that is busy with other tests, ms; asking three one after the other takes longer. */
const PROMPT_MS = 4_000;

/** An address for documentation: no machine answers there. */
const BLACK_HOLE = "192.0.2.1:8200";

/** Shows the status as it is seen from these addresses, and how long that took, ms. */
async function status(
  urls: readonly string[],
  ...flags: string[]
): Promise<Outcome & { readonly ms: number }> {
  const begun = performance.now();
  const outcome = await run(
    ["cluster", "status", ...urls.map((url) => `--url=${url}`), ...flags],
    { HQL_SECRET_API: SECRET },
  );
  return { ...outcome, ms: performance.now() - begun };
}

/** A port that takes connections and never says a word. */
function silent(): Disposable & { readonly address: string } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return {
    address: `127.0.0.1:${listener.addr.port}`,
    [Symbol.dispose]: () => listener.close(),
  };
}

/** A port where nothing listens. */
function refusing(): string {
  using port = silent();
  return port.address;
}

function member(): AsyncDisposable & { readonly address: string } {
  const fake = new FakeMember();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(fake, { secretApi: SECRET }).fetch,
  );
  return {
    address: `127.0.0.1:${server.addr.port}`,
    [Symbol.asyncDispose]: async () => {
      await server.shutdown();
      await fake.shutdown();
    },
  };
}

Deno.test("cluster status says within two seconds that it reaches nobody, and whom it asked", async (t) => {
  using port = silent();
  const cases: readonly [string, string[]][] = [
    ["refused connections", [refusing(), refusing()]],
    ["a black hole", [BLACK_HOLE]],
    ["a silent port", [port.address]],
    ["all of them", [BLACK_HOLE, port.address, refusing()]],
  ];
  for (const [title, urls] of cases) {
    await t.step(title, async () => {
      const { code, out, error, ms } = await status(urls);
      assert.equal(code, 1);
      assert.equal(out, "");
      assert(ms < PROMPT_MS, `${ms} ms`);
      assert.match(
        error,
        /^hiqlite cluster: No member answered within 1\.5 s\. Asked: http:.*\. Start one of them, or give the API address of another with --url$/,
      );
      for (const url of urls) assert(error.includes(`http://${url}`), error);
    });
  }
});

Deno.test("cluster status with --timeout waits longer, and says so within two seconds", async () => {
  const url = refusing();
  const { code, error, ms } = await status([url], "--timeout=3");
  assert.equal(code, 1);
  assert(ms >= 2900, `${ms} ms`);
  const [first, second] = error.split("\n");
  assert.equal(
    first,
    `hiqlite cluster: No answer yet from ${url}; waiting for up to 3 s`,
  );
  assert.match(second!, /No member answered within 3 s/);
});

Deno.test("cluster status with a shorter --timeout gives up after that", async () => {
  const { code, error, ms } = await status([refusing()], "--timeout=1");
  assert.equal(code, 1);
  assert(ms < PROMPT_MS, `${ms} ms`);
  assert.match(error, /No member answered within 1 s\. Asked: http:/);
});

Deno.test("cluster status is that of the member that answers, whoever else does not", async () => {
  using port = silent();
  await using one = member();
  const urls = [port.address, BLACK_HOLE, refusing(), one.address];
  const { code, out, ms } = await status(urls);
  assert.equal(code, 0);
  assert.match(out, /^Cluster c0ffee/);
  assert(ms < PROMPT_MS, `${ms} ms`);
});

Deno.test("cluster status shows a member's refusal rather than the silence of others", async () => {
  await using one = member();
  const { code, error } = await run(
    ["cluster", "status", `--url=${refusing()}`, `--url=${one.address}`],
    { HQL_SECRET_API: "another-secret-01234" },
  );
  assert.equal(code, 1);
  assert.match(error, /secret or the token is wrong/);
});
