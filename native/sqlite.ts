// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Builds `libsqlite3` into `dist/` from SQLite's amalgamation, which the npm package
 * better-sqlite3 contains, with the system's C compiler. Nothing of that package is run.
 * Does nothing if what is there was built from the same source with the same options.
 *
 *     deno task sqlite
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DIST, LIBRARY, LIBRARY_NAME } from "./library.ts";

const PACKAGE = "better-sqlite3";
const VERSION = "13.2.0";
const SOURCE_SHA256 =
  "75a4760a7b9727a4c4c877aec92eacf39e52a8f2921ce00bd33be6d3a8e8e254";

/** So that it takes the same SQL as the library inside the runtime; what differs is in decision 40. */
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

async function fetchSource(): Promise<string> {
  const deno = Deno.execPath();
  const apart = ["--no-lock", "--no-config"];
  await output(deno, ["cache", ...apart, `npm:${PACKAGE}@${VERSION}`]);
  const { npmCache } = JSON.parse(await output(deno, ["info", "--json"]));
  // The cache has a folder for every registry.
  for await (const { name } of Deno.readDir(npmCache)) {
    const path = join(npmCache, name, PACKAGE, VERSION, "deps/sqlite3");
    const bytes = await Deno.readFile(join(path, "sqlite3.c"))
      .catch(() => null);
    if (bytes === null) continue;
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    if (sha256 === SOURCE_SHA256) return join(path, "sqlite3.c");
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
    await compilerVersion(compiler),
    ...FLAGS,
    "",
  ].join("\n");
  const stampPath = join(DIST, `${LIBRARY_NAME}.stamp`);
  const shown = join("dist", LIBRARY_NAME);
  if (await isCurrent(stampPath, stamp)) {
    return console.log(`${shown} is up to date`);
  }
  const source = await fetchSource();
  await Deno.mkdir(DIST, { recursive: true });
  console.log(`Compiling ${shown}, which takes about a minute`);
  const fresh = `${LIBRARY}.new`;
  await output(compiler, [...FLAGS, "-o", fresh, source]);
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
