import type { ByteKey } from "../types.ts";

/** What is due under one number of one table. */
export interface DueRow {
  readonly key: ByteKey;
  readonly deadlineMs: number;
}

/** A table whose rows have deadlines. */
export interface DueTable {
  /** The earliest deadline under a number as it is found; undefined if there is none. */
  firstDeadline(number: number): unknown;
  /** What is due at `nowMs` by deadline, then key: so many rows after one. */
  due(
    number: number,
    after: DueRow | null,
    nowMs: number,
    limit: number,
  ): DueRow[];
}
