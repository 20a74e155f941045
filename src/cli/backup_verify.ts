import * as fs from "node:fs";
import { archivedSource, archivesIn } from "../app/archive.ts";
import { copyBackup, resolveName } from "../app/backup_store.ts";
import { databaseIn, readBackup, replayInto } from "../app/restore.ts";
import { wholePlan } from "../backup/point_in_time.ts";
import { connect } from "../client/remote.ts";
import { HiqliteError } from "../errors.ts";
import type { BackupContents } from "../state/backups/types.ts";
import type { Parsed } from "./arguments.ts";
import type { BackupTask } from "./backup_task.ts";
import { reachable } from "./reachable.ts";
import type { Terminal } from "./terminal.ts";

/** How long the cluster is asked what it knows of a backup, ms. */
const ASK_MS = 2_000;

/** Copies a backup out and shows what is in it, once it is found to be what it should be. */
export async function verify(
  { config, store, name, flags, terminal }: BackupTask,
): Promise<number> {
  const resolved = await resolveName(store, name ?? "latest");
  const dataDir = await Deno.makeTempDir({ prefix: "hiqlite-verify-" });
  try {
    const copy = { ...config, dataDir };
    const path = databaseIn(copy);
    terminal.error(`Copying ${resolved} …`);
    const { size, sha256 } = await copyBackup(store, resolved, path);
    terminal.error("Checking every page of it …");
    const { applied, timeMs, hash, record } = readBackup(config, path);
    if (record?.name !== resolved) {
      throw new HiqliteError(
        "invalid",
        `What is called ${resolved} says that it is ${
          record?.name ?? "no backup"
        }`,
      );
    }
    const known = await recordOf(resolved, flags, terminal);
    if (known !== null && known.sha256 !== sha256) {
      throw new HiqliteError(
        "invalid",
        `${resolved} is whole, but not what was stored: the cluster knows it with the SHA-256 ${known.sha256}, this one has ${sha256}`,
      );
    }
    const facts = {
      name: resolved,
      cluster_id: record.cluster,
      index: applied.index,
      term: applied.term,
      written: new Date(timeMs).toISOString(),
      state_hash: hash,
      size,
      sha256,
      compared: known === null
        ? "with no record: no member that was asked knows it"
        : "equal to the cluster's record",
      ...await replayAll({ config: copy, store, terminal }, resolved),
    };
    const lines = flags.has("json")
      ? [JSON.stringify(facts, null, 2)]
      : Object.entries(facts).map(([key, value]) =>
        `${key.replace("_", " ").padEnd(16)}${value}`
      );
    for (const line of lines) terminal.out(line);
    return 0;
  } finally {
    fs.rmSync(dataDir, { recursive: true });
  }
}

/** Replays what is archived after a backup onto the copy; how far that comes. Nothing where no log is archived. */
async function replayAll(
  { config, store, terminal }: Pick<
    BackupTask,
    "config" | "store" | "terminal"
  >,
  name: string,
): Promise<Record<string, unknown>> {
  for (const archive of await archivesIn(store)) {
    const base = archive.bases.find(({ backup }) => backup === name);
    if (base === undefined) continue;
    const plan = wholePlan(archive, base);
    const { applied, timeMs, hash } = await replayInto(config, {
      ...archivedSource(store, plan).replay,
      progress: (line) => terminal.error(`${line} …`),
    });
    return {
      reachable_index: applied.index,
      reachable_time: new Date(timeMs).toISOString(),
      reachable_hash: hash,
    };
  }
  return {};
}

/** What the running cluster has noted of a backup; null if it does not answer, or does not know it. */
async function recordOf(
  name: string,
  flags: Parsed["flags"],
  terminal: Terminal,
): Promise<BackupContents | null> {
  try {
    await using client = connect({
      ...reachable(flags, terminal),
      timeoutMs: ASK_MS,
    });
    const records = await client.backups();
    return records.find((record) => record.name === name)?.contents ?? null;
  } catch {
    // The store is looked after while the cluster is down, too.
    return null;
  }
}
