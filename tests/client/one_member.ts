import { open, type OpenOptions } from "../../src/app/open.ts";
import type { LocalClient } from "../../src/client/local.ts";
import { createApp } from "../../src/server/app.ts";

/** What the API of these tests asks for. */
export const SECRET = "api-secret-0123456789";

/** A member in this process that is there while `run` runs. */
export async function withMember(
  run: (db: LocalClient) => Promise<void>,
  options: OpenOptions = {},
): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  const db = await open({
    dataDir,
    tickMs: 5,
    readyTimeoutMs: 20_000,
    ...options,
  });
  try {
    await run(db);
  } finally {
    await db.shutdown();
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** The API of a member on a port of its own while `run` runs; it gets what `connect()` needs. */
export async function withApi(
  db: LocalClient,
  run: (
    reach: { readonly urls: readonly string[]; readonly secret: string },
  ) => Promise<void>,
): Promise<void> {
  const app = createApp(db.member, { secretApi: SECRET });
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    app.fetch,
  );
  try {
    await run({ urls: [`127.0.0.1:${server.addr.port}`], secret: SECRET });
  } finally {
    await server.shutdown();
  }
}

/** Runs the cases of a contract as steps, one after the other. */
export async function inSteps<Case extends { readonly title: string }>(
  t: Deno.TestContext,
  cases: readonly Case[],
  run: (one: Case) => Promise<void>,
): Promise<void> {
  for (const one of cases) {
    await t.step({
      name: one.title,
      fn: () => run(one),
      // The member works on between the steps; the test as a whole is watched.
      sanitizeOps: false,
      sanitizeResources: false,
    });
  }
}
