import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The top of a checkout. */
export const ROOT: string = fileURLToPath(new URL("../", import.meta.url));

/** The module that a program begins with. */
const MAIN = "cli.ts";

/** How a module makes the address of another file: the text is a literal. */
const MADE = /new URL\(\s*"(\.[^"]+)",\s*import\.meta\.url,?\s*\)/g;

/** Each text of an address that modules make from their own, and the file that it means, as a path from the top. */
export type OwnAddresses = ReadonlyMap<string, string>;

/**
 * The addresses that the modules of the program make from their own, such as a Worker's.
 * @throws {Error} if one text means two files, where modules are put together nobody could tell them apart; or if an address is made in another way.
 */
export async function ownAddresses(root = ROOT): Promise<OwnAddresses> {
  const found = new Map<string, string>();
  for await (const module of modules(root)) {
    const text = await Deno.readTextFile(join(root, module));
    const made = [...text.matchAll(MADE)];
    if (text.split("import.meta.url").length - 1 !== made.length) {
      throw new Error(
        `${module} uses import.meta.url in a way that does not survive where modules are put together: write new URL("./the_file.ts", import.meta.url)`,
      );
    }
    for (const [, address] of made) {
      const meant = relative(root, join(root, module, "..", address!));
      const other = found.get(address!) ?? meant;
      if (other !== meant) {
        throw new Error(
          `"${address}" means ${meant} in ${module} and ${other} in another module: give one of them a name of its own`,
        );
      }
      found.set(address!, meant);
    }
  }
  return found;
}

/** The modules that a program may begin with, as paths from the top: its own first one, and each that it makes the address of. */
export function beginnings(addresses: OwnAddresses): string[] {
  const addressed = [...addresses.values()].filter((path) =>
    path.endsWith(".ts")
  );
  return [...new Set([MAIN, ...addressed])];
}

async function* modules(root: string): AsyncGenerator<string> {
  yield MAIN;
  for await (const path of filesIn("src", root)) {
    if (path.endsWith(".ts")) yield path;
  }
}

/** All files of a folder and of those in it, as paths from the top. */
export async function* filesIn(
  folder: string,
  root = ROOT,
): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesIn(path, root);
    else yield path;
  }
}
