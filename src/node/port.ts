import type {
  CommandBody,
  CommandResult,
  QueryLimits,
  QueryResult,
  RowStream,
  SqlParameters,
} from "../state/sql/types.ts";
import type {
  ByteKey,
  CacheStats,
  KvAnswer,
  KvEntry,
  KvRange,
  KvUnit,
  SeenValue,
} from "../state/kv/types.ts";
import type { AnalysisRequest } from "../state/sql/analysis.ts";
import type { MemberTopics } from "./topics_port.ts";
import type { MemberAudit } from "./audit_port.ts";
import type { MemberBackups } from "./backup_port.ts";
import type { MemberLocks } from "./lock_port.ts";
import type { MemberTokens } from "./token_port.ts";
import type { MemberTelemetry } from "./telemetry_port.ts";
import type { LogIndex, MemberId, NodeId, Term } from "../raft/types.ts";
import type { MemberLive } from "./live_port.ts";

export type * from "./live_port.ts";

export type * from "./topics_port.ts";

export type { RowStream } from "../state/sql/types.ts";

/** How fresh a read must be. */
export type Consistency =
  /** What this member has applied. */
  | "local"
  /** Everything acknowledged anywhere before the read began. */
  | "linearizable";

/** A write, as clients hand it to a member. */
export interface WriteRequest {
  /** What to do. */
  readonly body: CommandBody;
  /** A retry with the same key applies once; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /**
   * How long to wait for the answer, ms; a leader is looked for at most 10 s of it. If
   * the leader has answered, but this member has not applied the write when the time is
   * over, the answer is given all the same: then a local read here may not show
   * the write yet (pass `minIndex`). @default {120_000}
   */
  readonly timeoutMs?: number;
  /**
   * How long it may run on the leader, ms, 1 … 2^32 - 1; the leader's `write_timeout_max_ms` bounds it. What
   * runs for longer is refused as `timeout`, and never gets into the log. @default the
   * leader's `write_timeout_ms`; for migrations all that the leader allows
   */
  readonly maxRunMs?: number;
}

/** The answer to a write that was applied. */
export interface WriteAnswer {
  /** Its log index; pass it as `minIndex` to read your own write on any member. */
  readonly index: LogIndex;
  /** What it did, or why it was refused. */
  readonly result: CommandResult;
}

/** A read, as clients hand it to a member. */
export interface QueryRequest {
  /** One reading statement. */
  readonly sql: string;
  /** Its parameters. */
  readonly params?: SqlParameters;
  /** How fresh the answer must be. @default {"local"} */
  readonly consistency?: Consistency;
  /** Wait until this index is applied here. */
  readonly minIndex?: LogIndex;
  /** Run where it can be killed (HTTP and remote clients). @default {false} */
  readonly guarded?: boolean;
  /** Who asks: guarded queries of different clients take turns. @default {""} */
  readonly client?: string;
  /** Bounds of time and size; the ones left out have defaults. */
  readonly limits?: Partial<QueryLimits>;
  /** Run nothing: tell what the text's statements would do, as one row with one text, the JSON of `StatementAnalysis`es. */
  readonly analysis?: AnalysisRequest;
  /** Nobody waits any more once it aborts. */
  readonly signal?: AbortSignal;
}

/** The answer to a read. */
export interface QueryAnswer extends QueryResult {
  /** The state that was read contains at least this index. */
  readonly index: LogIndex;
}

/** A place in the life of the caches: an index means nothing without its epoch. */
export interface CachePosition {
  /** Which life of the caches; each begins empty. From 1. */
  readonly epoch: number;
  /** The log index in it. */
  readonly index: LogIndex;
}

/** A change of caches, as clients hand it to a member. */
export interface CacheWriteRequest {
  /** What happens together, if all checks hold. */
  readonly unit: KvUnit;
  /** The only life of the caches in which it may happen: that of the versions in its conditions. @default any */
  readonly epoch?: number;
  /** A retry with the same key applies once; at most 128 bytes of UTF-8. */
  readonly idempotencyKey?: string;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. @default {120_000} */
  readonly timeoutMs?: number;
}

/** What a change of caches did, and where it stands in their log. */
export interface CacheWriteAnswer extends CachePosition {
  /** Results, or why nothing was done. */
  readonly answer: KvAnswer;
}

/** How to read a cache. */
export interface CacheReadRequest {
  /** The cache's name. One that does not exist is empty. */
  readonly cache: string;
  /** How fresh the answer must be. @default {"local"} */
  readonly consistency?: Consistency;
  /** Wait until this is applied here; without effect once its epoch is over. */
  readonly minimum?: CachePosition;
  /** How long to wait for that, ms. @default {30_000} */
  readonly timeoutMs?: number;
}

/** A read of some entries. */
export interface CacheGetRequest extends CacheReadRequest {
  /** Which, 1 to 1000. */
  readonly keys: readonly ByteKey[];
}

/** Entries in the order of their keys in the request; null for what is not there. */
export interface CacheGetAnswer extends CachePosition {
  /** As many as keys. */
  readonly entries: readonly (KvEntry | null)[];
}

