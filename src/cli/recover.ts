import {
  describeFlags,
  type Flag,
  parseFlags,
  refuseArguments,
} from "./arguments.ts";
import { loadConfig } from "./config_file.ts";
import {
  type Findings,
  inspectDataDir,
  recoverDataDir,
} from "../app/recover.ts";
import type { NodeConfig } from "../config/types.ts";
import type { Terminal } from "./terminal.ts";

/** Where the data of a stopped member is; {@linkcode configOfStopped} reads them. */
export const STOPPED_FLAGS: Readonly<Record<string, Flag>> = {
  "data-dir": {
    value: "path",
    about: "Of the stopped member [from the configuration]",
  },
  "config-file": {
    short: "c",
    value: "path",
    about: "Its configuration [as hiqlite serve finds it]",
  },
};

export const RECOVER_FLAGS: Readonly<Record<string, Flag>> = {
  ...STOPPED_FLAGS,
  confirm: {
    value: "cluster id",
    about: "Do it: the id of the cluster that is given up",
  },
  json: { about: "Answer in JSON" },
  help: { short: "h", about: "Show this" },
};

/** The help of `hiqlite cluster recover`. */
export function recoverHelp(): string[] {
  return [
    "Usage: hiqlite cluster recover --data-dir <path> [--confirm <cluster id>]",
    "",
    "For a cluster that has lost the majority of its members for ever: begins a",
    "new cluster with what one stopped member has. Without --confirm it shows what",
    "that is, what would be lost, and changes nothing.",
    "",
    "Stop all members first. Do it on one member only, the one whose log reaches",
    "furthest (highest term, then highest index). Then start it, empty the data",
    "directories of the others, and start them: they join by themselves.",
    "",
    "Options:",
    ...describeFlags(RECOVER_FLAGS),
  ];
}

/** Shows what is left of a member, or begins a new cluster with it. */
export async function recover(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals } = parseFlags(args, RECOVER_FLAGS);
  refuseArguments(positionals);
  const config = configOfStopped(flags, terminal);
  const confirm = flags.get("confirm")?.[0];
  const findings = confirm === undefined
    ? await inspectDataDir(config)
    : await recoverDataDir(config, confirm);
  const lines = flags.has("json")
    ? [JSON.stringify(toWire(findings), null, 2)]
    : [
      ...findingLines(config.dataDir, findings),
      "",
      ...outcome(config, findings),
    ];
  for (const line of lines) terminal.out(line);
  return 0;
}

/** The configuration of a stopped member, for a command that works on its data. */
export function configOfStopped(
  flags: ReadonlyMap<string, readonly string[]>,
  { env }: Terminal,
): NodeConfig {
  const nodeId = flags.get("node-id")?.[0];
  const { config } = loadConfig({
    env,
    path: flags.get("config-file")?.[0],
    ...(nodeId === undefined ? {} : { flags: { node_id: nodeId } }),
    // This command sends nothing, so any secret will do.
    generateSecret: () => "-".repeat(16),
  });
  const dataDir = flags.get("data-dir")?.[0] ?? config.dataDir;
  return { ...config, dataDir, readPoolSize: 1 };
}

type Found = Findings & {
  readonly remains: { readonly newClusterId?: string };
};

function findingLines(
  dataDir: string,
  { remains, logDamage }: Found,
): string[] {
  const { applied, last, pendingEntries } = remains;
  return [
    `Data       ${dataDir}`,
    `Cluster    ${remains.clusterId}`,
    `Node       ${remains.nodeId}, incarnation ${remains.incarnation}, started ${remains.boot} times`,
    `Voters     ${remains.voters.join(", ") || "unknown"}`,
    `Database   applied up to index ${applied.index} of term ${applied.term}`,
    logDamage === null
      ? `Log        ends at index ${last.index} of term ${last.term}; ${pendingEntries} of its entries are not in the database yet`
      : `Log        damaged, left out: ${logDamage}`,
    ...(remains.damaged === null ? [] : [`Damage     ${remains.damaged}`]),
  ];
}

function outcome(config: NodeConfig, found: Found): string[] {
  const { remains, logDamage } = found;
  const { newClusterId } = remains;
  if (newClusterId !== undefined) {
    return [
      `Cluster ${remains.clusterId} was given up. The new one is ${newClusterId},`,
      `with node ${remains.nodeId} as its only member. Start it, empty the data directories`,
      "of the others and start them: they join by themselves.",
    ];
  }
  const end = logDamage === null ? remains.last.index : remains.applied.index;
  return [
    "Nothing was changed. A new cluster would begin with the database and the entries",
    "above. Lost would be:",
    `  - every write after index ${end}, which only other members have, acknowledged or not;`,
    "  - whatever the other members hold: none of them can join with its data;",
    "  - what the caches hold, on every member: they begin anew, empty.",
    ...(remains.pendingEntries > 0
      ? [
        "The entries that are not in the database yet are applied, whether or not their",
        "writers were told that they succeeded.",
      ]
      : []),
    "If a majority of the voters can come back, start them instead. Else stop all",
    "members, compare the others that are left (hiqlite cluster recover --data-dir …),",
    "and on the one whose log reaches furthest:",
    `  hiqlite cluster recover --data-dir ${config.dataDir} --confirm ${remains.clusterId}`,
  ];
}

function toWire({ remains, logDamage }: Found): Record<string, unknown> {
  return {
    cluster_id: remains.clusterId,
    ...(remains.newClusterId === undefined
      ? {}
      : { new_cluster_id: remains.newClusterId }),
    node_id: remains.nodeId,
    incarnation: remains.incarnation,
    boot: remains.boot,
    voters: remains.voters,
    applied: remains.applied,
    last: remains.last,
    pending_entries: remains.pendingEntries,
    log_damage: logDamage,
    damaged: remains.damaged,
  };
}
