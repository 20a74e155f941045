import type {
  CacheReport,
  ClusterStatus,
  Consistency,
  HealthStatus,
  MembershipRequest,
} from "../node/port.ts";
import type { LogIndex, NodeId } from "../raft/types.ts";
import type {
  Migration,
  SqlParameters,
  SqlValue,
  Statement,
} from "../state/sql/types.ts";
import type { CallOptions, WriteOptions } from "./call_options.ts";
import type { AtomicBatch } from "./cache/atomic.ts";
import type { Cache } from "./cache/cache.ts";
import type { CacheOptions, CacheValue } from "./cache/types.ts";
import type { Schema } from "./schema.ts";

export type { CallOptions, WriteOptions } from "./call_options.ts";

/** A row by column name. Of columns with the same name the last one counts; give them names with AS. */
export type Row = Record<string, SqlValue>;

/** What rows must look like. */
export interface SchemaOption<T> {
  /** Any Standard Schema validator (Zod, Valibot, ArkType …); its output is the row. */
  readonly schema?: Schema<T>;
}

/** How to read. */
export interface QueryOptions<T> extends CallOptions, SchemaOption<T> {
  /**
   * `local`: what the asked member has applied, and every earlier write of this client.
   * `linearizable`: everything acknowledged anywhere before the read began.
   * @default {"local"}
   */
  readonly consistency?: Consistency;
  /** Wait until this index is applied: the `index` of a write seen elsewhere. */
  readonly minIndex?: LogIndex;
}

/** What a statement did. */
export interface StatementOutcome {
  /** Rows inserted, updated or deleted, without those of triggers. */
  readonly rowsAffected: number;
  /** The rowid of the last row it inserted; null if it inserted none. */
  readonly lastInsertRowid: number | bigint | null;
}

/** What a write did. */
export interface ExecuteResult extends StatementOutcome {
  /** Its place in the log; pass it as `minIndex` to read it through any client. */
  readonly index: LogIndex;
}

/** What a write with RETURNING did. */
export interface ReturningResult<T> extends ExecuteResult {
  /** The rows it returned, after the schema. */
  readonly rows: T[];
}

/** What several statements did. */
export interface StatementsResult {
  /** One per statement, in order. */
  readonly results: readonly (StatementOutcome & { readonly rows: Row[] })[];
  /** Their place in the log. */
  readonly index: LogIndex;
}

/**
 * The database, from inside a member's process or from afar.
 *
 * Every write is applied once, however often it had to be sent. Errors are
 * {@linkcode HiqliteError}s with a stable code; `outcome_unknown` alone leaves
 * open whether a write was applied.
 */
export interface Client extends AsyncDisposable {
  /** Runs one writing statement. */
  execute(
    sql: string,
    params?: SqlParameters,
    options?: WriteOptions,
  ): Promise<ExecuteResult>;
  /** Runs one writing statement and returns the rows of its RETURNING. */
  executeReturning<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: WriteOptions & SchemaOption<T>,
  ): Promise<ReturningResult<T>>;
  /** Runs statements, all or nothing; parameters may be {@linkcode ref}erences to earlier ones. */
  txn(
    statements: readonly (Statement | string)[],
    options?: WriteOptions,
  ): Promise<StatementsResult>;
  /**
   * Runs the statements of a text, each on its own. An error ends the batch;
   * it is thrown as {@linkcode StatementError}, which says what was kept.
   */
  batch(sql: string, options?: WriteOptions): Promise<StatementsResult>;
  /** Reads. */
  query<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T[]>;
  /** Reads exactly one row. @throws {HiqliteError} `no_rows`; `invalid` if there are more. */
  queryOne<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T>;
  /** Reads one row or none. @throws {HiqliteError} `invalid` if there are more. */
  queryOptional<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: QueryOptions<T>,
  ): Promise<T | undefined>;
  /** Reads with `consistency: "linearizable"`. */
  queryConsistent<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: Omit<QueryOptions<T>, "consistency">,
  ): Promise<T[]>;
  /** Brings the schema up to date; steps applied before are skipped. Returns the place in the log. */
  migrate(
    migrations: readonly Migration[],
    options?: WriteOptions,
  ): Promise<{ readonly index: LogIndex }>;
  /** A cache by its name; nothing is sent before its first use. With settings, it is created with them before the first write. */
  cache<T = CacheValue>(name: string, options?: CacheOptions<T>): Cache<T>;
  /** Checks and changes of several caches that happen together, or not at all. */
  atomic(): AtomicBatch;
  /** All caches as the member has them. */
  caches(options?: CallOptions): Promise<readonly CacheReport[]>;
  /** Whether the member runs and knows a leader. */
  health(options?: CallOptions): Promise<HealthStatus>;
  /** Whether the member is fit for traffic. */
  ready(options?: CallOptions): Promise<HealthStatus>;
  /** The member's metrics in Prometheus' text format. */
  metrics(options?: CallOptions): Promise<string>;
  /** The cluster as the member sees it. */
  cluster(options?: CallOptions): Promise<ClusterStatus>;
  /**
   * Moves leadership, by default to the most up-to-date voter.
   *
   * @throws {HiqliteError} `invalid` for a node that is no voter, `timeout` if the target did not take over and the leader leads on, `no_leader`; `outcome_unknown` from afar.
   */
  transferLeadership(
    target?: NodeId,
    options?: CallOptions,
  ): Promise<ClusterStatus>;
  /**
   * Adds, promotes, demotes or removes a member.
   *
   * @throws {HiqliteError} `invalid` for a node that is not what the change needs, or if no voter would be left; `conflict` while another change is under way or a learner to be promoted has not caught up; `no_leader`, `timeout`; `outcome_unknown` from afar.
   */
  changeMembership(
    request: MembershipRequest,
    options?: CallOptions,
  ): Promise<ClusterStatus>;
  /** In a member's process: stops the member. From afar: ends this client. Idempotent. */
  shutdown(): Promise<void>;
}
