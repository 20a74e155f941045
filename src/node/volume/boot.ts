import type { LogSync, NodeConfig } from "../../config/types.ts";
import type { LogRecovery, LogStore } from "../../log/port.ts";
import { encodeConfiguration } from "../../raft/configuration.ts";
import { RaftCore } from "../../raft/core.ts";
import type { RaftInit } from "../../raft/io.ts";
import type { RaftOptions } from "../../raft/options.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../raft/options.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type HardState,
  type LogIndex,
  type MemberId,
  NO_CONFIGURATION,
} from "../../raft/types.ts";
import type { StateRecovery } from "../../state/port.ts";
import { HiqliteError } from "../../errors.ts";
import { assert } from "../../util/assert.ts";
import type { Random } from "../../util/random.ts";
import {
  APPLY_MS,
  DEFAULT_GROUP_OPTIONS,
  type Durability,
  type GroupOptions,
} from "../../group/ports.ts";
import { type Identity, memberIdOf, type Phase } from "./identity.ts";

const PAGE_BYTES = 4096;

/** What a member found on its disk. */
export interface Recovered {
  readonly log: LogStore;
  readonly logRecovery: LogRecovery;
  readonly state: StateRecovery;
}

/**
 * Why a member must not go on under its incarnation, or null. What it once
 * acknowledged is the log together with the state below the log's beginning; if
 * a part of that is gone, it has forgotten promises.
 */
export function amnesia(phase: Phase, found: Recovered): string | null {
  const { base, last } = found.log;
  const { applied } = found.state;
  // The founding entry is known without a log: every founder writes the same.
  const began = phase === "member" || phase === "forming" && applied.index > 1;
  if (began && last.index === 0) {
    return "its log is gone";
  }
  if (phase === "joining" && last.index === 0) {
    return "it had nothing yet";
  }
  if (applied.index < base.index) {
    return `its database ends at index ${applied.index}, its log begins after ${base.index}`;
  }
  const { term } = found.logRecovery.hardState;
  if (applied.term > term) {
    return `its database is of term ${applied.term}, its log knows no term above ${term}`;
  }
  return null;
}

/** The latest configuration this member knows, committed or not. */
export function latestConfiguration(found: Recovered): Configuration {
  return found.logRecovery.configs.at(-1)?.config ?? found.state.config;
}

/** Whether a snapshot was installed and the log not yet reset to where it ends. */
export function isInstallUnfinished({ log, state }: Recovered): boolean {
  const { index, term } = state.applied;
  return index > log.last.index || log.termAt(index) !== term;
}

/** As whom a member takes part in a group. */
export interface Starter {
  /** Its id in the group. */
  readonly id: MemberId;
  /** The first configuration, of a member that helps to found the group. */
  readonly founding: Configuration | null;
}

/** As whom a member takes part in the durable group. */
export function starterOf(identity: Identity): Starter {
  const { phase, founding } = identity;
  if (phase === "forming" && founding === null) {
    throw new HiqliteError(
      "internal",
      "The identity of a founder has no founding configuration",
    );
  }
  return {
    id: memberIdOf(identity),
    founding: phase === "forming" ? founding : null,
  };
}

/** Builds the core from what was found. */
export function createCore(
  { id, founding }: Starter,
  found: Recovered,
  options: RaftOptions,
  random: Random,
): RaftCore {
  const { log, logRecovery, state } = found;
  const { applied } = state;
  if (founding !== null && log.last.index === 0) {
    const init = foundingInit(id, founding, log, applied.index);
    return new RaftCore(init, options, random);
  }
  if (isInstallUnfinished(found)) {
    assert(
      applied.index >= log.base.index,
      `the state ends at ${applied.index}, the log begins after ${log.base.index}`,
    );
    log.reset(applied);
    return new RaftCore(
      {
        id,
        hardState: logRecovery.hardState,
        base: { last: applied, config: state.config },
        entries: [],
        configs: [],
        applied: applied.index,
      },
      options,
      random,
    );
  }
  const init: RaftInit = {
    id,
    hardState: logRecovery.hardState,
    base: { last: log.base, config: state.config },
    entries: logRecovery.entries,
    configs: logRecovery.configs,
    applied: applied.index,
  };
  return new RaftCore(init, options, random);
}

/**
 * The first entry of every founding member is the same: the configuration they agreed on. The state may have it
 * already, where the log is written without waiting and a power cut took it from there.
 */
function foundingInit(
  id: MemberId,
  config: Configuration,
  log: LogStore,
  applied: LogIndex,
): RaftInit {
  const entry: Entry = {
    index: 1,
    term: 1,
    kind: EntryKind.config,
    payload: encodeConfiguration(config),
  };
  const hardState: HardState = { term: 1, vote: null };
  if (!log.reserve(1, entry.payload.length)) {
    throw new HiqliteError("disk_full", "No room on the disk for the log");
  }
  // In this order: a crash keeps a prefix, and an entry must not outlive its term.
  log.saveHardState(hardState);
  log.append([entry]);
  return {
    id,
    hardState,
    base: { last: { term: 0, index: 0 }, config: NO_CONFIGURATION },
    entries: [{ index: 1, term: 1, bytes: entry.payload.length }],
    configs: [{ index: 1, config }],
    applied,
  };
}

/** The core's tunables for a configuration. */
export function raftOptions(config: NodeConfig): RaftOptions {
  const { electionTicks, heartbeatTicks, leaseReads } = config;
  return {
    ...DEFAULT_RAFT_OPTIONS,
    electionTicks,
    heartbeatTicks,
    leaseReads,
  };
}

/** The size of a log's segments for a configuration, whole pages. */
export function segmentBytesOf({ walSize }: NodeConfig): number {
  return Math.ceil(walSize / PAGE_BYTES) * PAGE_BYTES;
}

/** When a log is synced, as the loop counts time. */
export function durabilityOf(sync: LogSync, tickMs: number): Durability {
  return sync.mode === "interval"
    ? { mode: "interval", ticks: Math.max(1, Math.round(sync.ms / tickMs)) }
    : sync;
}

/** The loop's tunables for a configuration. */
export function groupOptions(config: NodeConfig): GroupOptions {
  const { logSync, logsUntilSnapshot, tickMs, electionTicks, writeTimeoutMs } =
    config;
  return {
    ...DEFAULT_GROUP_OPTIONS,
    durability: durabilityOf(logSync, tickMs),
    retainEntries: logsUntilSnapshot,
    checkpointEntries: logsUntilSnapshot,
    // What shortens writes makes no disk faster.
    applyMs: Math.max(APPLY_MS, writeTimeoutMs + 2_000),
    electionMs: electionTicks * tickMs,
  };
}
