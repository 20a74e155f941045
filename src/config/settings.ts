import {
  canBeSecret,
  SECRET_LENGTH_MIN,
  SECRET_VARIETY_MIN,
} from "./secret_strength.ts";
import type { LogLevel } from "../util/logger.ts";
import { API_SETTINGS } from "./api_settings.ts";
import { BACKUP_SETTINGS } from "./backup_settings.ts";
import { DASHBOARD_SETTINGS } from "./dashboard_settings.ts";
import { hidden, type Setting, setting } from "./setting.ts";
import { TLS_SETTINGS } from "./tls_settings.ts";
import { boolean, choice, integer, text, type ValueType } from "./value.ts";
import type { LogSync, NodeConfig } from "./types.ts";

/** The keys that are read as they are; `node_id`, `node_id_from`, `nodes` and `secrets_file` are read in resolve.ts. */
export type PlainField = Exclude<keyof NodeConfig, "nodeId" | "nodes">;

const LOG_LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error"];

const SECRET_EXPECTS =
  `at least ${SECRET_LENGTH_MIN} characters without spaces, ${SECRET_VARIETY_MIN} of them different`;

/** Every plain key, in the order of the generated file. */
export const SETTINGS: { readonly [F in PlainField]: Setting<NodeConfig[F]> } =
  {
    listenAddrApi: setting(
      "listen_addr_api",
      "HQL_LISTEN_ADDR_API",
      listenAddress(),
      undefined,
      "Interface the API listens on; the port comes from `nodes`.",
      "127.0.0.1 if all nodes are on the loopback interface, else 0.0.0.0; ::1 and :: if the node has an IPv6 address",
    ),
    listenAddrRaft: setting(
      "listen_addr_raft",
      "HQL_LISTEN_ADDR_RAFT",
      listenAddress(),
      undefined,
      "Interface the Raft listener uses; the port comes from `nodes`.",
      "127.0.0.1 if all nodes are on the loopback interface, else 0.0.0.0; ::1 and :: if the node has an IPv6 address",
    ),
    dataDir: setting(
      "data_dir",
      "HQL_DATA_DIR",
      text("a path", (value) => value === "" ? undefined : value),
      "data",
      "Folder of everything this member keeps; created with mode 0700.",
    ),
    filenameDb: setting(
      "filename_db",
      "HQL_FILENAME_DB",
      text(
        "a file name without a path",
        (value) =>
          /^[^/\\\0]{1,200}$/.test(value) && !/^\.+$/.test(value)
            ? value
            : undefined,
      ),
      "hiqlite.db",
      "Name of the SQLite file inside the data folder.",
    ),
    sqliteDriver: setting(
      "sqlite_driver",
      "HQL_SQLITE_DRIVER",
      choice<NodeConfig["sqliteDriver"]>(["auto", "node", "ffi"]),
      "auto",
      "SQLite of the runtime (`node`) or a library that is loaded (`ffi`, needs --allow-ffi). `auto`: a library if one is given, or embedded in the program and loadable, else the runtime's.",
    ),
    sqliteLib: setting(
      "sqlite_lib",
      "HQL_SQLITE_LIB",
      text(
        "a path",
        (value) => value.includes("\0") ? undefined : value,
      ),
      "",
      "Path of the SQLite library (3.51.3 or newer) for `ffi` and `auto`.",
      "the one embedded in the program, if any",
    ),
    secretRaft: secret(
      "secret_raft",
      "HQL_SECRET_RAFT",
      "Shared by the members; proves that a peer belongs to the cluster.",
    ),
    secretRaftPrevious: previousSecret(
      "secret_raft_previous",
      "HQL_SECRET_RAFT_PREVIOUS",
      "The `secret_raft` before this one, accepted as well while members are restarted one by one with a new one.",
    ),
    secretApi: secret(
      "secret_api",
      "HQL_SECRET_API",
      "Asked of clients of the API.",
    ),
    secretApiPrevious: previousSecret(
      "secret_api_previous",
      "HQL_SECRET_API_PREVIOUS",
      "The `secret_api` before this one, accepted as well while clients are given the new one.",
    ),
    ...TLS_SETTINGS,
    logSync: setting(
      "log_sync",
      "HQL_LOG_SYNC",
      logSync(),
      { mode: "immediate" },
      "When a write counts as durable. `immediate`: on the disks of a majority before it is acknowledged. " +
        "`immediate_async` (Hiqlite's default) and `interval_N` (every N ms) can lose acknowledged writes when a majority loses power.",
      "immediate",
    ),
    walSize: setting(
      "wal_size",
      "HQL_WAL_SIZE",
      integer(8192, 1024 * 1024 * 1024),
      8 * 1024 * 1024,
      "Size of a log segment, bytes; rounded up to whole pages of 4 KiB.",
    ),
    logsUntilSnapshot: setting(
      "logs_until_snapshot",
      "HQL_LOGS_UNTIL_SNAPSHOT",
      integer(1, 100_000_000),
      10_000,
      "Entries kept in the log behind the checkpoint, for slow followers.",
    ),
    readPoolSize: setting(
      "read_pool_size",
      "HQL_READ_POOL_SIZE",
      integer(1, 256),
      4,
      "Threads that answer queries, at most; they begin when they are needed.",
    ),
    preparedStatementCacheCapacity: setting(
      "prepared_statement_cache_capacity",
      "HQL_PREPARED_STATEMENT_CACHE_CAPACITY",
      integer(0, 1_000_000),
      1000,
      "Prepared statements each connection keeps, up to 2 MiB of their text; none over 64 KiB.",
    ),
    learnerOnly: setting(
      "learner_only",
      "HQL_LEARNER_ONLY",
      boolean(),
      false,
      "Take part as a member that replicates and never votes.",
    ),
    healthCheckDelaySecs: setting(
      "health_check_delay_secs",
      "HQL_HEALTH_CHECK_DELAY_SECS",
      integer(0, 3600),
      30,
      "For so many seconds after the start `/health` is good without a leader.",
    ),
    logStatements: setting(
      "log_statements",
      "HQL_LOG_STATEMENTS",
      boolean(),
      false,
      "Log every statement (never its parameters).",
    ),
    logLevel: setting(
      "log_level",
      "HQL_LOG_LEVEL",
      choice(LOG_LEVELS),
      "info",
      "Least important lines that are logged.",
    ),
    logFormat: setting(
      "log_format",
      "HQL_LOG_FORMAT",
      choice<NodeConfig["logFormat"]>(["auto", "text", "json"]),
      "auto",
      "How log lines look: `text` for people, `json` for machines, or `auto`: text on a terminal, else JSON.",
    ),
    slowStatementMs: setting(
      "slow_statement_ms",
      "HQL_SLOW_STATEMENT_MS",
      integer(0, 86_400_000),
      1000,
      "Log statements of this member's clients that took so many ms or longer, waiting included, with their text and without their parameters. 0: none.",
    ),
    tickMs: setting(
      "tick_ms",
      "HQL_TICK_MS",
      integer(5, 10_000),
      50,
      "Length of a Raft tick, ms.",
    ),
    electionTicks: setting(
      "election_ticks",
      "HQL_ELECTION_TICKS",
      integer(2, 1000),
      14,
      "An election starts after this many ticks without a leader, up to twice as many.",
    ),
    heartbeatTicks: setting(
      "heartbeat_ticks",
      "HQL_HEARTBEAT_TICKS",
      integer(1, 999),
      2,
      "The leader sends a heartbeat every so many ticks.",
    ),
    leaseReads: setting(
      "lease_reads",
      "HQL_LEASE_READS",
      boolean(),
      false,
      "Answer linearizable reads from the leader's lease instead of asking a majority: wrong if clocks run at rates that differ by a factor of two, or a machine is suspended. The same on all members.",
    ),
    apiConnectionsPerAddress: setting(
      "api_connections_per_address",
      "HQL_API_CONNECTIONS_PER_ADDRESS",
      integer(1, 1024),
      512,
      "Most connections to the API from one address, of 1,024 in all; more if a proxy stands before it.",
    ),
    maxBodyBytes: setting(
      "max_body_bytes",
      "HQL_MAX_BODY_BYTES",
      integer(1024, 256 * 1024 * 1024),
      16 * 1024 * 1024,
      "Largest request body of the API, bytes.",
    ),
    ...API_SETTINGS,
    writeTimeoutMs: setting(
      "write_timeout_ms",
      "HQL_WRITE_TIMEOUT_MS",
      integer(10, 3_600_000),
      10_000,
      "How long one write may run on the leader, ms, before it is refused; it never gets into the log then.",
    ),
    writeTimeoutMaxMs: setting(
      "write_timeout_max_ms",
      "HQL_WRITE_TIMEOUT_MAX_MS",
      integer(10, 86_400_000),
      3_600_000,
      "The most that a write may ask for (`max_run_ms`), ms; migrations ask for it by themselves.",
    ),
    writeBytesMax: setting(
      "write_bytes_max",
      "HQL_WRITE_BYTES_MAX",
      integer(1024 * 1024, 2 ** 40),
      1024 * 1024 * 1024,
      "By how much one write may make the database grow, bytes, before it is refused; twice as much at most.",
    ),
    queryTimeoutMs: setting(
      "query_timeout_ms",
      "HQL_QUERY_TIMEOUT_MS",
      integer(1, 3_600_000),
      10_000,
      "Longest run of a query that came over the API, ms.",
    ),
    queryMaxRows: setting(
      "query_max_rows",
      "HQL_QUERY_MAX_ROWS",
      integer(1, 10_000_000),
      100_000,
      "Most rows in an answer of the API.",
    ),
    cache: setting(
      "cache",
      "HQL_CACHE",
      boolean(),
      true,
      "Host the caches, a group of their own beside the database. The same on all members.",
    ),
    cacheStorageDisk: setting(
      "cache_storage_disk",
      "HQL_CACHE_STORAGE_DISK",
      boolean(),
      true,
      "Keep the caches on the disk: they outlive restarts and may be larger than memory. `false`: in memory, and a restart forgets them.",
    ),
    cacheLogSync: setting(
      "cache_log_sync",
      "HQL_CACHE_LOG_SYNC",
      logSync(),
      { mode: "interval", ms: 200 },
      "As `log_sync`, for caches on the disk: what a majority that loses power may forget of them.",
      "interval_200",
    ),
    cacheMaxBytes: setting(
      "cache_max_bytes",
      "HQL_CACHE_MAX_BYTES",
      integer(1024 * 1024, 2 ** 36),
      256 * 1024 * 1024,
      "Bytes of all caches together: keys, values, and 64 for each entry. If members differ, that of the one that takes a write counts.",
    ),
    ...DASHBOARD_SETTINGS,
    ...BACKUP_SETTINGS,
  };

