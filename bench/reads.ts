import { DatabaseSync } from "node:sqlite";
import type { LocalClient } from "../src/client/local.ts";
import { drive, driveSync, median, type Timing } from "./load.ts";
import { SCAN, SELECT } from "./workload.ts";

/** What reading costs. A call is one query. */
export interface ReadTimings {
  /** Each key for the first time, through the pool, one at a time. */
  readonly cold: Timing;
  /** Again, one at a time. */
  readonly warm: Timing;
  /** Again, 64 at a time. */
  readonly warm64: Timing;
  /** On the calling thread. */
  readonly sync: Timing;
  /** `node:sqlite` on the same file in the same process. */
  readonly bare: Timing;
  /** Median over alternating rounds: median call of `sync` over that of `bare`. */
  readonly syncOverBare: number;
  readonly scan: Timing;
  readonly scanSync: Timing;
  readonly scanBare: Timing;
  readonly rows: number;
}

const ROUNDS = 15;
const SCANS = 5;

/** Reads a table of `rows` rows with ids from 0. */
export async function measureReads(
  client: LocalClient,
  file: string,
  rows: number,
): Promise<ReadTimings> {
  const calls = Math.min(rows, 20_000);
  const pooled = (concurrency: number): Promise<Timing> =>
    drive(
      { concurrency, ms: 10_000, calls },
      (n) => client.query(SELECT, [scattered(n, rows)]),
    );
  const cold = await pooled(1);
  const warm = await pooled(1);
  const warm64 = await pooled(64);
  const bareClient = new DatabaseSync(file, { readOnly: true });
  const select = bareClient.prepare(SELECT);
  const scanAll = bareClient.prepare(SCAN);
  const one = { concurrency: 1, ms: 60_000, calls: SCANS };
  try {
    const pairs = Array.from({ length: ROUNDS }, () => ({
      bare: driveSync(calls, (n) => void select.all(scattered(n, rows))),
      sync: driveSync(
        calls,
        (n) => void client.querySync(SELECT, [scattered(n, rows)]),
      ),
    }));
    return {
      cold,
      warm,
      warm64,
      ...pairs.at(-1)!,
      syncOverBare: median(
        pairs.map(({ bare, sync }) => bare.rate / sync.rate),
      ),
      scan: await drive(one, () => client.query(SCAN)),
      scanSync: driveSync(SCANS, () => void client.querySync(SCAN)),
      scanBare: driveSync(SCANS, () => void scanAll.all()),
      rows,
    };
  } finally {
    bareClient.close();
  }
}

/** Visits every key once, far from the one before. */
function scattered(n: number, rows: number): number {
  return n * 7_919 % rows;
}
