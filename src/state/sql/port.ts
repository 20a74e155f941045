import type {
  QueryLimits,
  QueryResult,
  SqlParameters,
  Statement,
} from "./types.ts";
import type { ClusterFacts } from "../cluster_facts.ts";
import type { StateMachine } from "../port.ts";

/** A read as the node hands it to its state machine. */
export interface SqlQuery extends Statement {
  /** Run it where it can be killed. @default {false} */
  readonly guarded?: boolean;
  /** A limit left out does not apply. */
  readonly limits?: Partial<QueryLimits>;
  /** Nobody waits any more once it aborts. */
  readonly signal?: AbortSignal;
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
  /** What the group knows of its cluster, as of the last entry applied. */
  readonly facts: ClusterFacts;
  /** What runs the SQL here; members may differ in it. */
  readonly engine: SqlEngine;
  /** @throws {HiqliteError} `sql`, `forbidden`, `invalid`, `timeout`, `too_large`. */
  query(query: SqlQuery): Promise<QueryResult>;
  /** The same on the calling thread. */
  querySync(sql: string, params?: SqlParameters): QueryResult;
}
