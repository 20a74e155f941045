import type { LocalClient } from "../mod.ts";
import { drive, driveSync, type Load, type Timing } from "./load.ts";

/** The time to live in Hiqlite's own bench, ms. */
const TTL_MS = 30_000;
/** Keys that are read. */
const KEYS = 10_000;
const SYNC_CALLS = 200_000;

/** Runs of puts so far. */
let runs = 0;

/** What reading a cache costs on a member that follows. */
export interface CacheReadTimings {
  /** On the calling thread. */
  readonly sync: Timing;
  /** Of this member's own state. */
  readonly local: Timing;
  /** Everything that was acknowledged before is in it. */
  readonly linearizable: Timing;
}

/** Puts entries with a time to live. A call is one put. */
export async function cachePuts(
  client: LocalClient,
  load: Load,
): Promise<Timing> {
  // A cache of its own, so that no run takes what another one put out of the memory.
  const cache = client.cache<string>(`bench-${runs++}`);
  return await drive(
    load,
    (n) => cache.put(`key ${n}`, `benchmark value ${n}`, { ttlMs: TTL_MS }),
  );
}

/** Fills a cache and reads it. */
export async function cacheReads(
  client: LocalClient,
): Promise<CacheReadTimings> {
  const cache = client.cache<string>("bench-reads");
  const keys = Array.from({ length: KEYS }, (_, n) => `key ${n}`);
  await Promise.all(keys.map((key, n) => cache.put(key, `value ${n}`)));
  const scattered = (n: number): string => keys[n * 7919 % KEYS]!;
  const one = { concurrency: 1, ms: 10_000, calls: KEYS };
  driveSync(SYNC_CALLS, (n) => void cache.getSync(scattered(n)));
  return {
    sync: eachOf(driveSync(
      SYNC_CALLS / 100,
      (n) => {
        for (let i = 0; i < 100; i++) cache.getSync(scattered(100 * n + i));
      },
    )),
    local: await drive(one, (n) => cache.get(scattered(n))),
    linearizable: await drive(
      { ...one, calls: KEYS / 5 },
      (n) => cache.get(scattered(n), { consistency: "linearizable" }),
    ),
  };
}

/** A call is too short for the clock, so a hundred are timed at once. */
function eachOf(timing: Timing): Timing {
  const { calls, rate, p50, p99 } = timing;
  const each = (us: number): number => Math.round(us * 10) / 1000;
  return {
    ...timing,
    calls: 100 * calls,
    rate: 100 * rate,
    p50: each(p50),
    p99: each(p99),
  };
}
