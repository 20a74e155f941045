// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Serves the page as it is in this folder, built anew with every change, and has a member that runs answer what it asks:
 * `deno task dashboard:dev [--member http://127.0.0.1:8201] [--port 8299]`.
 */
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { buildPage, type BuiltFile } from "./build_page.ts";

/** Changes that come together are built together, ms. */
const SETTLE_MS = 150;
const BASE = "/dashboard/";
/** What a member says of its own page, and not of this one. */
const OF_ITS_BODY = [
  "content-encoding",
  "content-length",
  "content-type",
  "etag",
  "vary",
];

const { values: options } = parseArgs({
  args: Deno.args,
  options: {
    member: { type: "string", default: "http://127.0.0.1:8201" },
    port: { type: "string", default: "8299" },
  },
});

let files: Readonly<Record<string, BuiltFile>> = {};

await build();
Deno.serve({
  hostname: "127.0.0.1",
  port: Number(options.port),
  onListen: ({ port }) =>
    console.log(
      `http://127.0.0.1:${port}${BASE} with what ${options.member} answers`,
    ),
}, answer);
await watch();

async function build(): Promise<void> {
  const begun = performance.now();
  try {
    ({ files } = await buildPage());
    console.log(`built in ${Math.round(performance.now() - begun)} ms`);
  } catch (error) {
    // What was built before is served until it is mended.
    console.error((error as Error).message);
  }
}

async function watch(): Promise<void> {
  const folders = ["./", "../src/"].map((path) =>
    fileURLToPath(new URL(path, import.meta.url))
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  let building = Promise.resolve();
  for await (const { kind } of Deno.watchFs(folders)) {
    if (kind === "access") continue;
    clearTimeout(timer);
    timer = setTimeout(() => building = building.then(build), SETTLE_MS);
  }
}

async function answer(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  if (!pathname.startsWith(BASE)) {
    return new Response(null, { status: 307, headers: { location: BASE } });
  }
  const name = pathname.slice(BASE.length) || "index.html";
  const told = await ask(
    request,
    name.startsWith("api/") ? pathname : BASE,
    search,
  );
  if (told instanceof Error) {
    return new Response(
      `${options.member} does not answer: ${told.message}\n`,
      { status: 502 },
    );
  }
  if (name.startsWith("api/")) return told;
  await told.body?.cancel();
  const file = files[name];
  if (file === undefined) return new Response(null, { status: 404 });
  // With the member's own policy, so that what it would refuse is refused here.
  const headers = new Headers(told.headers);
  for (const header of OF_ITS_BODY) headers.delete(header);
  headers.set("content-type", file.type);
  headers.set("content-encoding", "gzip");
  headers.set("cache-control", "no-store");
  return new Response(Uint8Array.fromBase64(file.gz), { headers });
}

/** What the member answers, or why it does not. */
async function ask(
  request: Request,
  path: string,
  search: string,
): Promise<Response | Error> {
  const own = path !== BASE;
  try {
    return await fetch(new URL(`${path}${search}`, options.member), {
      method: own ? request.method : "GET",
      headers: request.headers,
      body: own ? request.body : null,
      redirect: "manual",
      signal: request.signal,
    });
  } catch (error) {
    return error as Error;
  }
}
