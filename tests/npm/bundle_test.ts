import assert from "node:assert/strict";
import { join } from "node:path";
import { createContext, runInContext } from "node:vm";
import { withApi, withMember } from "../client/one_member.ts";
import { BUNDLER, testNeeding, toolPath } from "../cluster/requirements.ts";
import { install, run } from "./install.ts";

/** What browsers have of what the client uses. */
const BROWSER = {
  ...{ fetch, URL, URLSearchParams, Headers, Request, Response, crypto },
  ...{ AbortController, AbortSignal, DOMException, Event, EventTarget },
  ...{ ReadableStream, TransformStream, TextDecoderStream, WebSocket },
  ...{ TextEncoder, TextDecoder, setTimeout, clearTimeout, setInterval },
  ...{ clearInterval, queueMicrotask, performance, atob, btoa, console },
};

const PAGE = `
import { connect } from "@hiqlite/hiqlite/client";

globalThis.useBundle = async (reach) => {
  const db = connect(reach);
  await db.execute("CREATE TABLE t (a)");
  await db.execute("INSERT INTO t VALUES (?), (?)", [1, "two"]);
  const read = [];
  for await (const { a } of db.iterate("SELECT a FROM t ORDER BY rowid")) {
    read.push(a);
  }
  await db.shutdown();
  return JSON.stringify(read);
};
`;

/** The page as one file for browsers. */
async function bundled(folder: string): Promise<string> {
  await install(folder);
  await Deno.writeTextFile(join(folder, "page.js"), PAGE);
  await run(await toolPath("esbuild"), [
    ...["page.js", "--bundle", "--platform=browser", "--format=iife"],
    ...["--outfile=bundle.js", "--metafile=meta.json", "--log-level=error"],
  ], folder);
  const { inputs, outputs } = JSON.parse(
    await Deno.readTextFile(join(folder, "meta.json")),
  ) as {
    readonly inputs: Record<string, unknown>;
    readonly outputs: Record<
      string,
      { readonly imports: readonly { readonly path: string }[] }
    >;
  };
  const names = [
    ...Object.keys(inputs),
    ...outputs["bundle.js"]!.imports.map(({ path }) => path),
  ];
  assert.deepEqual(names.filter((name) => name.startsWith("node:")), []);
  return await Deno.readTextFile(join(folder, "bundle.js"));
}

const testBundled = await testNeeding(BUNDLER);

testBundled(
  "the npm package bundled for browsers has nothing of Node's, and works without it",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const bundle = await bundled(folder);
      assert.doesNotMatch(bundle, /(?:from|import|require)[ (]*["']node:/);
      const page = createContext({ ...BROWSER });
      runInContext(bundle, page);
      await withMember((db) =>
        withApi(db, async (reach) => {
          const call = `useBundle(${JSON.stringify(reach)})`;
          assert.equal(await runInContext(call, page), '[1,"two"]');
        })
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
