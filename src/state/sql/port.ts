import type { QueryLimits, QueryResult, SqlParameters } from "./types.ts";
import type { StateHash, StateMachine } from "../port.ts";

/** A read as the node hands it to its state machine. */
export interface SqlQuery {
  readonly sql: string;
  readonly params?: SqlParameters;
  /** Run where it can be killed. */
  readonly guarded?: boolean;
  readonly limits?: Partial<QueryLimits>;
}

/** A state machine that answers SQL. */
export interface SqlMachine extends StateMachine {
  /** @throws {HiqliteError} `sql`, `forbidden`, `invalid`, `timeout`, `too_large`. */
  query(query: SqlQuery): Promise<QueryResult>;
  /** The same on the calling thread. */
  querySync(sql: string, params?: SqlParameters): QueryResult;
  /**
   * Looks for damage in what is stored: at leisure, with little effect on others, or in a hurry.
   * @throws {StateDamagedError} if it finds some.
   */
  check(hurry: boolean): Promise<void>;
  /** Checksums of the state at some of the last indexes, for comparison with other members. */
  stateHashes(): readonly StateHash[];
}
