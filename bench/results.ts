import type { LogSyncName } from "./cluster.ts";
import { median, type Timing } from "./load.ts";
import type { PartTimings } from "./parts.ts";
import type { ReadTimings } from "./reads.ts";

/** The measurements of one system at one concurrency: the one of median rate, and all rates. */
export interface Rounds {
  readonly typical: Timing;
  readonly rates: readonly number[];
}

/** Single inserts at one concurrency, measured in turns. */
export interface Comparison {
  readonly writers: number;
  readonly cluster: Rounds;
  /** Followers append, sync and acknowledge. */
  readonly pipeline: Rounds;
  /** Followers also apply, as members do. */
  readonly pipelineApplying: Rounds;
  /** Median over rounds of cluster rate / pipeline rate. */
  readonly ratio: number;
  readonly ratioApplying: number;
}

/** All that `--json` prints; sections that did not run are absent. */
export interface Results {
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly os: string;
    readonly deno: string;
    readonly loadBefore: number;
  };
  parts?: PartTimings;
  singles?: Comparison[];
  /** A call is one transaction; `rowsPerSecond` counts rows. */
  transactions?: { readonly timing: Timing; readonly rowsPerSecond: number }[];
  follower?: Timing[];
  http?: Timing[];
  /** 100 KB each, one at a time. */
  blobs?: Timing;
  reads?: ReadTimings;
  levels?: { readonly logSync: LogSyncName; readonly singles: Timing[] }[];
}

/** Sums up the measurements of one system. */
export function rounds(timings: readonly Timing[]): Rounds {
  const rates = timings.map(({ rate }) => rate);
  const middle = median(rates);
  return { typical: timings.find(({ rate }) => rate === middle)!, rates };
}

/** Compares two systems round by round, so that what disturbs the machine disturbs both. */
export function ratio(
  over: readonly Timing[],
  under: readonly Timing[],
): number {
  const ratios = over.map(({ rate }, at) => rate / under[at]!.rate);
  return Math.round(median(ratios) * 1000) / 1000;
}
