import { join } from "node:path";
import { setImmediate } from "node:timers";
import { backupSchedule, verifySchedule } from "../backup/configured.ts";
import { sharedStoreOf } from "../backup/open_store.ts";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import { RealDisk } from "../log/real_disk.ts";
import { openSegmentLog } from "../log/segment_log.ts";
import { PeerLinks } from "../network/links.ts";
import { chooseDriver } from "../state/sqlite/driver/choose_driver.ts";
import type { SqliteDriverSpec } from "../state/sqlite/driver/driver.ts";
import { inspectBackup } from "../state/sqlite/files/snapshot_files.ts";
import { makeRoom } from "../state/sqlite/files/make_room.ts";
import { openSqliteMachine } from "../state/sqlite/open_machine.ts";
import { LEVELS } from "../state/level.ts";
import { StateDamagedError } from "../state/port.ts";
import { systemClock } from "../util/clock.ts";
import { Timings } from "../telemetry/timings.ts";
import { Traces } from "../telemetry/traces.ts";
import type { Logger } from "../util/logger.ts";
import { SystemRandom } from "../util/random.ts";
import { createCore, raftOptions, segmentBytesOf } from "./volume/boot.ts";
import { RaftGroup } from "../group/group.ts";
import { encodeEntryRefusal } from "../state/entry_refusal.ts";
import { peekClock, peekMaxRun, sealEnvelope } from "../state/envelope.ts";
import { envelopeStamp, type WrittenChance } from "./groups/stamp.ts";
import { isDamage, isLogDamage } from "./damage.ts";
import type { CacheSpec, FollowingSpec } from "./groups/spec.ts";
import { HiqliteNode } from "./node.ts";
import type { ListenerReport } from "./port.ts";
import { peerDialer } from "./peer_dialer.ts";
import type { NodeVault } from "./volume/vault.ts";
import { clusterIdOf } from "./volume/recover.ts";
import { type Storage, type StorageOpener, Vault } from "./volume/vault.ts";

/** How long a follower lets committed entries gather, ms: what its local reads may be late by. */
const LINGER_MS = 3;

/** What a node needs beside its configuration. */
export interface OpenNodeOptions {
  readonly logger: Logger;
  /** The member cannot go on (a failed fsync, a damaged file): end the process. Called once. */
  fatal(error: Error): void;
  /** What listeners tell of themselves, for metrics. @default none */
  readonly listeners?: () => readonly ListenerReport[];
  /** The program's version, for people. @default {"0.0.0"} */
  readonly version?: string;
  /** Groups beside the durable one; for tests, and for groups to come. @default {[]} */
  readonly following?: readonly FollowingSpec[];
  /** The feature levels that this release knows, for tests: an old release is this one with fewer of them. @default {LEVELS} */
  readonly levels?: readonly string[];
  /** The time and the chance that writes have, for tests. @default those of this machine */
  readonly written?: WrittenChance;
}

/**
 * Opens the data directory and builds a member around it; the one place that
 * names the concrete log, network and state machine.
 * @throws {HiqliteError} `storage` if the directory cannot be used.
 */
export async function openNode(
  config: NodeConfig,
  options: OpenNodeOptions,
): Promise<HiqliteNode> {
  const { logger, following = [], levels = LEVELS } = options;
  const dial = await peerDialer(config, logger);
  const { version = "0.0.0" } = options;
  const syncs = new Timings();
  const vault = await Vault.open(
    config,
    storageOf(config, logger, levels.length, syncs),
    logger,
  );
  const random = new SystemRandom();
  const caches = await cachesOf(config, levels.length);
  return new HiqliteNode({
    config,
    logger,
    clock: systemClock,
    random,
    vault,
    createNetwork: (self, peers, events) =>
      new PeerLinks({
        self,
        secrets: secretsOf(config),
        peers,
        events,
        logger,
        dial,
      }),
    createGroup: ({ starter, storage, options: groupOptions }, ports) =>
      new RaftGroup({
        core: createCore(starter, storage, raftOptions(config), random),
        log: storage.log,
        machine: storage.machine,
        ...ports,
        stamp: envelopeStamp(systemClock, random, options.written),
        stampOf: peekClock,
        firstRun: {
          seal: sealEnvelope,
          refusal: encodeEntryRefusal,
          limitMs: (payload) => runLimit(config, peekMaxRun(payload)),
        },
        defer: queueMicrotask,
        linger,
        afterTurns: (callback) =>
          void setImmediate(() => setImmediate(callback)),
        warn: (message, error) => logger.warn(`${message}: ${error.message}`),
      }, groupOptions),
    levels,
    following: [...following, ...(caches === null ? [] : [caches])],
    caches,
    backups: {
      store: sharedStoreOf(config, logger),
      schedule: backupSchedule(config, systemClock.wall()),
      verify: verifySchedule(config, systemClock.wall()),
      folder: join(config.dataDir, "backups"),
      keepDays: config.backupKeepDays,
      logIntervalMs: config.backupLogInterval,
      keepDaysLocal: config.backupKeepDaysLocal,
      inspect: (path) => inspectBackup(driverOf(config, logger), path),
    },
    engine: vault.storage.machine.engine,
    measures: { version, syncs, traces: new Traces(version) },
    fatal: (error) => options.fatal(error),
    listeners: options.listeners ?? (() => []),
  });
}

