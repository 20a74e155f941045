import { HiqliteError } from "../errors.ts";
import { systemClock } from "../util/clock.ts";
import type { Access } from "./access.ts";
import { type Rate, TokenBucket } from "./token_bucket.ts";

/** What has a limit of its own. */
export type LimitedGroup = "db" | "cache";

/** How much of each group a credential may ask for; null: any number. */
export type Rates = { readonly [G in LimitedGroup]: Rate | null };

/** Buckets that are kept: of more credentials than there can be tokens, the full ones go. */
const BUCKETS_MAX = 2048;

/** The limit of writes and linearizable reads: a bucket for each group and credential. */
export class RateLimits {
  readonly #rates: Rates;
  readonly #now: () => number;
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #refused: Record<LimitedGroup, number> = { db: 0, cache: 0 };

  /** Of one application. */
  constructor(rates: Rates, now: () => number = systemClock.monotonic) {
    this.#rates = rates;
    this.#now = now;
  }

  /** How many requests were refused. */
  get refused(): Readonly<Record<LimitedGroup, number>> {
    return this.#refused;
  }

  /** Counts a request of a caller. @throws {HiqliteError} `overloaded` if it is one too many; nothing was done then. */
  take(group: LimitedGroup, { token }: Pick<Access, "token">): void {
    const rate = this.#rates[group];
    if (rate === null) return;
    const now = this.#now();
    const waitMs = this.#bucketOf(group, token?.id ?? "", rate, now).take(now);
    if (waitMs === 0) return;
    this.#refused[group]++;
    const whose = token === null ? "the API secret" : `token ${token.id}`;
    throw new HiqliteError(
      "overloaded",
      `The limit of ${whose} at this member is used up: ${rate.perSecond} writes and linearizable reads a second, ${rate.burst} at once (rate_limit_${group}_rps, rate_limit_${group}_burst); try again in ${
        Math.ceil(waitMs)
      } ms`,
    );
  }

  #bucketOf(
    group: LimitedGroup,
    credential: string,
    rate: Rate,
    now: number,
  ): TokenBucket {
    const name = `${group} ${credential}`;
    let bucket = this.#buckets.get(name);
    if (bucket === undefined) {
      if (this.#buckets.size >= BUCKETS_MAX) this.#forgetFull(now);
      bucket = new TokenBucket(rate, now);
      this.#buckets.set(name, bucket);
    }
    return bucket;
  }

  #forgetFull(now: number): void {
    for (const [name, bucket] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(name);
    }
  }
}

/** The group of a path; its writes, and its reads that ask a majority, are counted. */
export function limitedGroupOf(path: string): LimitedGroup {
  return /^\/api\/v1\/caches?(?:\/|$)/.test(path) ? "cache" : "db";
}

/** A limit as it is configured: 0 requests a second is none, a burst of 0 as many as in a second. */
export function rateOf(perSecond: number, burst: number): Rate | null {
  if (perSecond === 0) return null;
  return { perSecond, burst: burst === 0 ? perSecond : burst };
}
