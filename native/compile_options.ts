// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Prints the options of `deno compile` that depend on the machine and the sources: what the program may run, which is itself, the library, if it was built, and the pieces of its Workers, which nothing imports. */
import { LIBRARY_NAME } from "../src/state/sqlite/driver/embedded_library.ts";
import { LIBRARY } from "./library.ts";
import { beginnings, ownAddresses } from "./own_addresses.ts";
import { pieceOf } from "./program_folder.ts";

const own = Deno.build.os === "linux"
  ? "--allow-run=/proc/self/exe"
  : "--allow-run";
const [, ...others] = beginnings(await ownAddresses());
const workers = others.map((module) => `--include ${pieceOf(module)}`);
console.log([own, ...await library(), ...workers].join(" "));

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
