/**
 * An embeddable SQLite database that forms a Raft cluster.
 *
 * ```ts
 * import { open } from "@hiqlite/hiqlite";
 *
 * await using db = await open({ dataDir: "data" });
 * await db.execute("CREATE TABLE IF NOT EXISTS note (id INTEGER PRIMARY KEY, text TEXT)");
 * await db.execute("INSERT INTO note (text) VALUES (?)", ["hello"]);
 * console.log(await db.query("SELECT * FROM note"));
 * ```
 *
 * `open()` runs a member of the cluster in this process; `connect()` speaks to
 * one elsewhere. Both return a {@linkcode Client}.
 *
 * @module
 */
// First: a compiled program that embeds the package is also its member's children.
import "./src/state/sqlite/child.ts";
export { open, type OpenOptions } from "./src/app/open.ts";
export {
  openForTest,
  type TestMemberOptions,
} from "./src/app/open_for_test.ts";
export type { NodeOptions } from "./src/config/options.ts";
export type { BackupConfig } from "./src/config/backup_types.ts";
export type { DashboardConfig } from "./src/config/dashboard_types.ts";
export type { EncryptionKey } from "./src/backup/key_ring.ts";
export type { LogSync, NodeAddress, NodeConfig } from "./src/config/types.ts";
export { HiqliteClient } from "./src/client/hiqlite_client.ts";
export { LocalClient } from "./src/client/local.ts";
export { LocalCache } from "./src/client/cache/local_cache.ts";
export { readMigrations } from "./src/client/migrations.ts";
export {
  type AddOptions,
  AtomicBatch,
  type AtomicResult,
  type BackupCheck,
  type BackupContents,
  type BackupOptions,
  type BackupPlace,
  type BackupRecord,
  BoundSql,
  Cache,
  type CacheCodec,
  type CacheEntry,
  type CacheKey,
  type CacheListing,
  type CacheOptions,
  type CacheReadOptions,
  type CacheUpdate,
  type CacheValue,
  type CallOptions,
  type ChangesOptions,
  type Client,
  connect,
  type ConnectOptions,
  type CreatedToken,
  type DeleteOptions,
  type ElectedLeader,
  Election,
  type ElectionOptions,
  type ErrorCode,
  type ExecuteResult,
  type FencedWriteOptions,
  HiqliteError,
  type JsonValue,
  type KeyedEntry,
  type ListOptions,
  type LiveOptions,
  type LiveRows,
  Lock,
  type LockFence,
  type LockListOptions,
  type LockOptions,
  type LockState,
  type OperationOptions,
  OutcomeUnknownError,
  PreconditionError,
  PreparedSql,
  type PutOptions,
  type QueryOptions,
  type RawRows,
  ref,
  RemoteClient,
  type ReturningResult,
  type Row,
  type Schema,
  type SchemaIssue,
  type SchemaOption,
  type SchemaResult,
  type Scope,
  StatementError,
  type StatementOutcome,
  type StatementsResult,
  type TablesChanged,
  type TokenInfo,
  type TokenOptions,
  Tokens,
  type TryLockOptions,
  type WatchOptions,
  type WriteOptions,
} from "./src/client/remote.ts";
export { TopicStream } from "./src/client/topics/topic_stream.ts";
export type {
  EventData,
  Notification,
  NotifyOption,
  TopicOptions,
  TopicUpdate,
} from "./src/client/topics/types.ts";
export type { Notice } from "./src/state/topics/notice.ts";
export { SqlClient } from "./src/client/sql.ts";
export { ConfigError, HTTP_STATUS } from "./src/errors.ts";
export { apiHandler, type AppOptions } from "./src/server/app.ts";
export type {
  BackupFile,
  BackupRequest,
  MemberBackups,
} from "./src/node/backup_port.ts";
export type {
  AuditEntry,
  AuditNote,
  AuditRun,
  MemberAudit,
} from "./src/node/audit_port.ts";
export type { AnalysisRequest } from "./src/state/sql/analysis.ts";
export type { DashboardOptions } from "./src/server/dashboard/options.ts";
export type {
  LockAcquireRequest,
  LockChangeAnswer,
  LockChangeRequest,
  LockGrant,
  LockListAnswer,
  LockListRequest,
  MemberLocks,
} from "./src/node/lock_port.ts";
export type {
  LeaseChoice,
  LockAnswer,
  LockBound,
  LockOperation,
  LockWish,
} from "./src/state/locks/types.ts";
export type {
  MemberTokens,
  TokenCreateAnswer,
  TokenCreateRequest,
  TokenListAnswer,
  TokenRevokeAnswer,
  TokenRevokeRequest,
} from "./src/node/token_port.ts";
export type { ApiToken, TokenWish } from "./src/state/tokens/types.ts";
export type {
  CacheCounterAnswer,
  CacheCounterRequest,
  CacheGetAnswer,
  CacheGetRequest,
  CacheListAnswer,
  CacheListRequest,
  CachePosition,
  CacheReadRequest,
  CacheReport,
  CacheWatchEvent,
  CacheWatchRequest,
  CacheWriteAnswer,
  CacheWriteRequest,
  ChangesRequest,
  ClusterStatus,
  Consistency,
  GroupStatus,
  HealthStatus,
  ListenRequest,
  LiveEvent,
  LivePosition,
  LiveRequest,
  LogPlace,
  Member,
  MemberCaches,
  MemberLive,
  MembershipRequest,
  MemberStatus,
  MemberTopics,
  NamedGroupStatus,
  NotifyAnswer,
  NotifyRequest,
  QueryAnswer,
  QueryRequest,
  RowStream,
  TableChange,
  TableChanges,
  TopicMessage,
  TopicsReport,
  WriteAnswer,
  WriteRequest,
} from "./src/node/port.ts";
export type {
  CommandBody,
  CommandFailure,
  CommandResult,
  Fenced,
  Migration,
  QueryLimits,
  QueryResult,
  SqlParameter,
  SqlParameters,
  SqlValue,
  Statement,
  StatementReference,
  StatementResult,
  WriteNotice,
} from "./src/state/sql/types.ts";
export type {
  ByteKey,
  CacheSettings,
  CacheStats,
  KvAnswer,
  KvCheck,
  KvEntry,
  KvKeyed,
  KvOperation,
  KvRange,
  KvResult,
  KvUnit,
  KvValue,
  PutFields,
  SeenValue,
} from "./src/state/kv/types.ts";
export type { StoredValue, ValueKind } from "./src/state/stored_value.ts";
export {
  type Durations,
  MEMBER_EVENT_KINDS,
  type MemberEvent,
  type MemberEventKind,
  type MemberEvents,
  type MemberEventsRequest,
  type MemberReport,
  type MemberSeries,
  type MemberSight,
  type MemberSlow,
  type MemberTelemetry,
  type PeerSight,
  type Series,
  SERIES_COLUMNS,
  type SeriesColumn,
  type SeriesRequest,
  type SlowReport,
  type SlowReports,
  type SlowStatement,
  type SnapshotActivity,
} from "./src/node/telemetry_port.ts";
export type { LogIndex, MemberId, NodeId, Term } from "./src/raft/types.ts";
export {
  type LogFields,
  Logger,
  type LogLevel,
  type LogSink,
  silentLogger,
} from "./src/util/logger.ts";
