// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { SESSION_LIMITS } from "../../src/state/session_limits.ts";
import type { BackupRecord } from "../../src/state/backups/types.ts";
import { clientOf } from "../../tests/backup/real_members.ts";
import { keyLine } from "../../tests/backup/bucket.ts";
import { TestCluster } from "../../tests/cluster/harness.ts";
import { Swift } from "../../tests/s3/swift.ts";
import { forgetPeak, memoryOf } from "../../tests/state/sqlite/children.ts";
import { fill, reporter } from "./big_database.ts";
import { machine, ms, quantile, table } from "./figures.ts";
import { PacedLoad } from "./paced_load.ts";

const HELP = `Usage: deno run -A bench/operations/backup.ts [options]

Three members with a big database take writes at a steady rate, each in turn
through another member. In turns nothing else goes on, and a backup goes to S3:
OpenStack Swift from Debian's packages on this machine, which needs root. Then
nobody writes, another backup is taken, all members and their data are lost,
and three empty members restore it. Prints how long writes took meanwhile, by
how much the members' memory grew, who led, and how long all of it took; the
contents are compared by a hash. Fails if they differ, if the leader changed, if
a write failed, or if a member grew by more than 250 MiB.

  --megabytes <n>   size of the database, 8 to 100000 (default 1000)
  --rate <n>        writes per second (default 1000)
  --seconds <n>     length of the phases without a backup (default 10)
  --backups <n>     backups beside writes (default 2)
  --library <path>  members use this libsqlite3 (default: the runtime's)
  --nice <n>        Swift stands back by so much, since servers of S3 have
                    machines of their own (default 10)
  --s3-folder <dir> where Swift keeps objects (default /dev/shm: not on the
                    members' disk, for the same reason)
  --no-restore      ends before the loss
  --keep            keep data and logs, and say where
  --json            machine-readable results
  --help            this text
`;

const RESTORE_MS = 900_000;
/** By how much the memory of a member may grow, MiB. */
const GROWTH_MIB = 250;

/** A stretch of time, by `performance.now()`. */
interface Phase {
  readonly name: string;
  readonly backup: boolean;
  readonly from: number;
  readonly to: number;
}

