import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { testsOf } from "./places.ts";
import { PARTS } from "./tree.ts";

const root = join(import.meta.dirname!, "../../..");

function* sources(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory) yield* sources(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

Deno.test("a copy has all that its tests and sources import", () => {
  const missing = new Set<string>();
  const imported = /^(?:import|export|\}) .*from "(\.[^"]+)";$/gm;
  for (const folder of ["src", "tests"]) {
    for (const path of sources(join(root, folder))) {
      const text = Deno.readTextFileSync(path);
      for (const [, target] of text.matchAll(imported)) {
        const [part] = relative(root, join(dirname(path), target!)).split("/");
        if (!PARTS.includes(part!)) missing.add(part!);
      }
    }
  }
  assert.deepEqual([...missing], []);
});

Deno.test("the tests of a file are tried before those of its folder, and these before all others", () => {
  assert.deepEqual(testsOf("state/sqlite/apply/catalog.ts"), [
    "tests/state/sqlite/apply/catalog_test.ts",
    "tests/state/sqlite/apply",
    "tests/state",
  ]);
  assert.deepEqual(testsOf("group/group.ts"), [
    "tests/group/group_test.ts",
    "tests/group",
    "tests/node",
  ]);
  assert.deepEqual(testsOf("errors.ts"), ["tests/errors_test.ts"]);
});
