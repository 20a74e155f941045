import { type Ending, runDeno } from "./command.ts";
import type { Mutant } from "./table.ts";
import { plant } from "./tree.ts";

/** A seed takes a second at most; one that is this long on its way does not end. */
const SEED_MS = 60_000;
/** Longest silence of the tests before they count as hanging. */
const TEST_MS = 120_000;
/** Seeds tried before the tests: most bugs show within a few. */
const SEEDS_BEFORE_TESTS = 20;
/** Failed tests that are looked at more closely. */
const SUSPECTS_MAX = 5;
/** A bug that makes memory grow without end must not take the machine's. */
const HEAP = "--v8-flags=--max-old-space-size=1024";

/** Where to look. */
export interface Hunt {
  /** The sources without a bug. */
  readonly pristine: string;
  /** The copy in which the bug is planted. */
  readonly copy: string;
  /** How many seeds to try. */
  readonly seeds: number;
  /** Whether the scenario tests are tried, too. */
  readonly tests: boolean;
}

/** Who found a planted bug; null if nobody did. */
export async function hunt(
  where: Hunt,
  mutant: Mutant,
): Promise<string | null> {
  const undo = plant(where.copy, mutant);
  try {
    const early = Math.min(SEEDS_BEFORE_TESTS, where.seeds);
    return await bySeeds(where, mutant, 0, early) ??
      (where.tests ? await byTests(where, mutant) : null) ??
      await bySeeds(where, mutant, early, where.seeds);
  } finally {
    undo();
  }
}

function seedsOf({ step = 1, first = step }: Mutant): {
  readonly first: number;
  readonly step: number;
} {
  return { first, step };
}

/** What the seeds from one to before another, counted from 0, find in these sources. */
async function broken(
  sources: string,
  mutant: Mutant,
  from: number,
  to: number,
): Promise<{ seed: number; how: string } | null> {
  if (from >= to) return null;
  const { first, step } = seedsOf(mutant);
  const range = [first + step * from, step, to - from].map(String);
  const { code, lines } = await runDeno(
    sources,
    [
      "run",
      "--allow-all",
      "--no-check",
      HEAP,
      "tests/sim/mutants/seeds.ts",
      ...range,
    ],
    SEED_MS,
  );
  if (code === 0) return null;
  const [word, seed, ...rest] = lines.at(-1)!.split(" ");
  if (seed === undefined) throw new Error("The simulator did not start");
  const how = word === "broken"
    ? rest.join(" ").split(":")[0]!
    : code === null
    ? "does not end"
    : "crash";
  return { seed: Number(seed), how };
}

async function bySeeds(
  { pristine, copy }: Hunt,
  mutant: Mutant,
  from: number,
  to: number,
): Promise<string | null> {
  const found = await broken(copy, mutant, from, to);
  if (found === null) return null;
  const { first, step } = seedsOf(mutant);
  const at = (found.seed - first) / step;
  const without = await broken(pristine, mutant, at, at + 1);
  if (without === null) return `seed ${found.seed}: ${found.how}`;
  throw new Error(
    `Seed ${without.seed} fails without a planted bug: ${without.how}`,
  );
}

async function byTests(where: Hunt, { file }: Mutant): Promise<string | null> {
  const folders = testsOf(file);
  // The first failure may be another's: a test that the machine's load made fail.
  for (const flags of [["--fail-fast"], []]) {
    const ending = await test(where.copy, [...flags, ...folders]);
    if (ending.code === 0) return null;
    const by = await confirmed(where, folders, ending);
    if (by !== null) return by;
  }
  return null;
}

/** The tests of a file: those of its folder; the loop's are also tested in whole members, and these with a group beside the durable one. */
function testsOf(file: string): readonly string[] {
  if (file.startsWith("state/kv/")) return ["tests/state/kv"];
  const folder = file.split("/")[0]!;
  switch (folder) {
    case "group":
    case "network":
      return [`tests/${folder}`, "tests/node"];
    case "node":
      return ["tests/node", "tests/counter"];
    default:
      return [`tests/${folder}`];
  }
}

/** What of an ending shows the planted bug, and nothing else. */
async function confirmed(
  { pristine, copy }: Hunt,
  folders: readonly string[],
  { code, lines }: Ending,
): Promise<string | null> {
  const failures = new Map(lines.flatMap((line) => {
    const place = /^(.*) => \.\/(tests.*?):\d+:\d+/.exec(line);
    return place === null ? [] : [[place[1]!, place[2]!] as const];
  }));
  if (failures.size === 0) {
    if ((await test(pristine, folders)).code === 0) {
      return `tests of \`${folders.join(" ")}\`: ${
        code === null ? "no end" : "crash"
      }`;
    }
    throw new Error(
      `The tests of ${folders.join(" ")} fail without a planted bug`,
    );
  }
  for (const [title, path] of [...failures].slice(0, SUSPECTS_MAX)) {
    // A test that fails once more, by itself and only with the bug, did find it.
    const alone = ["--filter", title, path];
    if ((await test(copy, alone)).code === 0) continue;
    if ((await test(pristine, alone)).code === 0) return `test “${title}”`;
  }
  return null;
}

function test(sources: string, what: readonly string[]): Promise<Ending> {
  return runDeno(
    sources,
    ["test", "--allow-all", "--no-check", "--parallel", ...what],
    TEST_MS,
  );
}
