/** One member of the measured cluster in a process of its own. Started by `main.ts`. */
import { join } from "node:path";
import { type LocalClient, open, type OpenOptions } from "../mod.ts";
import { Logger } from "../src/util/logger.ts";
import { cachePuts, cacheReads } from "./cache_load.ts";
import { EventEar, insertAndNotify } from "./events.ts";
import {
  beginWaiting,
  endWaiting,
  give,
  lockAndUnlock,
  take,
} from "./lock_load.ts";
import { serveCommands } from "./commands.ts";
import { liveFollow, liveLatency } from "./live_load.ts";
import { drive, type Load, type Timing } from "./load.ts";
import { fillCache, type PacedLoad, PacedPuts } from "./paced_puts.ts";
import { PauseWatch } from "./pauses.ts";
import { measureReads } from "./reads.ts";
import { SqlLoad } from "./sql_load.ts";
import { CLEAR, INSERT, insert, row } from "./workload.ts";

let client: LocalClient;
let dataDir: string;
let pauses: PauseWatch;
let puts: PacedPuts;
let sql: SqlLoad;
let ear = new EventEar();

/** Complaints go to the terminal; the output belongs to the parent. */
const logger = new Logger("warn", ({ level, message, fields }) => {
  const line = `${level}: ${message} ${JSON.stringify(fields)}\n`;
  Deno.stderr.writeSync(new TextEncoder().encode(line));
});

async function singles(load: Load): Promise<Timing> {
  await client.execute(CLEAR);
  return await drive(load, (n) => client.execute(INSERT, row(n)));
}

/** One transaction per writer; together they insert `rows` rows. A call is a transaction. */
async function transactions(
  { writers, rows }: { writers: number; rows: number },
): Promise<Timing> {
  await client.execute(CLEAR);
  const each = Math.ceil(rows / writers);
  const sets = Array.from(
    { length: writers },
    (_, w) => Array.from({ length: each }, (_, n) => insert(w * each + n)),
  );
  const load = { concurrency: writers, ms: 60_000, calls: writers };
  return await drive(load, (n) => client.txn(sets[n]!));
}

/** Single inserts with one blob of so many bytes. */
async function blobs(
  { bytes, calls }: { bytes: number; calls: number },
): Promise<Timing> {
  await client.execute("CREATE TABLE _blob (id INTEGER PRIMARY KEY, b BLOB)");
  const blob = crypto.getRandomValues(new Uint8Array(bytes % 65_536));
  const whole = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += blob.length) {
    whole.set(blob.subarray(0, bytes - at), at);
  }
  const load = { concurrency: 1, ms: 10_000, calls };
  return await drive(
    load,
    () => client.execute("INSERT INTO _blob (b) VALUES (?)", [whole]),
  );
}

/** Fills the table with `rows` rows, then reads them. */
async function reads({ rows }: { rows: number }): Promise<unknown> {
  await client.execute(CLEAR);
  await client.txn(Array.from({ length: rows }, (_, n) => insert(n)));
  return await measureReads(client, databaseFile(dataDir), rows);
}

function databaseFile(folder: string): string {
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    if (entry.isFile && entry.name === "hiqlite.db") return path;
    const inside = entry.isDirectory ? databaseFile(path) : "";
    if (inside !== "") return inside;
  }
  return "";
}

await serveCommands({
  open: async (options: OpenOptions) => {
    dataDir = options.dataDir!;
    client = await open({
      ...options,
      logger,
      onFatal: (error) => {
        throw error;
      },
    });
  },
  status: () => client.cluster(),
  execute: ({ sql }: { sql: string }) => client.execute(sql),
  settle: async ({ index }: { index: number }) => {
    await client.query("SELECT 1", [], { minIndex: index });
  },
  singles,
  transactions,
  blobs,
  reads,
  cachePuts: (load: Load) => cachePuts(client, load),
  cacheReads: () => cacheReads(client),
  fillCache: ({ keys }: { keys: number }) => fillCache(client, keys),
  // What goes on beside other commands begins with one and ends with another.
  putsBegin: (load: PacedLoad) => {
    puts = new PacedPuts(client, load);
  },
  putsEnd: () => puts.stop(),
  sqlBegin: async () => {
    sql = await SqlLoad.begun(client);
  },
  sqlEnd: () => sql.stop(),
  pausesBegin: () => {
    pauses = new PauseWatch();
  },
  pausesEnd: () => pauses.stop(),
  liveLatency: () => liveLatency(client),
  liveFollow: (followed: { count: number; table: string }) =>
    liveFollow(client, followed),
  clear: () => client.execute(CLEAR),
  listen: () => {
    ear = new EventEar();
    ear.begin(client);
  },
  insertAndNotify: (load: { ms: number }) => insertAndNotify(client, load),
  heard: () => ear.end(),
  lockAndUnlock: (load: Load) => lockAndUnlock(client, load),
  take: () => take(client),
  give,
  beginWaiting: (options: { count: number }) => beginWaiting(client, options),
  endWaiting: () => endWaiting(),
  close: () => client.shutdown(),
});
