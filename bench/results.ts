import type { EventTimings } from "./events.ts";
import type { CacheTimings } from "./caches.ts";
import type { MillionTimings } from "./million.ts";
import type { LockTimings } from "./locks.ts";
import type { LogSyncName } from "./cluster.ts";
import type { LiveResults } from "./live.ts";
import { median, round, type Timing } from "./load.ts";
import type { Machine } from "./machine.ts";
import type { PartTimings } from "./parts.ts";
import type { ReadTimings } from "./reads.ts";

/** The measurements of one system at one concurrency: the one of median rate, and all rates. */
export interface Rounds {
  readonly typical: Timing;
  readonly rates: readonly number[];
  /** Processor time of all three processes per call, µs. */
  readonly cpu: number;
}

/** A measurement with the processor time that was used meanwhile, µs. */
export interface Measured {
  readonly timing: Timing;
  /** By the three processes. */
  readonly cpuUs: number;
  /** By everybody else on the machine. */
  readonly othersUs: number;
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
  /** Processors that everybody else on the machine kept busy, on average. */
  readonly others: number;
}

/** All that `--json` prints; sections that did not run are absent. */
export interface Results {
  readonly machine: Machine;
  parts?: PartTimings;
  singles?: Comparison[];
  /** A call is one transaction; `rowsPerSecond` counts rows. */
  transactions?: { readonly timing: Timing; readonly rowsPerSecond: number }[];
  follower?: Timing[];
  http?: Timing[];
  /** 100 KB each, one at a time. */
  blobs?: Timing;
  reads?: ReadTimings;
  locks?: LockTimings;
  cache?: (CacheTimings & { readonly place: "memory" | "disk" })[];
  million?: MillionTimings;
  live?: LiveResults;
  events?: EventTimings;
  levels?: { readonly logSync: LogSyncName; readonly singles: Timing[] }[];
}

/** Sums up the measurements of one system. */
export function rounds(measured: readonly Measured[]): Rounds {
  const rates = measured.map(({ timing }) => timing.rate);
  const middle = median(rates);
  return {
    typical: measured[rates.indexOf(middle)]!.timing,
    rates,
    cpu: round(
      median(measured.map(({ timing, cpuUs }) => cpuUs / timing.calls)),
    ),
  };
}

/** Processors that others kept busy during measurements. */
export function others(measured: readonly Measured[]): number {
  let us = 0;
  let ms = 0;
  for (const { othersUs, timing } of measured) {
    us += othersUs;
    ms += timing.ms;
  }
  return round(us / 1000 / ms);
}

/** Compares two systems round by round, so that what disturbs the machine disturbs both. */
export function ratio(
  over: readonly Measured[],
  under: readonly Measured[],
): number {
  const ratios = over.map(({ timing }, at) =>
    timing.rate / under[at]!.timing.rate
  );
  return Math.round(median(ratios) * 1000) / 1000;
}