/** A read of a counter. */
export interface CacheCounterRequest extends CacheReadRequest {
  /** Which. */
  readonly key: ByteKey;
}

/** A counter's value. */
export interface CacheCounterAnswer extends CachePosition {
  /** Null if there is none. */
  readonly counter: bigint | null;
}

/** A read of a page of entries. */
export interface CacheListRequest extends CacheReadRequest {
  /** Which. */
  readonly range: KvRange;
}

/** A page of entries, of one state. */
export interface CacheListAnswer extends CachePosition {
  /** In order; together about 4 MiB at most, but one at least. */
  readonly entries: readonly (KvEntry & { readonly key: ByteKey })[];
  /** Whether the range may hold more. */
  readonly more: boolean;
}

/** A cache as a member has it, and how it was read there. */
export interface CacheReport extends CacheStats {
  /** Reads of this member that found their entry, since it started. */
  readonly hits: number;
  /** Those that did not. */
  readonly misses: number;
}

/** What to watch: some keys, or all that begin alike. */
export interface CacheWatchRequest {
  /** The cache's name. */
  readonly cache: string;
  /** Exactly these, 1 to 100; then `prefix` must be left out. */
  readonly keys?: readonly ByteKey[];
  /** Every key that begins so; empty for all. */
  readonly prefix?: ByteKey;
  /** The last position that was told: only what changed since then is told again. */
  readonly since?: CachePosition;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  /** Several watches may be given one and the same event: then nobody changes it, nor its bytes. @default {false} */
  readonly shared?: boolean;
}

/** What a watch tells: the latest value of what changed, which may skip values in between. */
export type CacheWatchEvent =
  /** Everything told before counts no more; what is there is told anew. */
  | { readonly kind: "reset" }
  | {
    readonly kind: "entry";
    readonly key: ByteKey;
    readonly entry: KvEntry;
    /** The life of the caches that its version is of. */
    readonly epoch: number;
  }
  | { readonly kind: "removed"; readonly key: ByteKey }
  /** Everything up to here was told. */
  | { readonly kind: "position"; readonly position: CachePosition };

/**
 * The caches of a member.
 * @throws {HiqliteError} from every method: `conflict` if the caches are turned off here.
 */
export interface MemberCaches {
  /** The present life of the caches, as this member knows it. */
  readonly epoch: number;
  /**
   * Replicates a change and resolves when it is applied on the leader and here.
   * @throws {HiqliteError} `invalid`, `too_large`, `cache_reset`, `no_leader`, `overloaded`, `shutting_down`: not applied; `outcome_unknown`: perhaps applied.
   */
  apply(request: CacheWriteRequest): Promise<CacheWriteAnswer>;
  /** Reads entries. @throws {HiqliteError} `invalid`, `too_large` (16 MiB), `no_leader`, `timeout`. */
  get(request: CacheGetRequest): Promise<CacheGetAnswer>;
  /** A local read on the calling thread, in less than a microsecond. Contains this member's own acknowledged writes. The value's bytes are only valid until the caller lets others run: it decodes or copies them at once. */
  getSync(cache: string, key: ByteKey): KvEntry | null;
  /** As {@linkcode getSync}, the value alone, where it lies until anything else is read or written. */
  seeSync(cache: string, key: ByteKey): SeenValue | null;
  /** Reads a counter. @throws {HiqliteError} as {@linkcode get}. */
  counter(request: CacheCounterRequest): Promise<CacheCounterAnswer>;
  /** Reads a page. @throws {HiqliteError} as {@linkcode get}. */
  list(request: CacheListRequest): Promise<CacheListAnswer>;
  /** All caches, by name. */
  stats(): readonly CacheReport[];
  /**
   * Tells what changes, beginning with what is there, until the signal aborts.
   * @throws {HiqliteError} `invalid`; `overloaded` if there are 1,000 watches; `shutting_down` when the member stops.
   */
  watch(request: CacheWatchRequest): AsyncIterable<CacheWatchEvent>;
}

/** One member as the asked member sees it. */
export interface MemberStatus {
  /** Node id and incarnation. */
  readonly id: MemberId;
  /** The operator's number. */
  readonly nodeId: NodeId;
  /** Where peers reach it, `host:port`. */
  readonly raftAddress: string;
  /** Where clients reach it, `host:port`. */
  readonly apiAddress: string;
  /** A leader is a voter too. */
  readonly role: "leader" | "voter" | "learner";
  /** Whether the asked member has a link to it (true for itself). */
  readonly connected: boolean;
  /** Replicated up to; only known by the leader. */
  readonly matchIndex: LogIndex | null;
}

