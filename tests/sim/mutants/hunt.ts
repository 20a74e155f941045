import { join } from "node:path";
import type { Ending } from "./command.ts";
import type { Finder, SeedFinder, TestFinder } from "./finder.ts";
import { testsOf } from "./places.ts";
import type { Pristine } from "./pristine.ts";
import { runSeeds } from "./seeds_run.ts";
import type { Mutant } from "./table.ts";
import { failuresIn, only } from "./test_report.ts";
import { runTests } from "./tests_run.ts";
import { plant } from "./tree.ts";

/** Seeds tried before the tests: most bugs show within a few. */
const SEEDS_BEFORE_TESTS = 20;
/** Failed tests that are looked at more closely. */
const SUSPECTS_MAX = 5;

/** Where to look. */
export interface Hunt {
  /** The sources without a bug. */
  readonly pristine: Pristine;
  /** The copy in which the bug is planted. */
  readonly copy: string;
  /** How many seeds to try. */
  readonly seeds: number;
  /** Whether tests are tried, too. */
  readonly tests: boolean;
  /** Whether nobody else is asked than who found it last. */
  readonly known: boolean;
}

/** Who finds a planted bug; null if nobody does. Whoever found it last is asked first. */
export async function hunt(
  where: Hunt,
  mutant: Mutant,
  last: Finder | undefined,
): Promise<Finder | null> {
  const undo = plant(where.copy, mutant);
  try {
    const early = Math.min(SEEDS_BEFORE_TESTS, where.seeds);
    const by = await byLast(where, last);
    if (by !== null || where.known) return by;
    return await bySeeds(where, mutant, 0, early) ??
      (where.tests ? await byTests(where, mutant) : null) ??
      await bySeeds(where, mutant, early, where.seeds);
  } finally {
    undo();
  }
}

async function byLast(
  where: Hunt,
  last: Finder | undefined,
): Promise<Finder | null> {
  if (last === undefined) return null;
  if ("seed" in last) return await bySeed(where, last.seed, 1, 1);
  if (!where.tests || !exists(where.copy, last.file)) return null;
  if (last.test === undefined) return await inPlace(where, last.file);
  return await finds(where, last) ? last : null;
}

/** What the seeds from one to before another, counted from 0, find. */
function bySeeds(
  where: Hunt,
  { step = 1, first = step }: Mutant,
  from: number,
  to: number,
): Promise<SeedFinder | null> {
  return bySeed(where, first + step * from, step, to - from);
}

async function bySeed(
  { pristine, copy }: Hunt,
  first: number,
  step: number,
  count: number,
): Promise<SeedFinder | null> {
  const found = await runSeeds(copy, { first, step, count });
  if (found !== null) await pristine.seedPasses(found.seed);
  return found;
}

async function byTests(
  where: Hunt,
  { file, tests }: Mutant,
): Promise<TestFinder | null> {
  for (const place of tests ?? testsOf(file)) {
    if (!exists(where.copy, place)) continue;
    const by = await inPlace(where, place);
    if (by !== null) return by;
  }
  return null;
}

/** Which test in a file or folder finds the bug. */
async function inPlace(
  where: Hunt,
  place: string,
): Promise<TestFinder | null> {
  // The first failure may be another's: a test that the machine's load made fail.
  for (const flags of [["--fail-fast"], []]) {
    const ending = await runTests(where.copy, [...flags, place]);
    if (ending.code === 0) return null;
    const by = await confirmed(where, place, ending);
    if (by !== null) return by;
  }
  return null;
}

/** What of an ending shows the planted bug, and nothing else. */
async function confirmed(
  where: Hunt,
  place: string,
  { lines }: Ending,
): Promise<TestFinder | null> {
  const failures = failuresIn(lines);
  if (failures.length === 0) {
    const whole = { file: place };
    if (await where.pristine.testPasses(whole)) return whole;
    throw new Error(`The tests of ${place} fail without a planted bug`);
  }
  for (const failure of failures.slice(0, SUSPECTS_MAX)) {
    if (await finds(where, failure)) return failure;
  }
  return null;
}

/** Whether a test, run alone, fails with the bug and passes without it. */
async function finds(
  { pristine, copy }: Hunt,
  test: TestFinder,
): Promise<boolean> {
  if ((await runTests(copy, only(test))).code === 0) return false;
  return await pristine.testPasses(test);
}

function exists(sources: string, place: string): boolean {
  try {
    Deno.statSync(join(sources, place));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