function linger(callback: () => void): () => void {
  const timer = setTimeout(callback, LINGER_MS);
  return () => clearTimeout(timer);
}

/** The secret that members share, and the one before it while it is being changed. */
export function secretsOf(
  { secretRaft, secretRaftPrevious }: NodeConfig,
): string[] {
  return secretRaftPrevious === ""
    ? [secretRaft]
    : [secretRaft, secretRaftPrevious];
}

/** Of the two kinds the one that is asked for is loaded. */
async function cachesOf(
  config: NodeConfig,
  level: number,
): Promise<CacheSpec | null> {
  if (!config.cache) return null;
  if (config.cacheStorageDisk) {
    const { DiskCaches } = await import("./open_disk_caches.ts");
    return new DiskCaches(config, level);
  }
  const { MemoryCaches } = await import("./open_memory_caches.ts");
  return new MemoryCaches(config, level);
}

/** How long a write may run that asks for `asked` ms, 0 for the usual limit. */
function runLimit(
  { writeTimeoutMs, writeTimeoutMaxMs }: NodeConfig,
  asked: number,
): number {
  const usual = writeTimeoutMs;
  return asked === 0
    ? usual
    : Math.min(asked, Math.max(usual, writeTimeoutMaxMs));
}

/** What is left of a stopped member, open. */
export interface Salvaged {
  readonly vault: NodeVault;
  /** What is wrong with its log, which is left out then; null if it is well. */
  readonly logDamage: string | null;
}

/**
 * Opens a stopped member's data directory to recover a cluster from it. Only if
 * `confirm` is its cluster's id, a damaged log is moved aside.
 * @throws {HiqliteError} `storage`, also if the member is running or its database is damaged.
 */
export async function salvage(
  config: NodeConfig,
  logger: Logger,
  confirm: string | null,
): Promise<Salvaged> {
  try {
    return await Vault.salvage(
      config,
      storageOf(config, logger, LEVELS.length),
      logger,
      (identity) => clusterIdOf(identity) === confirm,
    );
  } catch (error) {
    if (!(error instanceof StateDamagedError)) throw error;
    throw new HiqliteError(
      "storage",
      `${error.message}. No cluster can begin with it: use another member, or a backup`,
      { cause: error },
    );
  }
}

function storageOf(
  config: NodeConfig,
  logger: Logger,
  level: number,
  syncs: Timings = new Timings(),
): StorageOpener {
  return {
    open: (logs, state) =>
      openStorage({ config, logger, level, syncs, logs, state }),
    makeRoom: (state) =>
      makeRoom(driverOf(config, logger), state, config.filenameDb),
    isDamage,
    isLogDamage,
  };
}

/** The SQLite library of a configuration, and a warning if it is another than one would think. */
export function driverOf(config: NodeConfig, logger: Logger): SqliteDriverSpec {
  const { spec, notice } = chooseDriver({
    driver: config.sqliteDriver,
    library: config.sqliteLib,
    folder: join(config.dataDir, "lib"),
  });
  if (notice !== null) {
    logger.warn("the embedded SQLite library is not used", { detail: notice });
  }
  return spec;
}

async function openStorage(
  { config, logger, level, syncs, logs, state: dir }: {
    readonly config: NodeConfig;
    readonly logger: Logger;
    readonly level: number;
    readonly syncs: Timings;
    readonly logs: string;
    readonly state: string;
  },
): Promise<Storage> {
  const disk = new RealDisk(logs, (ms) => syncs.record(ms));
  const { log, recovery: logRecovery, cut } = openSegmentLog(disk, {
    segmentBytes: segmentBytesOf(config),
  });
  if (cut !== null) logger.info(`log: ${cut}`);
  try {
    const { machine, recovery: state } = await openSqliteMachine({
      dir,
      filename: config.filenameDb,
      driver: driverOf(config, logger),
      readPoolSize: config.readPoolSize,
      writeBytesMax: config.writeBytesMax,
      statementCacheCapacity: config.preparedStatementCacheCapacity,
      logStatements: config.logStatements,
      logger,
      level,
    });
    logger.info("database opened", {
      sqlite: `${machine.engine.name} ${machine.engine.version}`,
    });
    const release = async (): Promise<void> => {
      await new Promise<void>((resolve) => machine.close(resolve));
      log.close();
      await disk.idle();
    };
    return { log, logRecovery, machine, state, release };
  } catch (error) {
    log.close();
    throw error;
  }
}
