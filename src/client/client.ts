import type {
  MemberEvents,
  MemberEventsRequest,
  MemberSight,
  Series,
  SeriesRequest,
} from "../node/telemetry_port.ts";
import type {
  CacheReport,
  ClusterStatus,
  HealthStatus,
  MembershipRequest,
} from "../node/port.ts";
import type { LogIndex, NodeId } from "../raft/types.ts";
import type {
  Migration,
  SqlParameter,
  SqlParameters,
  Statement,
} from "../state/sql/types.ts";
import type {
  CallOptions,
  FencedWriteOptions,
  WriteOptions,
} from "./call_options.ts";
import type { BackupOptions } from "./backups.ts";
import type { BackupRecord } from "../state/backups/types.ts";
import type { AtomicBatch } from "./cache/atomic.ts";
import type { Cache } from "./cache/cache.ts";
import type { CacheOptions, CacheValue } from "./cache/types.ts";
import type { ChangesOptions, TablesChanged } from "./live_options.ts";
import type { BoundSql, PreparedSql } from "./prepared_sql.ts";
import type { TopicStream } from "./topics/topic_stream.ts";
import type { EventData, NotifyOption, TopicOptions } from "./topics/types.ts";
import type { Election } from "./locks/election.ts";
import type { Lock } from "./locks/lock.ts";
import type {
  ElectionOptions,
  LockListOptions,
  LockOptions,
  TryLockOptions,
} from "./locks/types.ts";
import type { LockFence } from "../state/locks/types.ts";
import type { LockState } from "../node/lock_port.ts";
import type {
  QueryOptions,
  Row,
  SqlVerbs,
  StatementsResult,
} from "./sql_verbs.ts";
import type { Tokens } from "./tokens.ts";

export type {
  ChangesOptions,
  LiveOptions,
  LiveRows,
  TablesChanged,
} from "./live_options.ts";
export type * from "./sql_verbs.ts";
export type {
  CallOptions,
  FencedWriteOptions,
  WriteOptions,
} from "./call_options.ts";

/**
 * The database, from inside a member's process or from afar.
 *
 * Every write is applied once, however often it had to be sent. Errors are
 * {@linkcode HiqliteError}s with a stable code; `outcome_unknown` alone leaves
 * open whether a write was applied.
 */
export interface Client extends SqlVerbs, AsyncDisposable {
  /** Runs statements, all or nothing; parameters may be {@linkcode ref}erences to earlier ones. */
  txn(
    statements: readonly (Statement | string)[],
    options?: FencedWriteOptions & NotifyOption,
  ): Promise<StatementsResult>;
  /**
   * Runs the statements of a text, each on its own. An error ends the batch;
   * it is thrown as {@linkcode StatementError}, which says what was kept.
   */
  batch(sql: string, options?: FencedWriteOptions): Promise<StatementsResult>;
  /**
   * A statement of a template, whose values become parameters, never text:
   * ``await db.sql`SELECT * FROM note WHERE id = ${id}`.query()``.
   *
   * @throws {HiqliteError} `invalid` if a value is a statement itself.
   */
  sql<T = Row>(
    texts: TemplateStringsArray,
    ...values: readonly SqlParameter[]
  ): BoundSql<T>;
  /** A statement to be run with one set of parameters after the other. */
  prepare<T = Row>(sql: string): PreparedSql<T>;
  /** Reads with `consistency: "linearizable"`. */
  queryConsistent<T = Row>(
    sql: string,
    params?: SqlParameters,
    options?: Omit<QueryOptions<T>, "consistency">,
  ): Promise<T[]>;
  /**
   * Tells which tables changed, as they change, whoever writes through whichever member: a cache of what a query
   * answered can be thrown away, or the query be run again. Of a consumer that is slow, many changes become one.
   * @throws {HiqliteError} `invalid`, `overloaded`, `shutting_down` when the member stops or the client is ended.
   */
  changes(options?: ChangesOptions): AsyncGenerator<TablesChanged>;
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
  /** Publishes an event; its id is known once it is applied. */
  notify(
    topic: string,
    data: EventData,
    options?: WriteOptions,
  ): Promise<{ readonly id: string; readonly index: LogIndex }>;
  /**
   * Listens to topics: every event of them, once and in order, from the call on or after `since`. Events are kept for an
   * hour, 10,000 of them and 64 MiB at most; who comes later hears `lagged`.
   * @throws {HiqliteError} `invalid`; later `overloaded` if there are 1,000 listeners, `shutting_down` when the member or the client ends.
   */
  listen(options: TopicOptions): TopicStream;
  /**
   * Gets a lock, waiting for it behind those who asked before. It is renewed until it is released or
   * disposed of. What it can promise and what not is in the README.
   *
   * @throws {HiqliteError} `lock_held` when the wait is over; `lock_lost`, `conflict` (it is in use with another limit), `invalid`, `no_leader`, `overloaded`.
   */
  lock(name: string, options?: LockOptions): Promise<Lock>;
  /** Gets a lock if it is free; null if others hold it or wait for it. */
  tryLock(name: string, options?: TryLockOptions): Promise<Lock | null>;
  /** Who holds locks, 1,000 holders at most; of one name, if it is given. */
  locks(
    name?: string,
    options?: LockListOptions,
  ): Promise<readonly LockState[]>;
  /** Gives back a lock by what its grant said, whoever holds it; false if nobody holds it so. */
  releaseLock(fence: LockFence, options?: CallOptions): Promise<boolean>;
  /** An election under a name: who holds its lock leads, and everybody can see who that is. Nothing is sent before its first use. */
  elect(name: string, options?: ElectionOptions): Election;
  /** The tokens of the API: made, listed, revoked. */
  readonly tokens: Tokens;
  /**
   * Takes a backup and waits until it is taken: stored where the configuration says, else in the folder `backups/` of the
   * member that took it, which is not the leader if there is another voter. Writes go on meanwhile.
   * @throws {HiqliteError} `conflict` while another one is being taken, `storage` if every attempt failed.
   */
  backup(options?: BackupOptions): Promise<BackupRecord>;
  /** The last hundred backups, as the member knows them, in the order in which they began. */
  backups(options?: CallOptions): Promise<readonly BackupRecord[]>;
  /** Whether the member runs and knows a leader. */
  health(options?: CallOptions): Promise<HealthStatus>;
  /** Whether the member is fit for traffic. */
  ready(options?: CallOptions): Promise<HealthStatus>;
  /** The member's metrics in Prometheus' text format. */
  metrics(options?: CallOptions): Promise<string>;
  /** The cluster as the member sees it. */
  cluster(options?: CallOptions): Promise<ClusterStatus>;
  /** What every member says of itself, as the asked one heard it. */
  memberReports(options?: CallOptions): Promise<readonly MemberSight[]>;
  /** How every member was over time, as the asked one heard it. @throws {HiqliteError} `invalid` */
  memberSeries(request?: SeriesRequest, options?: CallOptions): Promise<Series>;
  /** What happened to the members: elections, lost contact, snapshots, refused writes. @throws {HiqliteError} `invalid` */
  memberEvents(
    request?: MemberEventsRequest,
    options?: CallOptions,
  ): Promise<MemberEvents>;
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
