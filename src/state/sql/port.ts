import type {
  QueryLimits,
  QueryResult,
  RowStream,
  SqlParameters,
  Statement,
} from "./types.ts";
import type { AnalysisRequest } from "./analysis.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { ClusterFacts } from "../cluster_facts.ts";
import type { RetainedEvents } from "../topics/event.ts";
import type { LockReport } from "../locks/types.ts";
import type { ApiToken } from "../tokens/types.ts";
import type { StateMachine, StatePosition } from "../port.ts";

/** A read as the node hands it to its state machine. */
export interface SqlQuery extends Statement {
  /** Run it where it can be killed. @default {false} */
  readonly guarded?: boolean;
  /** Who asks: guarded queries of different clients take turns. @default {""} */
  readonly client?: string;
  /** A limit left out does not apply. */
  readonly limits?: Partial<QueryLimits>;
  /** Nobody waits any more once it aborts. */
  readonly signal?: AbortSignal;
  /** Instead of running it: one row with one text, the JSON of a list of `StatementAnalysis`. */
  readonly analysis?: AnalysisRequest;
}

/** What a query answered, and what is needed to know when it answers something else. */
export interface Observation {
  /** The index at which it is true. */
  readonly index: LogIndex;
  /** Tables whose events may change it, folded, perhaps too many; null: any event may. A change of the schema always may. */
  readonly tables: readonly string[] | null;
  /** Of columns and rows, 32 hexadecimal digits. */
  readonly hash: string;
  /** Null if the hash is the known one. */
  readonly result: QueryResult | null;
}

/** The SQLite that a member runs. */
export interface SqlEngine {
  /** `node:sqlite`, `libsqlite3` … */
  readonly name: string;
  /** Its version, like `3.53.2`. */
  readonly version: string;
}

/** A state machine that answers SQL, of the durable group. */
export interface SqlMachine extends StateMachine {
  /** How far it is, all three as of the same entry. */
  readonly position: StatePosition;
  /** What the group knows of its cluster, as of the last entry applied. */
  readonly facts: ClusterFacts;
  /** What is kept of the events that were published, as of the last entry applied. */
  readonly retainedEvents: RetainedEvents;
  /** Leases and locks as of the last entry applied; what happened is counted since the writer started. */
  readonly locks: LockReport;
  /** The tokens of the API as of the last entry applied, by id; another list once one of them is another. */
  readonly tokens: readonly ApiToken[];
  /** What runs the SQL here; members may differ in it. */
  readonly engine: SqlEngine;
  /** Where the database is, which is elsewhere after a snapshot was installed; null if it is in memory. */
  readonly files: { readonly path: string } | null;
  /** Reads from this member's state. @throws {HiqliteError} `sql`, `forbidden`, `invalid`, `timeout`, `too_large`, `overloaded`, `storage`, `shutting_down`. */
  query(query: SqlQuery): Promise<QueryResult>;
  /** The same, from one view of the database, whose index it tells. Without the rows if their hash is `known`, which is empty at first. */
  observe(query: SqlQuery, known: string): Promise<Observation>;
  /** Runs a SELECT and keeps its rows in a temporary file, of 1 GiB at most, to be taken page by page. @throws {HiqliteError} as {@linkcode query}. */
  rows(query: SqlQuery): Promise<RowStream>;
  /**
   * Reads on the calling thread, which it blocks: a few µs for a row by key, longer if entry `minIndex` is still being
   * committed; its COMMIT must be on its way. @throws {HiqliteError} as {@linkcode query}.
   */
  querySync(
    sql: string,
    params?: SqlParameters,
    minIndex?: LogIndex,
  ): QueryResult;
}
