import assert from "node:assert/strict";
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
} from "node:zlib";
import { DashboardPage } from "../../../src/server/dashboard/page.ts";
import { Page } from "./with_dashboard.ts";

const SCRIPT = "export const answer = 42;\n".repeat(20);
const DOCUMENT = "<!doctype html><title>Hiqlite</title>";

function file(type: string, text: string, etag: string) {
  return {
    type,
    etag,
    br: brotliCompressSync(text).toString("base64"),
    gz: gzipSync(text).toString("base64"),
  };
}

const BUILT = new DashboardPage({
  version: "9",
  files: {
    "index.html": file("text/html; charset=utf-8", DOCUMENT, '"d"'),
    "assets/main-1.js": file("text/javascript", SCRIPT, '"s"'),
  },
});

async function served(
  options: { page?: DashboardPage | null; basePath?: string } = {},
) {
  const page = new Page({ page: BUILT, ...options });
  await page.link();
  const get = (path: string, headers: Record<string, string> = {}) =>
    page.app.request(path, {
      headers: { host: "127.0.0.1:8200", ...headers },
    });
  return { page, get };
}

Deno.test("the page is sent as the browser takes it, and kept by it", async () => {
  const { page, get } = await served();
  await using _ = page;
  const asset = "/dashboard/assets/main-1.js";
  const br = await get(asset, { "accept-encoding": "gzip, deflate, br" });
  assert.equal(br.headers.get("content-encoding"), "br");
  assert.equal(brotliDecompressSync(await br.bytes()).toString(), SCRIPT);
  assert.equal(
    br.headers.get("cache-control"),
    "public, max-age=31536000, immutable",
  );
  assert.equal(br.headers.get("vary"), "accept-encoding");
  const gzip = await get(asset, { "accept-encoding": "gzip, br;q=0" });
  assert.equal(gzip.headers.get("content-encoding"), "gzip");
  assert.equal(gunzipSync(await gzip.bytes()).toString(), SCRIPT);
  const plain = await get(asset);
  assert.equal(plain.headers.get("content-encoding"), null);
  assert.equal(plain.headers.get("content-type"), "text/javascript");
  assert.equal(await plain.text(), SCRIPT);
  const index = await get("/dashboard/");
  assert.equal(index.headers.get("cache-control"), "no-cache");
  assert.equal(await index.text(), DOCUMENT);
  const known = await get("/dashboard/", { "if-none-match": 'W/"x", "d"' });
  assert.equal(known.status, 304);
  assert.equal(known.headers.get("etag"), '"d"');
  const other = await get("/dashboard/", { "if-none-match": '"e"' });
  assert.equal(other.status, 200);
  await other.body?.cancel();
  const head = await page.app.request("/dashboard/", {
    method: "HEAD",
    headers: { host: "127.0.0.1" },
  });
  assert.equal(head.status, 200);
  assert.equal(await head.text(), "");
});

Deno.test("every answer tells the browser to run nothing else and to believe no type but ours", async () => {
  const { page, get } = await served();
  await using _ = page;
  const paths = [
    "/dashboard/",
    "/dashboard/assets/main-1.js",
    "/dashboard/gone",
    "/dashboard/api/session",
    "/dashboard/api/gone",
    "/dashboard/api/overview",
    "/dashboard",
  ];
  for (const path of paths) {
    const { headers, body } = await get(path);
    await body?.cancel();
    assert.match(
      headers.get("content-security-policy") ?? "",
      /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'$/,
      path,
    );
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-frame-options"), "DENY");
    assert.equal(headers.get("referrer-policy"), "no-referrer");
    assert.equal(headers.get("cross-origin-opener-policy"), "same-origin");
    assert.equal(headers.get("x-hiqlite-version"), "1.2.3");
    assert.equal(headers.get("strict-transport-security"), null);
    if (path.includes("/api/")) {
      assert.equal(headers.get("cache-control"), "no-store", path);
    }
  }
  const api = await get("/ping");
  assert.equal(api.headers.get("content-security-policy"), null);
  await api.body?.cancel();
});

Deno.test("the dashboard is found from where people begin, and only by people", async () => {
  const { page, get } = await served();
  await using _ = page;
  const bare = await get("/dashboard");
  assert.equal(bare.status, 308);
  assert.equal(bare.headers.get("location"), "dashboard/");
  const top = await get("/", { accept: "text/html,*/*;q=0.8" });
  assert.equal(top.status, 302);
  assert.equal(top.headers.get("location"), "./dashboard/");
  const program = await get("/", { accept: "application/json" });
  assert.equal(program.status, 404);
  await program.body?.cancel();
});

Deno.test("a build without the page says in words how to build it", async () => {
  const { page, get } = await served({ page: null });
  await using _ = page;
  const reply = await get("/dashboard/");
  assert.equal(reply.status, 503);
  assert.equal(
    await reply.text(),
    "This build has no dashboard: run deno task dashboard:build, and start the member again.\n",
  );
  const api = await get("/dashboard/api/session");
  assert.equal(api.status, 200);
  await api.body?.cancel();
});

Deno.test("it is mounted below any path", async () => {
  const { page, get } = await served({ basePath: "/ops/db" });
  await using _ = page;
  const bare = await get("/ops/db");
  assert.equal(bare.headers.get("location"), "db/");
  assert.equal(await (await get("/ops/db/")).text(), DOCUMENT);
  const gone = await get("/dashboard/");
  assert.equal(gone.status, 404);
  await gone.body?.cancel();
  const link = await page.app.request("/api/v1/dashboard/link", {
    method: "POST",
    headers: {
      "x-api-secret": "api-secret-0123456789",
      "content-type": "application/json",
    },
    body: "{}",
  });
  assert.match((await link.json()).path, /^\/ops\/db\/#login=/);
});
