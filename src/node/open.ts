import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeConfig } from "../config/types.ts";
import { HiqliteError } from "../errors.ts";
import { LogError } from "../log/port.ts";
import { RealDisk } from "../log/real_disk.ts";
import { openSegmentLog } from "../log/segment_log.ts";
import { PeerLinks } from "../network/links.ts";
import { openSqliteMachine } from "../state/sqlite/machine.ts";
import { systemClock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import { SystemRandom } from "../util/random.ts";
import {
  amnesia,
  createCore,
  groupOptions,
  raftOptions,
  type Recovered,
} from "./boot.ts";
import { RaftGroup } from "./group.ts";
import { DataDir, type Identity, newIdentity } from "./identity.ts";
import { HiqliteNode } from "./node.ts";
import type { SqlMachine } from "./sql_machine.ts";

const LOGS = "logs";
const STATE = "state_machine";

/** What a node needs beside its configuration. */
export interface OpenNodeOptions {
  readonly logger: Logger;
  /** The member cannot go on (a failed fsync, a damaged file): end the process. Called once. */
  fatal(error: Error): void;
}

interface Storage extends Recovered {
  readonly machine: SqlMachine;
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
  const dir = await DataDir.open(config.dataDir);
  try {
    return await build(config, options, dir);
  } catch (error) {
    dir.close();
    throw error;
  }
}

async function build(
  config: NodeConfig,
  { logger, fatal }: OpenNodeOptions,
  dir: DataDir,
): Promise<HiqliteNode> {
  const { identity, storage } = await recover(config, dir, logger);
  const random = new SystemRandom();
  const { log, machine } = storage;
  return new HiqliteNode({
    config,
    logger,
    clock: systemClock,
    random,
    identity,
    machine,
    saveIdentity: (next) => dir.saveIdentity(next),
    createNetwork: (self, peers, events) =>
      new PeerLinks({ self, secret: config.secretRaft, peers, events, logger }),
    createGroup: (current, ports) => {
      const core = createCore(current, storage, raftOptions(config), random);
      return new RaftGroup({
        core,
        log,
        machine,
        ...ports,
        defer: queueMicrotask,
        warn: (message, error) => logger.warn(`${message}: ${error.message}`),
      }, groupOptions(config));
    },
    close: async () => {
      await new Promise<void>((resolve) => machine.close(resolve));
      log.close();
      dir.close();
    },
    fatal,
  });
}

/** Finds out who this member is and what it remembers; one that forgot something comes back as somebody new. */
async function recover(
  config: NodeConfig,
  dir: DataDir,
  logger: Logger,
): Promise<{ identity: Identity; storage: Storage }> {
  const known = dir.loadIdentity(config.nodeId);
  const identity = known ?? newIdentity(config.nodeId);
  if (known === null) {
    if (fs.existsSync(join(dir.path, LOGS))) {
      return await startOver(
        config,
        dir,
        logger,
        identity,
        "its identity is gone",
      );
    }
    dir.saveIdentity(identity);
  }
  let storage: Storage;
  try {
    storage = await openStorage(config, dir, logger);
  } catch (error) {
    if (!isCorruption(error)) throw error;
    return await startOver(config, dir, logger, identity, error.message);
  }
  const reason = amnesia(identity, storage);
  if (reason === null) return { identity, storage };
  await closeStorage(storage);
  return await startOver(config, dir, logger, identity, reason);
}

async function startOver(
  config: NodeConfig,
  dir: DataDir,
  logger: Logger,
  old: Identity,
  reason: string,
): Promise<{ identity: Identity; storage: Storage }> {
  const kept = dir.quarantine([LOGS, STATE], new Date());
  const { clusterId, addresses, phase } = old;
  const identity: Identity = {
    ...newIdentity(config.nodeId),
    clusterId,
    addresses,
    phase: clusterId === "" ? "new" : "joining",
  };
  dir.saveIdentity(identity);
  if (phase !== "joining") {
    logger.warn(
      `this member cannot rely on its memory (${reason}): it comes back as a new incarnation and is rebuilt from the others; what was left is in ${kept}`,
    );
  }
  return { identity, storage: await openStorage(config, dir, logger) };
}

async function openStorage(
  config: NodeConfig,
  dir: DataDir,
  logger: Logger,
): Promise<Storage> {
  const logs = join(dir.path, LOGS);
  fs.mkdirSync(logs, { recursive: true, mode: 0o700 });
  const { log, recovery: logRecovery } = openSegmentLog(new RealDisk(logs), {
    segmentBytes: config.walSize,
  });
  try {
    const { machine, recovery: state } = await openSqliteMachine({
      dir: join(dir.path, STATE),
      filename: config.filenameDb,
      readPoolSize: config.readPoolSize,
      statementCacheCapacity: config.preparedStatementCacheCapacity,
      logStatements: config.logStatements,
      logger,
    });
    return { log, logRecovery, machine, state };
  } catch (error) {
    log.close();
    throw error;
  }
}

async function closeStorage({ machine, log }: Storage): Promise<void> {
  await new Promise<void>((resolve) => machine.close(resolve));
  log.close();
}

function isCorruption(error: unknown): error is Error {
  return (error instanceof LogError && error.failure === "corrupt") ||
    (error instanceof HiqliteError && error.code === "storage");
}
