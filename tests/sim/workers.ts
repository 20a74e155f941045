import { drawPlan, type Plan } from "./plan.ts";
import { run } from "./run.ts";
import { resultOf, type SeedResult } from "./totals.ts";

/** Runs a plan; every `twice`-th seed runs twice, and the traces must be equal. */
export function runPlan(
  plan: Plan,
  twice: number,
  sink?: (line: string) => void,
): SeedResult {
  const report = run(plan, sink);
  const again = report.violation === null && plan.seed % twice === 0
    ? run(plan).hash
    : report.hash;
  return resultOf(report, again !== report.hash);
}

/** The same for the plan of a seed. */
export function runSeed(seed: number, twice: number): SeedResult {
  return runPlan(drawPlan(seed), twice);
}

/**
 * Runs seeds on so many threads, each taking the next one when it is done;
 * `took` hears of each as it ends and says whether to go on.
 * @throws {Error} if a thread ends with an error.
 */
export async function runOnWorkers(
  seeds: Iterable<number>,
  options: { readonly workers: number; readonly twice: number },
  took: (result: SeedResult) => boolean,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const waiting = seeds[Symbol.iterator]();
  let [working, stopped] = [options.workers, false];
  const workers = Array.from({ length: options.workers }, () => {
    const url = new URL("./seed_worker.ts", import.meta.url);
    const worker = new Worker(url, { type: "module" });
    const next = (): void => {
      const { done, value } = waiting.next();
      if (!done && !stopped) worker.postMessage([value, options.twice]);
      else if (--working === 0) resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<SeedResult>) => {
      // After the last one that counts the others finish theirs, and with them their files.
      if (!stopped) stopped = !took(data);
      next();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(`a thread of the simulator ended: ${event.message}`));
    };
    next();
    return worker;
  });
  try {
    await promise;
  } finally {
    for (const worker of workers) worker.terminate();
  }
}
