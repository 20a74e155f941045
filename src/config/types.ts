import type { NodeId } from "../raft/types.ts";
import type { LogLevel } from "../util/logger.ts";

/** When the log is made durable. */
export type LogSync =
  /** fdatasync on a majority before a write is acknowledged. Nothing acknowledged is lost. */
  | { readonly mode: "immediate" }
  /** fdatasync is started at once and not waited for: a power failure of a majority can lose the last writes. */
  | { readonly mode: "immediate_async" }
  /** fdatasync every so many ms: a power failure of a majority can lose that much. */
  | { readonly mode: "interval"; readonly ms: number };

/** Where a member listens for its peers and its clients. */
export interface NodeAddress {
  readonly id: NodeId;
  /** `host:port` */
  readonly raft: string;
  /** `host:port` */
  readonly api: string;
}

/** Everything a member needs to know, resolved, checked and frozen. */
export interface NodeConfig {
  readonly nodeId: NodeId;
  /** The initial voters; addresses here win over remembered ones. */
  readonly nodes: readonly NodeAddress[];
  readonly dataDir: string;
  readonly filenameDb: string;
  /** Interface (not port) to listen on. */
  readonly listenAddrRaft: string;
  readonly listenAddrApi: string;
  readonly secretRaft: string;
  readonly secretApi: string;
  readonly logSync: LogSync;
  /** Segment size of the log, bytes. */
  readonly walSize: number;
  /** Entries kept in the log behind the checkpoint for slow followers. */
  readonly logsUntilSnapshot: number;
  readonly logStatements: boolean;
  readonly logLevel: LogLevel;
  readonly preparedStatementCacheCapacity: number;
  readonly readPoolSize: number;
  readonly learnerOnly: boolean;
  readonly healthCheckDelaySecs: number;
  /** Length of a Raft tick, ms. */
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Limits of HTTP requests and guarded queries. */
  readonly maxBodyBytes: number;
  readonly queryTimeoutMs: number;
  readonly queryMaxRows: number;
}