/** How long writes took in a phase, ms. */
interface PhaseTimes {
  readonly name: string;
  readonly backup: boolean;
  readonly seconds: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    rate: { type: "string", default: "1000" },
    seconds: { type: "string", default: "10" },
    backups: { type: "string", default: "2" },
    library: { type: "string" },
    nice: { type: "string", default: "10" },
    "s3-folder": { type: "string", default: "/dev/shm" },
    "no-restore": { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const atStart = machine();
  await using swift = await Swift.start({
    nice: Number(values.nice),
    dir: values["s3-folder"],
  });
  const { url, bucket, region, key, secret } = swift.access;
  await using cluster = await TestCluster.start({
    keep: values.keep,
    ...values.library === undefined ? {} : { library: values.library },
    environment: {
      HQL_S3_URL: url,
      HQL_S3_BUCKET: bucket,
      HQL_S3_REGION: region,
      HQL_S3_KEY: key,
      HQL_S3_SECRET: secret,
      HQL_S3_PATH_STYLE: "true",
      ENC_KEYS: keyLine("k1", 7),
      ENC_KEY_ACTIVE: "k1",
      HQL_BACKUP_CRON: "",
    },
  });
  if (values.keep) console.error(`data and logs in ${cluster.root}`);
  const megabytes = Number(values.megabytes);
  const say = reporter("megabytes written", megabytes, console.error);
  await fill(cluster, megabytes, say);
  const beside = await besideWrites(cluster);
  const restored = values["no-restore"] ? null : await lostAndRestored(cluster);
  const faults = [...faultsOf(beside), ...cluster.complaints];
  for (const fault of faults) console.error(`FAULT ${fault}`);
  if (faults.length > 0) Deno.exitCode = 1;
  if (values.json) {
    console.log(JSON.stringify({ machine: atStart, ...beside, restored }));
    return;
  }
  console.log(`${atStart}; ${machine()} at the end\n`);
  print(beside);
  if (restored !== null) {
    const { backupSeconds, restoreSeconds, rows } = restored;
    console.log(
      `while nobody writes a backup takes ${
        backupSeconds.toFixed(1)
      } s; three empty members are ready ${
        restoreSeconds.toFixed(1)
      } s after their start with its ${rows} rows, equal by hash`,
    );
  }
}

/** What writes felt of backups. */
interface Beside {
  readonly phases: readonly PhaseTimes[];
  /** How far the p99 of all backups' time is from that of the rest. */
  readonly p99Ratio: number;
  readonly bytes: number;
  readonly uploaders: readonly string[];
  /** By how much the main process of the member grew at most that grew most, MiB. */
  readonly grewMiB: number;
  /** Leader and term, before and after. */
  readonly leaders: readonly string[];
  readonly failures: readonly string[];
}

async function besideWrites(cluster: TestCluster): Promise<Beside> {
  const clients = cluster.nodes.map((node) => clientOf(cluster, node));
  const leader = async (): Promise<string> => {
    const { leader, term } = await clients[0]!.cluster();
    return `${leader} in term ${term}`;
  };
  await using load = await PacedLoad.start(clients, Number(values.rate));
  const phases: Phase[] = [];
  const phase = async <T>(
    name: string,
    backup: boolean,
    body: () => Promise<T>,
  ): Promise<T> => {
    const from = performance.now();
    const result = await body();
    phases.push({ name, backup, from, to: performance.now() });
    console.error(`${name}: ${ms(performance.now() - from)}`);
    return result;
  };
  const calm = (): Promise<void> =>
    phase("nothing else", false, () => sleep(1000 * Number(values.seconds)));
  // What is compiled and opened with the first writes is no part of it, nor what members remember of
  // each: as many answers as they keep are there first.
  await remembered(load);
  const leaders = [await leader()];
  const records: BackupRecord[] = [];
  let grewMiB = 0;
  await calm();
  for (let n = 1; n <= Number(values.backups); n++) {
    const memory = memoryNow(cluster);
    records.push(
      await phase(`backup ${n}`, true, () => clients[0]!.backup()),
    );
    grewMiB = Math.max(grewMiB, grownSince(memory, cluster));
    await calm();
  }
  leaders.push(await leader());
  await load.stop();
  await load.verify();
  for (const client of clients) await client.shutdown();
  const times = (backup: boolean): number[] =>
    phases.filter((phase) => phase.backup === backup)
      .flatMap((phase) => timesIn(phase, load));
  return {
    phases: phases.map((phase) => summed(phase, timesIn(phase, load))),
    p99Ratio: quantile(times(true), 0.99) / quantile(times(false), 0.99),
    bytes: records[0]!.contents!.size,
    uploaders: records.map(({ uploader }) => uploader),
    ...{ grewMiB, leaders, failures: load.failures },
  };
}

/** Until members remember as many answers as they ever do. */
async function remembered(load: PacedLoad): Promise<void> {
  const { answers } = SESSION_LIMITS;
  const say = reporter("writes before it is measured", answers, console.error);
  while (load.answered.length < answers) {
    if (load.failures.length > 0) throw new Error(load.failures[0]);
    await sleep(500);
    say(load.answered.length);
  }
}

function timesIn({ from, to }: Phase, { answered }: PacedLoad): number[] {
  return answered.filter((write) => write.from >= from && write.from < to)
    .map(({ ms }) => ms);
}

function summed(
  { name, backup, from, to }: Phase,
  times: readonly number[],
): PhaseTimes {
  const seconds = (to - from) / 1000;
  return {
    ...{ name, backup, seconds, perSecond: times.length / seconds },
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    max: quantile(times, 1),
  };
}

/** What each member has, MiB; from here on its peak is counted anew. */
function memoryNow(cluster: TestCluster): Map<number, number> {
  return new Map(cluster.nodes.map((node) => {
    const { pid } = cluster.process(node)!;
    forgetPeak(pid);
    return [pid, memoryOf(pid, "VmRSS")];
  }));
}

function grownSince(
  before: ReadonlyMap<number, number>,
  cluster: TestCluster,
): number {
  return Math.max(...cluster.nodes.map((node) => {
    const { pid } = cluster.process(node)!;
    return Math.round(memoryOf(pid, "VmHWM") - before.get(pid)!);
  }));
}

/** What became of a cluster that was lost whole. */
interface Restored {
  readonly backupSeconds: number;
  /** From the start of the first empty member until all were ready. */
  readonly restoreSeconds: number;
  readonly rows: number;
}

/** What must not be; how long writes took is reported, and not judged. */
function faultsOf({ leaders, grewMiB, failures }: Beside): string[] {
  const [before, after] = leaders;
  return [
    ...before === after ? [] : [`the leader was ${before}, then ${after}`],
    ...grewMiB <= GROWTH_MIB
      ? []
      : [`a member grew by ${grewMiB} MiB, the limit is ${GROWTH_MIB}`],
    ...failures,
  ];
}

/** @throws {Error} if a member holds something else afterwards. */
async function lostAndRestored(cluster: TestCluster): Promise<Restored> {
  const client = clientOf(cluster, 1);
  const begun = performance.now();
  const { name } = await client.backup({ timeoutMs: RESTORE_MS });
  const backupSeconds = (performance.now() - begun) / 1000;
  await client.shutdown();
  const before = contentsOf(databaseFile(cluster.dataDir(1)));
  for (const node of cluster.nodes) {
    await cluster.killWithChildren(node);
    await Deno.remove(cluster.dataDir(node), { recursive: true });
    cluster.setEnvironment(node, { HQL_BACKUP_RESTORE: `s3:${name}` });
  }
  const started = performance.now();
  for (const node of cluster.nodes) await cluster.startMember(node);
  await cluster.waitReady(cluster.nodes, RESTORE_MS);
  const restoreSeconds = (performance.now() - started) / 1000;
  console.error(`restored: ${restoreSeconds.toFixed(1)} s`);
  for (const node of cluster.nodes) {
    const { rows, hash } = contentsOf(databaseFile(cluster.dataDir(node)));
    if (rows === before.rows && hash === before.hash) continue;
    throw new Error(
      `member ${node} holds ${rows} rows with hash ${hash}, not ${before.rows} with ${before.hash}`,
    );
  }
  return { backupSeconds, restoreSeconds, rows: before.rows };
}

function databaseFile(folder: string): string {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isFile && entry.name === "hiqlite.db") return path;
    const inside = entry.isDirectory ? databaseFile(path) : "";
    if (inside !== "") return inside;
  }
  return "";
}

