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
export type { NodeOptions } from "./src/config/options.ts";
export type { LogSync, NodeAddress, NodeConfig } from "./src/config/types.ts";
export { HiqliteClient } from "./src/client/hiqlite_client.ts";
export { LocalClient } from "./src/client/local.ts";
export { LocalCache } from "./src/client/cache/local_cache.ts";
export { readMigrations } from "./src/client/migrations.ts";
export {
  type AddOptions,
  AtomicBatch,
  type AtomicResult,
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
  type Client,
  connect,
  type ConnectOptions,
  type DeleteOptions,
  type ErrorCode,
  type ExecuteResult,
  HiqliteError,
  type JsonValue,
  type KeyedEntry,
  type ListOptions,
  type OperationOptions,
  OutcomeUnknownError,
  PreconditionError,
  type PutOptions,
  type QueryOptions,
  ref,
  RemoteClient,
  type ReturningResult,
  type Row,
  type Schema,
  type SchemaIssue,
  type SchemaOption,
  type SchemaResult,
  StatementError,
  type StatementOutcome,
  type StatementsResult,
  type WatchOptions,
  type WriteOptions,
} from "./src/client/remote.ts";
export { SqlClient } from "./src/client/sql.ts";
export { ConfigError, HTTP_STATUS } from "./src/errors.ts";
export { apiHandler, type AppOptions } from "./src/server/app.ts";
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
  ClusterStatus,
  Consistency,
  GroupStatus,
  HealthStatus,
  Member,
  MemberCaches,
  MembershipRequest,
  MemberStatus,
  NamedGroupStatus,
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
  WriteRequest,
} from "./src/node/port.ts";
export type {
  CommandBody,
  CommandFailure,
  CommandResult,
  Migration,
  QueryLimits,
  QueryResult,
  SqlParameter,
  SqlParameters,
  SqlValue,
  Statement,
  StatementReference,
  StatementResult,
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
  ValueKind,
} from "./src/state/kv/types.ts";
export type { LogIndex, MemberId, NodeId, Term } from "./src/raft/types.ts";
export {
  type LogFields,
  Logger,
  type LogLevel,
  type LogSink,
  silentLogger,
} from "./src/util/logger.ts";
