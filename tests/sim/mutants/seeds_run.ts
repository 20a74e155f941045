import { runDeno } from "./command.ts";
import type { SeedFinder } from "./finder.ts";

/** A seed takes a second at most; one that is this long on its way does not end. */
const SEED_MS = 60_000;
/** A bug that makes memory grow without end must not take the machine's. */
const HEAP = "--v8-flags=--max-old-space-size=1024";

/** Seeds of the simulator: `count` of them, from one to the next `step`. */
export interface Seeds {
  readonly first: number;
  readonly step: number;
  readonly count: number;
}

/**
 * What the first of these seeds that finds anything finds in the sources.
 * @throws {Error} if the simulator does not start.
 */
export async function runSeeds(
  sources: string,
  { first, step, count }: Seeds,
): Promise<SeedFinder | null> {
  if (count <= 0) return null;
  const { code, lines } = await runDeno(
    sources,
    [
      "run",
      "--allow-all",
      "--no-check",
      HEAP,
      "tests/sim/mutants/seeds.ts",
      ...[first, step, count].map(String),
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