/** All rows of the tables, hashed in the order of their keys. */
function contentsOf(path: string): { rows: number; hash: string } {
  const database = new DatabaseSync(path, { readOnly: true });
  const hash = createHash("sha256");
  let rows = 0;
  const keys = { filler: "id", paced: "n" };
  for (const [name, key] of Object.entries(keys)) {
    const found = database.prepare(
      `SELECT ${key} AS key, body FROM ${name} ORDER BY ${key}`,
    ).iterate();
    for (const { key, body } of found) {
      rows++;
      hash.update(`${name} ${key}\n`);
      hash.update(body as string | Uint8Array);
    }
  }
  database.close();
  return { rows, hash: hash.digest("hex") };
}

function print(beside: Beside): void {
  const { phases, p99Ratio, bytes, uploaders, grewMiB, leaders } = beside;
  console.log(table(
    [`${values.rate} writes/s`, "duration", "writes /s", "p50", "p99", "max"],
    phases.map(({ name, seconds, perSecond, p50, p99, max }) => [
      name,
      `${seconds.toFixed(1)} s`,
      perSecond.toFixed(0),
      ...[p50, p99, max].map(ms),
    ]),
  ));
  console.log(
    `\np99 beside a backup of ${(bytes / 1e6).toFixed(0)} MB: ${
      p99Ratio.toFixed(2)
    } times that without; taken by ${
      uploaders.join(", ")
    }; memory +${grewMiB} MiB; leaders ${
      leaders.join(", then ")
    }; ${beside.failures.length} writes failed ${
      beside.failures.slice(0, 3).join("; ")
    }`,
  );
}
