// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Builds `libsqlite3` into `dist/` from SQLite's amalgamation, which the npm package
 * better-sqlite3 contains, with the system's C compiler. Nothing of that package is run.
 * What is changed in its source is in hear_interrupts.ts. Does nothing if what is there was
 * built from the same source with the same changes and options.
 *
 *     deno task sqlite
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LIBRARY_NAME } from "../src/state/sqlite/driver/embedded_library.ts";
import { CHANGES, hearInterrupts } from "./hear_interrupts.ts";
import { DIST, LIBRARY } from "./library.ts";

const PACKAGE = "better-sqlite3";
const VERSION = "13.2.0";
const SOURCE_SHA256 =
  "75a4760a7b9727a4c4c877aec92eacf39e52a8f2921ce00bd33be6d3a8e8e254";

/** So that it takes the same SQL as the library inside the runtime; what differs is in src/decisions/40-two-sqlite-drivers.md. */
const OPTIONS = [
  "SQLITE_THREADSAFE=1",
  "SQLITE_DEFAULT_FOREIGN_KEYS=1",
  "SQLITE_ENABLE_COLUMN_METADATA",
  "SQLITE_ENABLE_DBSTAT_VTAB",
  "SQLITE_ENABLE_FTS3",
  "SQLITE_ENABLE_FTS3_PARENTHESIS",
  "SQLITE_ENABLE_FTS5",
  "SQLITE_ENABLE_RTREE",
  "SQLITE_ENABLE_STAT4",
  "SQLITE_SOUNDEX",
  "HAVE_ISNAN",
  "HAVE_USLEEP=1",
];
const FLAGS = ["-O2", "-shared", "-fPIC", ...OPTIONS.map((o) => `-D${o}`)];

class BuildError extends Error {}

async function output(
  command: string,
  args: readonly string[],
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new BuildError(
    `${command} ${args[0]} failed:\n${new TextDecoder().decode(stderr)}`,
  );
}

function sha256Of(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The amalgamation, as the package has it. */
async function fetchSource(): Promise<Uint8Array> {
  const deno = Deno.execPath();
  const apart = ["--no-lock", "--no-config"];
  await output(deno, ["cache", ...apart, `npm:${PACKAGE}@${VERSION}`]);
  const { npmCache } = JSON.parse(await output(deno, ["info", "--json"]));
  // The cache has a folder for every registry.
  for await (const { name } of Deno.readDir(npmCache)) {
    const path = join(
      npmCache,
      name,
      PACKAGE,
      VERSION,
      "deps/sqlite3/sqlite3.c",
    );
    const bytes = await Deno.readFile(path).catch(() => null);
    if (bytes === null) continue;
    const sha256 = sha256Of(bytes);
    if (sha256 === SOURCE_SHA256) return bytes;
    throw new BuildError(
      `sqlite3.c of ${PACKAGE}@${VERSION} has the SHA-256 ${sha256}, not ${SOURCE_SHA256}`,
    );
  }
  throw new BuildError(`${PACKAGE}@${VERSION} is not below ${npmCache}`);
}

async function compilerVersion(compiler: string): Promise<string> {
  try {
    return (await output(compiler, ["--version"])).split("\n", 1)[0]!;
  } catch (error) {
    throw new BuildError(
      `There is no C compiler: ${compiler} cannot be run (${
        (error as Error).message
      }). Install one (Debian has it in gcc), or name one in CC`,
    );
  }
}

async function isCurrent(stampPath: string, stamp: string): Promise<boolean> {
  try {
    await Deno.stat(LIBRARY);
    return await Deno.readTextFile(stampPath) === stamp;
  } catch {
    return false;
  }
}

async function build(): Promise<void> {
  const compiler = Deno.env.get("CC") ?? "cc";
  const stamp = [
    SOURCE_SHA256,
    sha256Of(JSON.stringify(CHANGES)),
    await compilerVersion(compiler),
    ...FLAGS,
    "",
  ].join("\n");
  const stampPath = join(DIST, `${LIBRARY_NAME}.stamp`);
  const shown = join("dist", LIBRARY_NAME);
  if (await isCurrent(stampPath, stamp)) {
    return console.log(`${shown} is up to date`);
  }
  const source = hearInterrupts(new TextDecoder().decode(await fetchSource()));
  await Deno.mkdir(DIST, { recursive: true });
  console.log(`Compiling ${shown}, which takes about a minute`);
  const fresh = `${LIBRARY}.new`;
  const text = `${LIBRARY}.c`;
  await Deno.writeTextFile(text, source);
  await output(compiler, [...FLAGS, "-o", fresh, text]);
  await Deno.remove(text);
  await Deno.rename(fresh, LIBRARY);
  await Deno.writeTextFile(stampPath, stamp);
  console.log(`${shown} is built`);
}

if (import.meta.main) {
  Deno.chdir(dirname(dirname(fileURLToPath(import.meta.url))));
  try {
    await build();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}
