import type { ClusterStatus } from "../src/node/port.ts";
import type { Child } from "./child.ts";
import type { Cluster } from "./cluster.ts";
import { median, round, type Timing } from "./load.ts";
import { busyMs } from "./machine.ts";
import type { BenchOptions } from "./options.ts";
import type { PacedLoad } from "./paced_puts.ts";
import type { Pauses } from "./pauses.ts";
import type { SqlTimings } from "./sql_load.ts";

/** Puts per second that are offered: one that leaves most machines room, and more than many can take. */
const RATES = [5_000, 50_000];
/** Longest wait for a member that was started again, ms. */
const JOIN_MS = 120_000;

/** What one stretch of SQL came to. */
export interface Stretch {
  /** Puts per second that were offered meanwhile. */
  readonly offered: number;
  readonly sql: SqlTimings;
  /** Puts meanwhile; null without. */
  readonly puts: Timing | null;
  /** Of each member. */
  readonly pauses: readonly Pauses[];
  /** Processors that were busy with anything. */
  readonly busy: number;
}

/** What many resident keys and a load of puts do to a member and to SQL. */
export interface MillionTimings {
  readonly keys: number;
  /** Entries per second while the cache was filled. */
  readonly filled: number;
  /** Whether one member leads both groups. */
  readonly together: boolean;
  readonly stretches: readonly Stretch[];
  /** SQL's p99 beside puts over the one without, the median of the rounds. */
  readonly ratios: readonly {
    readonly offered: number;
    readonly writes: number;
    readonly reads: number;
  }[];
  /** Under the lighter load a member is killed and comes back, with a snapshot. */
  readonly joining: Stretch;
  /** How long it took to be ready again, ms. */
  readonly joinedMs: number;
  /** Elections of both groups since the cache was filled. */
  readonly elections: number;
}

/** SQL in turns with and without puts, then a member that joins. */
export async function measureMillion(
  options: BenchOptions,
  cluster: Cluster,
): Promise<MillionTimings> {
  const keys = options.quick ? 100_000 : 1_000_000;
  const { leader: cacheLeader } = await cluster.roles("cache");
  const { leader: sqlLeader } = await cluster.roles();
  const begun = performance.now();
  await cacheLeader.ask("fillCache", { keys });
  const filled = keys / (performance.now() - begun) * 1000;
  const terms = await termsOf(cluster.children[0]!);
  const stretch = (
    children: readonly Child[],
    rate: number,
    during: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<Stretch> => {
    const roles = { children, cacheLeader, sqlLeader };
    return measure(options, roles, { load: { rate, keys }, during });
  };
  await stretch(cluster.children, RATES[0]!);
  const stretches: Stretch[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const rate of [0, ...RATES]) {
      stretches.push(await stretch(cluster.children, rate));
    }
  }
  const victim = cluster.children.find((child) =>
    child !== cacheLeader && child !== sqlLeader
  )!;
  const others = cluster.children.filter((child) => child !== victim);
  let joinedMs = 0;
  const joining = await stretch(others, RATES[0]!, async () => {
    joinedMs = await cluster.restart(victim, JOIN_MS);
  });
  const after = await termsOf(others[0]!);
  return {
    keys,
    filled: round(filled),
    together: cacheLeader === sqlLeader,
    stretches,
    ratios: RATES.map((offered) => ({
      offered,
      writes: ratioAt(stretches, offered, ({ writes }) => writes),
      reads: ratioAt(stretches, offered, ({ reads }) => reads),
    })),
    joining,
    joinedMs: round(joinedMs),
    elections: after - terms,
  };
}

/** The p99 at a rate over the one without puts, round by round. */
function ratioAt(
  stretches: readonly Stretch[],
  rate: number,
  of: (sql: SqlTimings) => Timing,
): number {
  const p99s = (at: number): number[] =>
    stretches.filter(({ offered }) => offered === at)
      .map(({ sql }) => of(sql).p99);
  const alone = p99s(0);
  return round(median(p99s(rate).map((p99, at) => p99 / alone[at]!)));
}

interface Roles {
  /** Those that are watched. */
  readonly children: readonly Child[];
  readonly cacheLeader: Child;
  readonly sqlLeader: Child;
}

async function measure(
  { ms }: BenchOptions,
  { children, cacheLeader, sqlLeader }: Roles,
  { load, during }: {
    load: PacedLoad;
    during: () => Promise<unknown>;
  },
): Promise<Stretch> {
  for (const child of children) await child.ask("pausesBegin");
  const busyBefore = busyMs();
  const begun = performance.now();
  const offered = load.rate;
  if (offered > 0) await cacheLeader.ask("putsBegin", load);
  await sqlLeader.ask("sqlBegin");
  await Promise.all([
    new Promise((resolve) => setTimeout(resolve, ms)),
    during(),
  ]);
  const sql = await sqlLeader.ask<SqlTimings>("sqlEnd");
  const puts = offered === 0 ? null : await cacheLeader.ask<Timing>("putsEnd");
  const elapsed = performance.now() - begun;
  const busy = round((busyMs() - busyBefore) / elapsed);
  const pauses: Pauses[] = [];
  for (const child of children) pauses.push(await child.ask("pausesEnd"));
  return { offered, sql, puts, pauses, busy };
}

/** Terms of both groups: each election begins one. */
async function termsOf(child: Child): Promise<number> {
  const { groups } = await child.ask<ClusterStatus>("status");
  return groups.reduce((sum, { term }) => sum + term, 0);
}
