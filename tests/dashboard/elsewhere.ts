import assert from "node:assert/strict";
import { Hono } from "@hono/hono";
import { apiHandler, open } from "../../mod.ts";
import { PAGES } from "../../dashboard/pages.ts";
import { type Bench, type OpenPage, PASSWORD_HASH } from "./bench.ts";

/** A proxy puts `/x/y` before every path, asks for nothing compressed, and says whom the browser asked. */
export async function underPrefix(bench: Bench): Promise<void> {
  const member = bench.cluster.network.apiUrl(1);
  await using proxy = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ method, url, headers, body }) => {
      const { pathname, search, host } = new URL(url);
      if (!pathname.startsWith("/x/y/")) {
        return new Response("no such place", { status: 404 });
      }
      const passed = new Headers(headers);
      passed.delete("host");
      passed.set("accept-encoding", "identity");
      passed.set("x-forwarded-host", host);
      const path = pathname.slice("/x/y".length);
      return await fetch(`${member}${path}${search}`, {
        method,
        headers: passed,
        body,
        redirect: "manual",
      });
    },
  );
  const origin = `http://127.0.0.1:${proxy.addr.port}`;
  // Without its last slash, as people type it.
  await using opened = await bench.open({ base: `${origin}/x/y/dashboard` });
  await everyPageBelow(opened, "/x/y/dashboard/");
}

/** A program serves the member's page below its own paths. */
export async function embedded(bench: Bench): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "hiqlite-embedded-" });
  try {
    await using db = await open({ dataDir });
    const api = apiHandler(db.member, {
      secretApi: "secret-of-somebody-elses-program",
      dashboard: { password: PASSWORD_HASH, basePath: "/ops/db" },
    });
    const app = new Hono();
    app.get("/", (context) => context.text("theirs"));
    app.all("/ops/db/*", ({ req }) => api(req.raw));
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => app.fetch(request),
    );
    const origin = `http://127.0.0.1:${server.addr.port}`;
    // A connection that is kept for later would hold up the server's end.
    const front = await app.request("/", { headers: { accept: "text/html" } });
    assert.equal(await front.text(), "theirs");
    await using opened = await bench.open({ base: `${origin}/ops/db` });
    await everyPageBelow(opened, "/ops/db/");
    await opened.go("#/overview");
    await opened.page.getByRole("heading", { name: "Add members" }).waitFor();
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

/** Every page is shown, and nothing is asked for elsewhere. */
async function everyPageBelow(
  { page, go, requests }: OpenPage,
  folder: string,
): Promise<void> {
  for (const { name } of PAGES) await go(`#/${name}`);
  await go("#/overview");
  await page.locator("canvas").first().waitFor();
  const [first, ...asked] = requests;
  assert.equal(`${first}/`, `GET ${folder}`);
  assert.ok(asked.some((each) => each.includes(`${folder}assets/`)));
  assert.ok(asked.some((each) => each.includes(`${folder}api/`)));
  const strays = asked.filter((each) =>
    !each.split(" ")[1]!.startsWith(folder)
  );
  assert.deepEqual(strays, []);
}
