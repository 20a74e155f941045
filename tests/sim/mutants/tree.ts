import { existsSync } from "node:fs";
import { join } from "node:path";
import { LIBRARY_NAME } from "../../../src/state/sqlite/driver/embedded_library.ts";
import type { Mutant } from "./table.ts";

/** What a planted bug needs around it to be looked for. */
export const PARTS: readonly string[] = [
  "src",
  "tests",
  "native",
  "dashboard",
  "mod.ts",
  "cli.ts",
  "deno.json",
  "deno.lock",
];

/** Copies the repository's sources and tests, and the library if it was built: some bugs show only with it. */
export function copySources(root: string, to: string): void {
  for (const part of PARTS) copyTree(join(root, part), join(to, part));
  const library = join("dist", LIBRARY_NAME);
  if (!existsSync(join(root, library))) return;
  Deno.mkdirSync(join(to, "dist"));
  Deno.copyFileSync(join(root, library), join(to, library));
}

/** The file with the bug in it; null if its place is not there exactly once. */
export function patched(root: string, mutant: Mutant): string | null {
  let text: string;
  try {
    text = Deno.readTextFileSync(join(root, "src", mutant.file));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
  const parts = text.split(mutant.find);
  return parts.length === 2 ? parts.join(mutant.replace) : null;
}

/** Plants the bug in a copy of the sources. Returns the way back. */
export function plant(copy: string, mutant: Mutant): () => void {
  const path = join(copy, "src", mutant.file);
  const original = Deno.readTextFileSync(path);
  const text = patched(copy, mutant);
  if (text === null) throw new Error(`The bug's place is gone: ${mutant.name}`);
  Deno.writeTextFileSync(path, text);
  return () => Deno.writeTextFileSync(path, original);
}

function copyTree(from: string, to: string): void {
  if (Deno.statSync(from).isFile) return Deno.copyFileSync(from, to);
  Deno.mkdirSync(to, { recursive: true });
  for (const { name } of Deno.readDirSync(from)) {
    copyTree(join(from, name), join(to, name));
  }
}
