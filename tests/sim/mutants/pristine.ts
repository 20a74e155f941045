import type { TestFinder } from "./finder.ts";
import { runSeeds } from "./seeds_run.ts";
import { only } from "./test_report.ts";
import { runTests } from "./tests_run.ts";

/**
 * The sources without a bug: what fails there, too, has found nothing. What
 * passed once is not run again; what failed is, since the machine's load may
 * have been the cause.
 */
export class Pristine {
  readonly #sources: string;
  readonly #passed = new Set<string>();

  constructor(sources: string) {
    this.#sources = sources;
  }

  /** @throws {Error} if the seed fails: nothing that it finds is worth anything then. */
  async seedPasses(seed: number): Promise<void> {
    const name = `seed ${seed}`;
    if (this.#passed.has(name)) return;
    const found = await runSeeds(this.#sources, {
      first: seed,
      step: 1,
      count: 1,
    });
    if (found !== null) {
      throw new Error(`Seed ${seed} fails without a planted bug: ${found.how}`);
    }
    this.#passed.add(name);
  }

  /** Whether the test passes, run alone. */
  async testPasses(test: TestFinder): Promise<boolean> {
    const name = JSON.stringify(test);
    if (this.#passed.has(name)) return true;
    const { code } = await runTests(this.#sources, only(test));
    if (code === 0) this.#passed.add(name);
    return code === 0;
  }
}
