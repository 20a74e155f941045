import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a program to its end. @throws {AssertionError} with what it complained of */
export async function run(
  command: string,
  args: readonly string[],
  cwd: string,
): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

/** Leaves the package in a folder. One test at a time: it is built in one place. */
async function pack(folder: string): Promise<void> {
  await Deno.mkdir(join(ROOT, "dist"), { recursive: true });
  const path = join(ROOT, "dist/npm.lock");
  using file = await Deno.open(path, { create: true, write: true });
  await file.lock(true);
  await run(Deno.execPath(), ["task", "npm"], ROOT);
  const to = `--pack-destination=${folder}`;
  await run("npm", ["pack", "--silent", to, join(ROOT, "dist/npm")], folder);
}

/** Packs the package as `npm publish` would, and installs it in a folder. */
export async function install(folder: string): Promise<void> {
  await pack(folder);
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  await Deno.writeTextFile(join(folder, "package.json"), '{"type":"module"}');
  const quiet = ["--offline", "--no-audit", "--no-fund", "--silent"];
  await run("npm", ["install", ...quiet, `./${tarball}`], folder);
}
