import type { Cluster, Trio } from "./cluster.ts";
import type { LiveTimings } from "./live_load.ts";
import { type Load, type Timing, UNBOUNDED } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import { type Measured, type Rounds, rounds } from "./results.ts";

/** Single inserts while somebody follows the database on the leader. */
export interface FollowedInserts {
  readonly followers: string;
  readonly inserts: Rounds;
}

/** What following the database costs, and how fast it is. */
export interface LiveResults {
  /** Heard on a member that follows, of writes through it. */
  readonly latency: LiveTimings;
  readonly inserts: readonly FollowedInserts[];
}

const WRITERS = 64;

const FOLLOWERS = [
  { followers: "nobody", count: 0, table: "_idle" },
  {
    followers: "100 live queries of a table that nobody writes",
    count: 100,
    table: "_idle",
  },
  { followers: "1 live query of the table", count: 1, table: "_bench" },
] as const;

/** Measures in turns, so that what disturbs the machine disturbs all. */
export async function measureLive(
  options: BenchOptions,
  cluster: Cluster,
  withCpu: (
    trio: Trio,
    measure: () => Promise<Timing>,
  ) => Promise<Measured>,
): Promise<LiveResults> {
  const { leader, follower } = await cluster.roles();
  const latency = await follower.ask<LiveTimings>("liveLatency");
  const load = { concurrency: WRITERS, ms: options.ms, calls: UNBOUNDED };
  const measured = FOLLOWERS.map(() => [] as Measured[]);
  await leader.ask("singles", load satisfies Load);
  for (let round = 0; round < options.rounds; round++) {
    for (const [at, { count, table }] of FOLLOWERS.entries()) {
      await leader.ask("liveFollow", { count, table });
      await cluster.settle();
      measured[at]!.push(
        await withCpu(cluster, () => leader.ask<Timing>("singles", load)),
      );
    }
  }
  await leader.ask("liveFollow", { count: 0, table: "_idle" });
  const inserts = FOLLOWERS.map(({ followers }, at) => ({
    followers,
    inserts: rounds(measured[at]!),
  }));
  return { latency, inserts };
}
