import type { LogIndex } from "../raft/types.ts";
import type {
  QueryLimits,
  QueryResult,
  SqlParameters,
} from "../state/sql/types.ts";

/** A place in the durable log. In a cluster that was recovered the indexes of before mean nothing. */
export interface LogPlace {
  /** Whose log it is: the cluster's id. */
  readonly history: string;
  /** Everything up to here. */
  readonly index: LogIndex;
}

/** What of changed tables is wanted. */
export interface ChangesRequest {
  /** Only these tables and views, in any case of ASCII letters; 1 to 1,000. @default all */
  readonly tables?: readonly string[];
  /** What came after this: a place, or an index of the present history. @default what comes from the call on */
  readonly since?: LogPlace | LogIndex;
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal;
}

/** Tables that changed since the change before. Of a consumer that is slow, all of them become one. */
export interface TableChange {
  /** The last entry that changed one of them. */
  readonly index: LogIndex;
  /** The tables whose rows may have changed, and tables and views of which the schema did; as the schema spells them, sorted. */
  readonly tables: readonly string[];
  /** An entry that changed one of them changed the schema, too. */
  readonly schema: boolean;
  /** Any table may have changed: what came before is not known here, or a snapshot took its place. Then `tables` is empty. */
  readonly reset: boolean;
  /** Where to go on from. */
  readonly place: LogPlace;
}

/** Changes as they come. */
export interface TableChanges extends AsyncIterable<TableChange> {
  /** Up to here everything was told; null before anything is known. */
  readonly place: LogPlace | null;
}

/** A query whose rows are wanted again whenever they are others. */
export interface LiveRequest {
  /** One reading statement; with its parameters 64 KiB at most. */
  readonly sql: string;
  /** Its parameters. */
  readonly params?: SqlParameters;
  /** Run where it can be killed (HTTP and remote clients). @default {false} */
  readonly guarded?: boolean;
  /** Bounds of each run. @default {10 s, and no other; guarded as queries have them} */
  readonly limits?: Partial<QueryLimits>;
  /** Wait until this index is applied here before the first run. */
  readonly minIndex?: LogIndex;
  /** The least time from one run to the next, ms, 0 to 3,600,000. @default {50} */
  readonly minIntervalMs?: number;
  /** What was told before, perhaps by another member. */
  readonly since?: LivePosition;
  /** Ends it when it aborts. */
  readonly signal?: AbortSignal;
}

/** What a live query has told. */
export interface LivePosition {
  /** Where the rows were true. */
  readonly place: LogPlace;
  /** Their hash. */
  readonly hash: string;
}

/** What a live query tells. */
export type LiveEvent =
  /** The rows are these. */
  | (LivePosition & {
    readonly kind: "rows";
    readonly result: QueryResult;
  })
  /** The rows are those that were told before this one began: said once, at the beginning. */
  | (LivePosition & { readonly kind: "same" });

/** What follows the database as it changes. */
export interface MemberLive {
  /**
   * Tells which tables changed, until the signal aborts.
   * @throws {HiqliteError} `invalid`; `overloaded` if there are 1,000 listeners; while it runs `shutting_down` when the member stops.
   */
  changes(request: ChangesRequest): TableChanges;
  /**
   * Tells the rows of a query, then again whenever they are others, until the signal aborts.
   * @throws {HiqliteError} what a query throws; `too_large`; `overloaded` if there are 1,000 live queries, or 100 different ones; `shutting_down` when the member stops.
   */
  query(request: LiveRequest): AsyncIterable<LiveEvent>;
}

/** How many follow the database, for metrics. */
export interface LiveCounts {
  /** Who listens to changes. */
  readonly listeners: number;
  /** Live queries. */
  readonly queries: number;
  /** How often live queries were run. */
  readonly runs: number;
}
