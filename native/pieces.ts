// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Makes what `deno task compile` compiles: the program in pieces, into `dist/program`. A piece is
 * loaded when it is imported, as modules are; there are tens of them instead of hundreds.
 *
 * @module
 */
import { dirname, join, relative } from "node:path";
import {
  beginnings,
  filesIn,
  type OwnAddresses,
  ownAddresses,
  ROOT,
} from "./own_addresses.ts";
import { pieceOf, PROGRAM } from "./program_folder.ts";

/** What the program imports, and a bundler wants to find. */
const PAGE = "dist/dashboard.json";

/** How the address of another file is made, once the bundler was there. */
const MADE = /new URL\((["'`])(\.[^"'`]+)\1,import\.meta\.url\)/g;
/** How the bundler makes the `require` of packages: every thread would load that module of Node's, and most never call it. */
const EAGER =
  /import\s*\{createRequire as (\w+)\}\s*from\s*"node:module";var (\w+)=\1\(import\.meta\.url\);/;
/** What packages require is Node's own: they were bundled with all else. */
const LAZY = "var $2=(name)=>globalThis.process.getBuiltinModule(name);";

try {
  await makePieces();
} catch (error) {
  console.error(`The program was not made: ${(error as Error).message}`);
  Deno.exit(1);
}

/** @throws {Error} saying what is missing, or what the pieces would not find. */
async function makePieces(): Promise<void> {
  const addresses = await ownAddresses();
  try {
    await Deno.stat(join(ROOT, PAGE));
  } catch {
    throw new Error(`${PAGE} is missing: run deno task dashboard:build first`);
  }
  await Deno.remove(join(ROOT, PROGRAM), { recursive: true }).catch(() => {});
  await bundle(beginnings(addresses));
  for await (const piece of filesIn(PROGRAM)) {
    const path = join(ROOT, piece);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      withLazyRequire(piece, withAddresses(piece, text, addresses)),
    );
  }
}

async function bundle(entries: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["bundle", "--quiet", "--frozen", "--lock=serve.lock", "--minify"],
      ...["--code-splitting", "--outdir", PROGRAM, ...entries],
    ],
    cwd: ROOT,
  }).output();
  const said = new TextDecoder().decode(stderr);
  if (!success) throw new Error(`deno bundle failed: ${said}`);
}

/**
 * A piece lies elsewhere than the modules that it was made of: what they address is looked for from there.
 * @throws {Error} naming an address of which nothing is known.
 */
function withAddresses(
  piece: string,
  text: string,
  addresses: OwnAddresses,
): string {
  return text.replaceAll(MADE, (made, _quote, address: string) => {
    const meant = addresses.get(address);
    if (meant === undefined) throw new Error(`${piece} has ${made}`);
    const target = meant.endsWith(".ts") ? pieceOf(meant) : meant;
    const path = relative(dirname(piece), target);
    const slash = address.endsWith("/") ? "/" : "";
    const dot = path.startsWith(".") ? "" : "./";
    return `new URL("${dot}${path}${slash}",import.meta.url)`;
  });
}

/** @throws {Error} if the bundler did it in another way. */
function withLazyRequire(piece: string, text: string): string {
  const changed = text.replace(EAGER, LAZY);
  if (/\bcreateRequire\b|Dynamic require of/.test(changed)) {
    throw new Error(`${piece} requires packages in a way that is not known`);
  }
  return changed;
}
