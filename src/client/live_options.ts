import type { LogIndex } from "../raft/types.ts";
import type { Schema } from "./schema.ts";

/** Which changes of tables are wanted. */
export interface ChangesOptions {
  /** Only these tables and views, 1 to 1,000; names as SQLite compares them. @default all */
  readonly tables?: readonly string[];
  /**
   * What came after this: an index, such as a write's, or the `position` of a change, perhaps of another
   * client. @default what comes from the call on; from afar, what came after the last answer that this client
   * had before it, or if it had none, from when a member answers
   */
  readonly since?: LogIndex | string;
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal;
}

/** Tables that changed since the change before. Of a consumer that is slow, many become one. */
export interface TablesChanged {
  /** The last entry that changed one of them; pass it as `minIndex` to read it through any client. */
  readonly index: LogIndex;
  /** Tables whose rows may have changed, and tables and views of which the schema did; as the schema spells them, sorted. */
  readonly tables: readonly string[];
  /** An entry that changed one of them changed the schema, too. */
  readonly schema: boolean;
  /** Any table may have changed: a snapshot took the place of what came before, or a member does not know it. Then `tables` is empty. */
  readonly reset: boolean;
  /** Pass it as `since` to go on from here. */
  readonly position: string;
}

/** How a query is followed. */
export interface LiveOptions<T> {
  /** What rows must look like: any Standard Schema validator; its output is the row. */
  readonly schema?: Schema<T>;
  /** The least time from one run to the next, ms, 0 to 3,600,000. @default {50} */
  readonly minIntervalMs?: number;
  /** Longest run, ms; the member's `query_timeout_ms` bounds it from afar. @default {10_000} */
  readonly timeoutMs?: number;
  /** Wait until this index is applied before the first run. */
  readonly minIndex?: LogIndex;
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal;
}

/** Rows that differ from the ones before. */
export interface LiveRows<T> {
  /** All of them, after the schema. */
  readonly rows: T[];
  /** The index at which they are true. */
  readonly index: LogIndex;
}
