import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Finder } from "./finder.ts";
import { hunt } from "./hunt.ts";
import { Pristine } from "./pristine.ts";

/** A little world to plant in: a function, a simulator whose seed 3 calls it, tests of it and of nothing. */
const FILES = {
  "src/a/one.ts": "export const one = () => 1;\n",
  "tests/sim/mutants/seeds.ts": `import { one } from "../../../src/a/one.ts";
const [first, step, count] = Deno.args.map(Number);
for (let seed = first; seed < first + step * count; seed += step) {
  console.log(\`begins \${seed}\`);
  if (seed === 666 || seed === 3 && one() === 2) {
    console.log(\`broken \${seed} counting: there are \${one()}\`);
    Deno.exit(1);
  }
}`,
  "tests/helper.ts":
    "export const test = (name: string, run: () => void) => Deno.test(`${name} [x]`, run);\n",
  "tests/a/one_test.ts": `import { one } from "../../src/a/one.ts";
import { test } from "../helper.ts";
test("one is less than two", () => { if (one() > 1) throw new Error(); });
`,
  "tests/a/wrong_test.ts":
    'Deno.test("always wrong", () => { throw new Error("wrong"); });\n',
};

async function found(
  last: Finder | undefined,
  { seeds = 20, known = false, replace = "=> 2" } = {},
): Promise<Finder | null> {
  const folder = Deno.makeTempDirSync();
  try {
    for (const part of ["pristine", "copy"]) {
      for (const [name, text] of Object.entries(FILES)) {
        const path = join(folder, part, name);
        Deno.mkdirSync(dirname(path), { recursive: true });
        Deno.writeTextFileSync(path, text);
      }
    }
    const copy = join(folder, "copy");
    const pristine = new Pristine(join(folder, "pristine"));
    const bug = { name: "a bug", file: "a/one.ts", find: "=> 1", replace };
    const where = { pristine, copy, seeds, tests: true, known };
    const by = await hunt(where, bug, last);
    const after = Deno.readTextFileSync(join(copy, "src/a/one.ts"));
    assert.equal(after, FILES["src/a/one.ts"], "the bug is gone again");
    return by;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const SEED = { seed: 3, how: "counting" };
const TEST = { file: "tests/a/one_test.ts", test: "one is less than two [x]" };

Deno.test("seeds are tried before tests, and who found a bug last before both", async () => {
  assert.deepEqual(await found(undefined), SEED);
  assert.deepEqual(await found(TEST), TEST);
  assert.deepEqual(await found(SEED, { known: true }), SEED);
});

Deno.test("a test that fails without the bug has not found it", async () => {
  const wrong = { file: "tests/a/wrong_test.ts", test: "always wrong" };
  assert.equal(await found(wrong, { known: true }), null);
  assert.deepEqual(await found(wrong), SEED, "others are asked");
  assert.deepEqual(await found(undefined, { seeds: 2 }), TEST);
});

Deno.test("who is no longer there or finds nothing any more is no hint", async () => {
  const stale = [
    { seed: 4, how: "counting" },
    { file: "tests/a/gone_test.ts", test: "gone" },
    { file: "tests/a/one_test.ts", test: "one is" },
  ];
  for (const hint of stale) {
    assert.equal(await found(hint, { known: true }), null);
    assert.deepEqual(await found(hint), SEED);
  }
});

Deno.test("of a file or folder the test is found, and a file that cannot run counts as a whole", async () => {
  const known = true;
  assert.deepEqual(await found({ file: "tests/a" }, { known }), TEST);
  const replace = '=> 2; throw new Error("x")';
  const whole = { file: "tests/a/one_test.ts" };
  assert.deepEqual(await found(whole, { known, replace }), whole);
});

Deno.test("a seed that fails without the bug is told: the simulator is wrong then", async () => {
  await assert.rejects(
    found({ seed: 666, how: "counting" }),
    /Seed 666 fails without a planted bug: counting/,
  );
});