function secret(toml: string, env: string, about: string): Setting<string> {
  return hidden(setting(
    toml,
    env,
    text(SECRET_EXPECTS, asSecret),
    undefined,
    about,
    "required; generated for a single member on the loopback interface",
  ));
}

/** A secret that is being replaced; empty for none. */
function previousSecret(
  toml: string,
  env: string,
  about: string,
): Setting<string> {
  const type = text(
    SECRET_EXPECTS,
    (value) => value === "" ? value : asSecret(value),
  );
  const none = { fallback: "", fallbackText: "none" };
  return { toml, env, type, ...none, about, secret: true };
}

function asSecret(value: string): string | undefined {
  return canBeSecret(value) ? value : undefined;
}

function listenAddress(): ValueType<string> {
  return text(
    "an interface address without a port (the port comes from nodes)",
    (value) => {
      const bare = value.replace(/^\[(.*)\]$/, "$1");
      const ipv6 = /^[0-9a-fA-F:.]+$/.test(bare) && bare.split(":").length > 2;
      return ipv6 || /^[^\s:/[\]]+$/.test(bare) ? bare : undefined;
    },
  );
}

function logSync(): ValueType<LogSync> {
  return text<LogSync>(
    '"immediate", "immediate_async" or "interval_<ms>" (1 to 3600000)',
    (value) => {
      if (value === "immediate" || value === "immediate_async") {
        return { mode: value };
      }
      const ms = Number(/^interval_(\d{1,7})$/.exec(value)?.[1] ?? 0);
      return ms >= 1 && ms <= 3_600_000 ? { mode: "interval", ms } : undefined;
    },
  );
}
