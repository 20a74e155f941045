import { HiqliteError } from "../errors.ts";
import {
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
  UsageError,
  valueOf,
} from "./arguments.ts";
import { configOfStopped, STOPPED_FLAGS } from "./recover.ts";
import {
  type Restoration,
  restorePoint,
  restoreSource,
  type RestoreTerms,
} from "../app/restore.ts";
import type { Point } from "../backup/point_in_time.ts";
import type { Terminal } from "./terminal.ts";

export const RESTORE_FLAGS: Readonly<Record<string, Flag>> = {
  from: {
    value: "source",
    about:
      "What to restore: file:<path>, s3:<name>, or latest (the newest in the store)",
  },
  import: {
    value: "path",
    about: "Begin with any SQLite file instead, Hiqlite's backups included",
  },
  "to-time": {
    value: "time",
    about:
      "The state as of then, such as 2026-11-27T12:00:00Z, from the archived log",
  },
  "to-index": {
    value: "index",
    about: "The state as of that entry, from the archived log",
  },
  cluster: {
    value: "cluster id",
    about: "Whose archived log, if more than one has that point",
  },
  ...STOPPED_FLAGS,
  "node-id": { value: "id", about: "Which of the nodes this is" },
  confirm: {
    value: "cluster id",
    about: "The cluster whose data here is given up, if there is data",
  },
  json: { about: "Answer in JSON" },
  help: { short: "h", about: "Show this" },
};

/** One of them says what to restore. */
const SOURCES = ["from", "import", "to-time", "to-index"] as const;

/** Without its zone a time means something else on each machine. */
const TIME =
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})$/;

/** The help of `hiqlite restore`. */
export function restoreHelp(): string[] {
  return [
    "Usage: hiqlite restore --from <source> [--confirm <cluster id>]",
    "       hiqlite restore --to-time <time> | --to-index <index> [--confirm <cluster id>]",
    "       hiqlite restore --import <path> [--confirm <cluster id>]",
    "",
    "Puts a backup in the place of a stopped member's data and begins a new cluster",
    "with it. Nothing of the data changes until the backup is copied, checked and on",
    "the disk; what was there is moved to quarantine/ then.",
    "",
    "Stop all members first. Do it on one member only. Then start it, empty the data",
    "directories of the others, and start them: they join by themselves.",
    "",
    "Options:",
    ...describeFlags(RESTORE_FLAGS),
  ];
}

/** Restores a backup on a stopped member. */
export async function restore(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, RESTORE_FLAGS);
  refuseArguments(positionals);
  const [source, second] = SOURCES.flatMap((flag) => {
    const given = valueOf(flags, flag);
    return given === undefined ? [] : [[flag, given] as const];
  });
  if (source === undefined || second !== undefined) {
    throw new UsageError(
      "Give one of --from, --import, --to-time and --to-index",
    );
  }
  const [kind, value] = source;
  const cluster = valueOf(flags, "cluster") ?? null;
  const point = kind === "to-time" || kind === "to-index"
    ? pointOf(kind, value)
    : null;
  if (cluster !== null && point === null) {
    throw new UsageError("--cluster belongs to --to-time or --to-index");
  }
  const config = configOfStopped(flags, terminal);
  const terms: RestoreTerms = {
    mayGiveUp: (clusterId) => isConfirmed(clusterId, valueOf(flags, "confirm")),
    progress: (line) => terminal.error(`${line} …`),
  };
  const restored = point === null
    ? await restoreSource(config, {
      ...terms,
      source: value,
      format: kind === "from" ? "backup" : "foreign",
    })
    : await restorePoint(config, point, cluster, terms);
  const lines = flags.has("json")
    ? [JSON.stringify(toWire(restored), null, 2)]
    : outcome(config.dataDir, restored);
  for (const line of lines) terminal.out(line);
  return 0;
}

/** @throws {HiqliteError} `conflict`: another id was given. */
function isConfirmed(clusterId: string, given: string | undefined): boolean {
  if (given === undefined || given === clusterId) return given === clusterId;
  throw new HiqliteError(
    "conflict",
    `There is data of cluster ${clusterId} here, and --confirm names another one: ${given}. Confirm with that of the data; what is there moves to quarantine/`,
  );
}

/** @throws {UsageError} */
function pointOf(flag: "to-time" | "to-index", value: string): Point {
  if (flag === "to-index") {
    if (/^[1-9]\d{0,14}$/.test(value)) {
      return { kind: "index", index: Number(value) };
    }
    throw new UsageError(`--to-index is a whole number from 1, not '${value}'`);
  }
  const timeMs = TIME.test(value) ? Date.parse(value) : NaN;
  if (timeMs >= 0) return { kind: "time", timeMs };
  throw new UsageError(
    `--to-time is a time with its zone, such as 2026-11-27T12:00:00Z, not '${value}'`,
  );
}

function outcome(dataDir: string, restored: Restoration): string[] {
  const { applied, timeMs, backupOf, newClusterId, nodeId } = restored;
  return [
    `Restored   ${dataDir}`,
    `Backup     of cluster ${
      backupOf ?? "unknown"
    }, up to index ${applied.index} of term ${applied.term}, written ${
      new Date(timeMs).toISOString()
    }`,
    ...(restored.quarantined
      ? [`Before     what was there is in ${dataDir}/quarantine`]
      : []),
    "",
    `The new cluster is ${newClusterId}, with node ${nodeId} as its only member.`,
    "Start it, empty the data directories of the others and start them: they join by",
    "themselves. Caches begin empty.",
  ];
}

function toWire(restored: Restoration): Record<string, unknown> {
  return {
    new_cluster_id: restored.newClusterId,
    node_id: restored.nodeId,
    applied: restored.applied,
    time_ms: restored.timeMs,
    backup_of: restored.backupOf,
    quarantined: restored.quarantined,
  };
}
