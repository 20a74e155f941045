import type { NodeId } from "../raft/types.ts";
import type { BackupConfig } from "./backup_types.ts";
import type { DashboardConfig } from "./dashboard_types.ts";
import type { LogLevel } from "../util/logger.ts";

/** When the log is made durable. */
export type LogSync =
  /** fdatasync on a majority before a write is acknowledged. Nothing acknowledged is lost. */
  | { readonly mode: "immediate" }
  /** fdatasync is started at once and not waited for: a power failure of a majority can lose the last writes. */
  | { readonly mode: "immediate_async" }
  /** fdatasync every `ms` milliseconds: a power failure of a majority can lose the writes of that time. */
  | { readonly mode: "interval"; readonly ms: number };

/** Where a member listens for its peers and its clients. */
export interface NodeAddress {
  /** From 1. */
  readonly id: NodeId;
  /** `host:port` */
  readonly raft: string;
  /** `host:port` */
  readonly api: string;
}

/** Everything a member needs to know, resolved, checked and frozen. Defaults are in settings.ts. */
export interface NodeConfig extends BackupConfig, DashboardConfig {
  /** Which of `nodes` this member is. */
  readonly nodeId: NodeId;
  /** The initial voters; addresses here win over remembered ones. */
  readonly nodes: readonly NodeAddress[];
  /** Folder of everything the member keeps. @default {"data"} */
  readonly dataDir: string;
  /** Name of the SQLite file in it. @default {"hiqlite.db"} */
  readonly filenameDb: string;
  /** Which SQLite: the runtime's, a library, or what there is. @default {"auto"} */
  readonly sqliteDriver: "auto" | "node" | "ffi";
  /** Path of a SQLite library; empty for the embedded one. @default {""} */
  readonly sqliteLib: string;
  /** Interface (not port) the Raft listener uses. @default loopback if all nodes are there, else all interfaces */
  readonly listenAddrRaft: string;
  /** Interface (not port) the API listens on. @default as listenAddrRaft */
  readonly listenAddrApi: string;
  /** What members prove to one another; at least 16 characters. */
  readonly secretRaft: string;
  /** The `secretRaft` before this one, which peers may have still; empty if there is none. @default {""} */
  readonly secretRaftPrevious: string;
  /** What clients send; at least 16 characters. */
  readonly secretApi: string;
  /** Accepted beside secretApi while that is being changed; empty for none. @default {""} */
  readonly secretApiPrevious: string;
  /** Path of the Raft listener's private key in PEM; empty for none. @default {""} */
  readonly tlsRaftKey: string;
  /** Path of the Raft listener's certificates in PEM, its own first. @default {""} */
  readonly tlsRaftCert: string;
  /** As tlsRaftKey, of the API. @default {""} */
  readonly tlsApiKey: string;
  /** As tlsRaftCert, of the API. @default {""} */
  readonly tlsApiCert: string;
  /** TLS on each listener without files, by an authority that follows from its secret. The same on all members. @default {false} */
  readonly tlsAutoCertificates: boolean;
  /** Path of authorities in PEM that are trusted beside the public ones when peers are dialed; empty for none. @default {""} */
  readonly tlsRaftCa: string;
  /** As tlsRaftCa, for clients that read this configuration. @default {""} */
  readonly tlsApiCa: string;
  /** Peers' certificates are not verified. @default {false} */
  readonly tlsRaftDangerTlsNoVerify: boolean;
  /** Clients that read this configuration verify no certificates. @default {false} */
  readonly tlsApiDangerTlsNoVerify: boolean;
  /** When a write counts as durable. @default {immediate} */
  readonly logSync: LogSync;
  /** Segment size of the log, bytes, 8192 … 2^30; rounded up to whole pages of 4 KiB. @default {8_388_608} */
  readonly walSize: number;
  /** Entries kept in the log behind the checkpoint for slow followers. @default {10_000} */
  readonly logsUntilSnapshot: number;
  /** Log every statement, never its parameters. @default {false} */
  readonly logStatements: boolean;
  /** The least important lines that are logged. @default {"info"} */
  readonly logLevel: LogLevel;
  /** How log lines look; `auto`: text on a terminal, else JSON. @default {"auto"} */
  readonly logFormat: "auto" | "text" | "json";
  /** Statements that took so long or longer are logged, without their parameters, ms, 0 … 86_400_000; 0: none. @default {1000} */
  readonly slowStatementMs: number;
  /** Prepared statements each connection keeps. @default {1000} */
  readonly preparedStatementCacheCapacity: number;
  /** Threads that run queries, 1 … 256. @default {4} */
  readonly readPoolSize: number;
  /** Replicate and never vote. @default {false} */
  readonly learnerOnly: boolean;
  /** Seconds after the start during which `health()` needs no leader. @default {30} */
  readonly healthCheckDelaySecs: number;
  /** Length of a Raft tick, ms. @default {50} */
  readonly tickMs: number;
  /** Ticks without a leader before an election, up to twice as many. @default {14} */
  readonly electionTicks: number;
  /** Ticks between heartbeats; at most half of electionTicks. @default {2} */
  readonly heartbeatTicks: number;
  /** Answer linearizable reads from a lease; see `lease_reads`. The same on all members. @default {false} */
  readonly leaseReads: boolean;
  /** Most connections to the API from one address, 1 … 1024. @default {512} */
  readonly apiConnectionsPerAddress: number;
  /** Largest request body of the API, bytes. @default {16_777_216} */
  readonly maxBodyBytes: number;
  /** Writes and linearizable reads of the database, locks and topics that each credential may ask the API for in a second, 0 … 1_000_000; 0: any number. @default {0} */
  readonly rateLimitDbRps: number;
  /** How many of them may come at once, 0 … 1_000_000; 0: rateLimitDbRps. @default {0} */
  readonly rateLimitDbBurst: number;
  /** As rateLimitDbRps, of the caches. @default {0} */
  readonly rateLimitCacheRps: number;
  /** As rateLimitDbBurst, of the caches. @default {0} */
  readonly rateLimitCacheBurst: number;
  /** Origins whose pages may use the API from a browser; `*`: all. @default {[]} */
  readonly corsOrigins: readonly string[];
  /** How long one write may run on the leader before it is refused, ms, 10 … 3_600_000. @default {10_000} */
  readonly writeTimeoutMs: number;
  /** The most that a write may ask for, ms, 10 … 86_400_000; at least writeTimeoutMs counts. @default {3_600_000} */
  readonly writeTimeoutMaxMs: number;
  /** By how much one write may make the database grow before it is refused, bytes, 2^20 … 2^40; twice as much at most. @default {1_073_741_824} */
  readonly writeBytesMax: number;
  /** Longest run of a query that came over the API, ms. @default {10_000} */
  readonly queryTimeoutMs: number;
  /** Most rows in a response of the API. @default {100_000} */
  readonly queryMaxRows: number;
  /** Host the caches. The same on all members. @default {true} */
  readonly cache: boolean;
  /** Keep the caches on the disk; else a restart forgets them. @default {true} */
  readonly cacheStorageDisk: boolean;
  /** When a change of caches on the disk counts as durable. @default {every 200 ms} */
  readonly cacheLogSync: LogSync;
  /** Bytes of all caches together, 2^20 … 2^36; of the member that takes a write. @default {268_435_456} */
  readonly cacheMaxBytes: number;
}
