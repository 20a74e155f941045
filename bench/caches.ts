import type { CacheReadTimings } from "./cache_load.ts";
import type { Cluster, Trio } from "./cluster.ts";
import { type Load, round, type Timing, UNBOUNDED, WARMING } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import type { Measured } from "./results.ts";

/** Puts at one concurrency. */
export interface PutTimings {
  readonly timing: Timing;
  /** Processor time of all three processes per put, µs. */
  readonly cpu: number;
}

/** What the caches of a cluster cost. */
export interface CacheTimings {
  readonly puts: readonly PutTimings[];
  readonly reads: CacheReadTimings;
}

/** Puts through the client of the caches' leader, then reads on a member that follows. */
export async function measureCaches(
  { writers, ms, warmMs }: BenchOptions,
  cluster: Cluster,
  withCpu: (
    trio: Trio,
    measure: () => Promise<Timing>,
  ) => Promise<Measured>,
): Promise<CacheTimings> {
  const { leader, follower } = await cluster.roles("cache");
  const puts: PutTimings[] = [];
  const turn = (concurrency: number, ms: number): Promise<Timing> =>
    leader.ask<Timing>(
      "cachePuts",
      { concurrency, ms, calls: UNBOUNDED } satisfies Load,
    );
  if (warmMs > 0) await turn(WARMING, warmMs);
  for (const concurrency of writers) {
    await turn(concurrency, ms / 2);
    const measure = () => turn(concurrency, ms);
    const { timing, cpuUs } = await withCpu(cluster, measure);
    puts.push({ timing, cpu: round(cpuUs / timing.calls) });
  }
  return { puts, reads: await follower.ask("cacheReads") };
}
