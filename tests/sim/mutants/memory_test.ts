import assert from "node:assert/strict";
import { join } from "node:path";
import { finderFrom } from "./finder.ts";
import { Memory } from "./memory.ts";
import { MUTANTS } from "./table.ts";

Deno.test("what is remembered is in the bugs' order, with what other runs wrote, and without bugs that are gone", () => {
  const folder = Deno.makeTempDirSync();
  try {
    const path = join(folder, "found.json");
    const before = new Memory(path, ["gone", "b", "a"]);
    assert.equal(before.read().size, 0);
    before.remember("gone", { seed: 1, how: "liveness" });
    before.remember("a", { seed: 2, how: "liveness" });
    const memory = new Memory(path, ["a", "b"]);
    memory.remember("b", { file: "tests/b_test.ts", test: "b works" });
    memory.remember("a", { seed: 3, how: "crash" });
    assert.deepEqual([...memory.read()], [
      ["a", { seed: 3, how: "crash" }],
      ["b", { file: "tests/b_test.ts", test: "b works" }],
    ]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("what was remembered wrongly is refused with the bug's name", () => {
  const wrong = [
    null,
    7,
    {},
    { seed: 1.5, how: "crash" },
    { seed: 1 },
    { file: "/tests/a_test.ts" },
    { file: "tests/a_test.ts", test: 1 },
  ];
  for (const value of wrong) {
    assert.throws(() => finderFrom("bug", value), {
      name: "TypeError",
      message: /“bug” is neither .*Mend or remove/,
    });
  }
  assert.deepEqual(finderFrom("bug", { file: "tests/a" }), { file: "tests/a" });
});

Deno.test("the file in this folder remembers tests that are there", () => {
  const names = MUTANTS.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length, "names are for one bug each");
  const memory = new Memory(join(import.meta.dirname!, "found.json"), names);
  const root = join(import.meta.dirname!, "../../..");
  for (const [name, finder] of memory.read()) {
    if ("seed" in finder) continue;
    assert.ok(Deno.statSync(join(root, finder.file)), name);
  }
});