/** One Raft group as one member sees it. */
export interface GroupStatus {
  /** The member that answers, as the group knows it. */
  readonly self: MemberId;
  /** Null while none is known. */
  readonly leader: MemberId | null;
  /** The current Raft term. */
  readonly term: Term;
  /** The last entry known to be committed. */
  readonly commitIndex: LogIndex;
  /** The last entry visible to local reads. */
  readonly appliedIndex: LogIndex;
  /** The last entry in its log. */
  readonly lastIndex: LogIndex;
  /** First index still in the log. */
  readonly firstIndex: LogIndex;
  /** A membership change is under way. */
  readonly joint: boolean;
  /** Everyone in the configuration. */
  readonly members: readonly MemberStatus[];
}

/** A group with its name. */
export interface NamedGroupStatus extends GroupStatus {
  /** `db` is the durable group. */
  readonly name: string;
}

/** A cluster as one member sees it: its durable group, and every group that the member hosts. */
export interface ClusterStatus extends GroupStatus {
  /** Empty before the cluster is formed. */
  readonly clusterId: string;
  /** The groups that this member hosts, the durable one first. */
  readonly groups: readonly NamedGroupStatus[];
}

/** Whether a member is well, for load balancers. */
export interface HealthStatus {
  /** Whether it is well. */
  readonly ok: boolean;
  /** What is wrong, or `ok`. */
  readonly detail: string;
}

/** A change of membership by node id; the incarnation is looked up. */
export interface MembershipRequest {
  /** What to do with the node. */
  readonly action: "add-learner" | "promote" | "demote" | "remove";
  /** Which node. */
  readonly nodeId: NodeId;
  /** With `add-learner`, for a node that is not in the configuration. */
  readonly raftAddress?: string;
  /** Where clients reach it. */
  readonly apiAddress?: string;
}

/** What a listener tells of itself, for metrics. */
export interface ListenerReport {
  readonly listener: "raft" | "api";
  /** Connections that are open. */
  readonly open: number;
  /** Refused or ended since there were too many. */
  readonly refused: number;
  /** Ended since a handshake or the head of a request took too long. */
  readonly late: number;
  /** TLS handshakes that failed. */
  readonly failed: number;
  /** Until when its certificate is valid, ms since 1970; null without TLS. */
  readonly notAfterMs: number | null;
}

/** One member of a cluster, as clients and servers use it: plain data in, plain data out. */
export interface Member {
  /**
   * Replicates a write and resolves when it is committed and the leader has run it; on a follower when it is applied
   * here, too. Reads on this member, {@linkcode querySync} included, wait for it: the caller reads its own write.
   * @throws {HiqliteError} `no_leader`, `overloaded`, `disk_full`, `too_large`, `shutting_down`: not applied; `outcome_unknown`: perhaps applied.
   */
  write(request: WriteRequest): Promise<WriteAnswer>;
  /**
   * Reads.
   * @throws {HiqliteError} `sql`, `forbidden` (it would write), `invalid`, `timeout`, `too_large`, `no_leader`.
   */
  query(request: QueryRequest): Promise<QueryAnswer>;
  /**
   * Runs a SELECT and keeps its rows beside the database, 1 GiB at most, to be taken page by page; four such streams at a time
   * of the API, two of one client, and four of the program.
   * @throws {HiqliteError} as {@linkcode query}; `overloaded` if too many are open.
   */
  rows(request: QueryRequest): Promise<RowStream>;
  /**
   * A read on the calling thread: a few µs, blocks it meanwhile. Contains this member's own acknowledged writes; on a
   * leader it waits for the COMMIT of those that were answered just before.
   * @throws {HiqliteError} `sql`, `forbidden`, `invalid`; `timeout` if that takes a second; `no_leader` while a member that began empty misses the cluster's data.
   */
  querySync(sql: string, params?: SqlParameters): QueryResult;
  /** What follows the database as it changes. */
  readonly live: MemberLive;
  /** What it offers of caches. @throws {HiqliteError} `conflict` if they are turned off here. */
  readonly caches: MemberCaches;
  /** What it offers of topics. */
  readonly topics: MemberTopics;
  /** What it offers of leases and locks. */
  readonly locks: MemberLocks;
  /** What it offers of the API's tokens. */
  readonly tokens: MemberTokens;
  /** What was done from dashboards. */
  readonly audit: MemberAudit;
  /** What it offers of backups. */
  readonly backups: MemberBackups;
  /** What it tells of itself and of the others. */
  readonly telemetry: MemberTelemetry;
  /** The cluster as this member sees it. */
  cluster(): ClusterStatus;
  /** Well enough to be kept: runs, knows a leader. `detail` also speaks of what a restart would not mend. */
  health(): HealthStatus;
  /** Well enough for traffic: healthy, caught up, applying what is committed, a voter (or learner by configuration), not stopping. */
  ready(): HealthStatus;
  /** Prometheus text exposition format. */
  metrics(): string;
  /** Changes the configuration; resolves when the change is committed. */
  changeMembership(request: MembershipRequest): Promise<ClusterStatus>;
  /** Moves leadership to a voter, by default the most up-to-date one; resolves when it has moved. */
  transferLeadership(target?: NodeId): Promise<ClusterStatus>;
  /** Hands over leadership, finishes what was begun, closes files. Idempotent. */
  shutdown(): Promise<void>;
}
