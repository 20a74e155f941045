// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Prints the options of `deno compile` that depend on the machine: what the program may run, which is itself, and the library, if it was built. */
import { LIBRARY_NAME } from "../src/state/sqlite/driver/embedded_library.ts";
import { LIBRARY } from "./library.ts";

/** The program imports it, and a bundle has all that it imports. */
const PAGE = new URL("../dist/dashboard.json", import.meta.url);

const own = Deno.build.os === "linux"
  ? "--allow-run=/proc/self/exe"
  : "--allow-run";
if (!await exists(PAGE)) {
  console.error(
    "dist/dashboard.json is missing: run `deno task dashboard:build` first",
  );
  Deno.exit(1);
}
const options = [own, ...await library()];
console.log(options.join(" "));

async function library(): Promise<string[]> {
  return await exists(LIBRARY) ? [`--include dist/${LIBRARY_NAME}`] : [];
}

async function exists(path: string | URL): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
