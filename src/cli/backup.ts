import { backupToJson } from "../api/backup_json.ts";
import {
  backupsIn,
  copyBackup,
  rekeyBackup,
  resolveName,
  storeOf,
} from "../app/backup_store.ts";
import { archivesIn } from "../app/archive.ts";
import { ARCHIVE_PREFIX } from "../backup/names.ts";
import { listAll } from "../backup/object_store.ts";
import { describeRanges, reachableRanges } from "../backup/point_in_time.ts";
import { connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { BackupRecord } from "../state/backups/types.ts";
import {
  describeFlags,
  type Flag,
  type Parsed,
  parseFlags,
  UnknownCommandError,
  UsageError,
  valueOf,
} from "./arguments.ts";
import type { BackupTask } from "./backup_task.ts";
import { verify } from "./backup_verify.ts";
import { configOfStopped } from "./recover.ts";
import { REACH_FLAGS, reachable } from "./reachable.ts";
import { tableLines } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const FLAGS: Readonly<Record<string, Flag>> = {
  to: { value: "path", about: "Where the SQLite file goes (get) [its name]" },
  "data-dir": {
    value: "path",
    about:
      "Whose folder backups/ is meant, without S3 [from the configuration]",
  },
  json: { about: "Answer in JSON (now, list, status, verify)" },
  ...REACH_FLAGS,
  help: { short: "h", about: "Show this" },
};

const STORE_TASKS: Readonly<
  Record<string, (task: BackupTask) => Promise<number>>
> = { list, get, verify, rekey };

/** The help of `hiqlite backup`. */
export function backupHelp(): string[] {
  return [
    "Usage: hiqlite backup <command> [options]",
    "",
    "Commands:",
    "  now              Have the running cluster take a backup, and wait until it is taken",
    "  status           Show the last backups of the running cluster, and what became of them",
    "  list             Show what is in the store, and which moments can be restored: S3, the shared",
    "                   folder, or else the folder backups/ of the data",
    "  get <name>       Copy a backup out of the store, as a plain SQLite file",
    "  verify [name]    Copy one out, read every page of it, show what it says of itself,",
    "                   compare it with what the cluster knows, if that answers, and replay",
    "                   the archived log that follows on it, to its end",
    "  rekey            Seal everything in the store with the active key (enc_key_active)",
    "",
    "The name may be 'latest'. All but now and status work while the cluster is down,",
    "with the configuration that hiqlite serve would read here.",
    "",
    "Options:",
    ...describeFlags(FLAGS),
  ];
}

/** Takes backups, and looks after those that were taken. */
export async function backup(
  args: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const { flags, positionals: [command, name, ...more] } = parseFlags(
    args,
    FLAGS,
  );
  if (command === undefined) throw new UsageError("A command is missing");
  const named = command === "get" || command === "verify";
  const extra = named ? more[0] : name;
  if (extra !== undefined) {
    throw new UsageError(`Unexpected argument '${extra}'`);
  }
  if (command === "get" && name === undefined) {
    throw new UsageError("The name is missing");
  }
  if (command === "now" || command === "status") {
    return await askCluster(command, flags, terminal);
  }
  const run = Object.hasOwn(STORE_TASKS, command)
    ? STORE_TASKS[command]!
    : null;
  if (run === null) throw new UnknownCommandError("backup", command);
  const config = configOfStopped(flags, terminal);
  const store = storeOf(config);
  try {
    return await run({ config, store, name, flags, terminal });
  } finally {
    await store.close();
  }
}

async function askCluster(
  command: "now" | "status",
  flags: Parsed["flags"],
  terminal: Terminal,
): Promise<number> {
  await using client = connect(reachable(flags, terminal));
  if (command === "status") {
    const records = await client.backups();
    const lines = flags.has("json")
      ? [JSON.stringify({ backups: records.map(backupToJson) }, null, 2)]
      : statusTable(records);
    for (const line of lines) terminal.out(line);
    return 0;
  }
  const record = await client.backup({
    progress: ({ name, uploader, attempt, error }) => {
      if (error !== undefined) terminal.error(`Attempt failed: ${error}`);
      else {terminal.error(
          `${name}: ${uploader} takes it, attempt ${attempt} …`,
        );}
    },
  });
  const { contents, place } = record;
  terminal.out(
    flags.has("json")
      ? JSON.stringify(backupToJson(record), null, 2)
      : `${record.name}: ${contents!.size} bytes, up to index ${
        contents!.index
      }, ${
        place === "store"
          ? "in the store"
          : `in the folder backups/ of ${record.uploader}`
      }`,
  );
  return 0;
}

function statusTable(records: readonly BackupRecord[]): string[] {
  return tableLines([
    ["ASKED", "STATE", "NAME", "BY", "INDEX", "BYTES", "DETAIL"],
    ...records.map(({ at, state, name, uploader, contents, error }) => [
      new Date(at).toISOString(),
      state,
      name,
      uploader,
      `${contents?.index ?? "-"}`,
      `${contents?.size ?? "-"}`,
      error ?? "",
    ]),
  ]);
}

async function list({ store, flags, terminal }: BackupTask): Promise<number> {
  const found = [];
  for (const { name, size, modifiedMs } of await backupsIn(store)) {
    found.push({ name, size, modifiedMs, key: await store.keyOf(name) });
  }
  const archives = await archivesIn(store);
  if (flags.has("json")) {
    const reachable = archives.map((archive) => ({
      cluster_id: archive.clusterId,
      ranges: reachableRanges(archive),
    }));
    terminal.out(JSON.stringify({ backups: found, reachable }, null, 2));
    return 0;
  }
  const lines = tableLines([
    ["NAME", "BYTES", "STORED", "KEY"],
    ...found.map(({ name, size, modifiedMs, key }) => [
      name,
      `${size}`,
      new Date(modifiedMs).toISOString(),
      key ?? "not sealed",
    ]),
  ]);
  for (const line of lines) terminal.out(line);
  for (const archive of archives) {
    terminal.out(`Any moment ${describeRanges(archive)}`);
  }
  return 0;
}

async function get(
  { store, name, flags, terminal }: BackupTask,
): Promise<number> {
  const resolved = await resolveName(store, name!);
  const path = valueOf(flags, "to") ?? resolved;
  const { size } = await copyBackup(store, resolved, path);
  terminal.out(`${path}: ${size} bytes`);
  return 0;
}

async function rekey(
  { config, store, terminal }: BackupTask,
): Promise<number> {
  const { encKeyActive } = config;
  if (encKeyActive === "") {
    throw new HiqliteError(
      "invalid",
      "No keys are configured (enc_keys, ENC_KEYS): there is nothing to seal with",
    );
  }
  let sealed = 0;
  const names = (await backupsIn(store)).map(({ name }) => name);
  for await (const { name } of listAll(store, ARCHIVE_PREFIX)) names.push(name);
  for (const name of names) {
    if (!await rekeyBackup(store, name, encKeyActive)) continue;
    sealed++;
    terminal.out(`${name}: sealed with ${encKeyActive}`);
  }
  terminal.out(`${sealed} of them were sealed with another key, or not at all`);
  return 0;
}
