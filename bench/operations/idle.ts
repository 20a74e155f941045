// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { freePorts } from "../../tests/ports.ts";
import {
  memoryOf,
  printed,
  proportionalOf,
} from "../../tests/state/sqlite/children.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/idle.ts [options] [binary...]

What a compiled member takes that nobody asks for anything: until it is ready
again after kill -9, and after a while. Several binaries take turns, so that
their figures can be compared on a machine that others use, too (default:
dist/hiqlite).

  --members <n>  of a cluster that idles, 1 to 9 (default 3)
  --seconds <n>  after which memory is looked at, 1 to 600 (default 60)
  --turns <n>    1 to 100 (default 3)
  --json         machine-readable results
  --help         this text
`;

const SECRET = "a-secret-of-idle-members";
const READY_WITHIN_MS = 60_000;
const LOOK_MS = 5;
const MB_PER_MIB = 1.048576;
/** The kernel counts processor time in hundredths of a second. */
const MS_PER_TICK = 10;

/** What a cluster of one binary took. */
interface Taken {
  readonly binary: string;
  /** Of the member that was killed, from its next start to the first `/ready`, ms. */
  readonly readyMs: number;
  /** Of processors, in all its threads, until then, ms. */
  readonly processorMs: number;
  /** Of each member, MB. */
  readonly resident: readonly number[];
  /** The same, but pages that processes share count once. */
  readonly proportional: readonly number[];
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    members: { type: "string", default: "3" },
    seconds: { type: "string", default: "60" },
    turns: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const binaries = positionals.length > 0 ? positionals : ["dist/hiqlite"];
  const taken: Taken[] = [];
  for (let turn = 0; turn < Number(values.turns); turn++) {
    for (const binary of binaries) taken.push(await oneTurn(binary));
  }
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), taken }));
    return;
  }
  console.log(`${machine()}\n`);
  const what = ["ready after", "processor time until then", "resident", "Pss"];
  console.log(table(
    ["binary (least, median, most)", ...what],
    binaries.map((binary) => {
      const own = taken.filter((one) => one.binary === binary);
      return [
        binary,
        spread(own.map(({ readyMs }) => readyMs), ms),
        spread(own.map(({ processorMs }) => processorMs), ms),
        spread(own.flatMap(({ resident }) => resident), mb),
        spread(own.flatMap(({ proportional }) => proportional), mb),
      ];
    }),
  ));
}

function spread(
  values: readonly number[],
  text: (value: number) => string,
): string {
  return [0, 0.5, 1].map((share) => text(quantile(values, share))).join(", ");
}

function mb(value: number): string {
  return `${value.toFixed(1)} MB`;
}

/** What is measured is a second start: the first waits for members to find each other. */
async function oneTurn(binary: string): Promise<Taken> {
  const root = await Deno.makeTempDir({ prefix: "hiqlite-idle-" });
  const members: Deno.ChildProcess[] = [];
  try {
    const count = Number(values.members);
    const ports = freePorts(2 * count);
    const pairs = Array.from(
      { length: count },
      (_, at) => [ports[2 * at]!, ports[2 * at + 1]!] as const,
    );
    const nodes = pairs.map(([raft, api], at) =>
      `${at + 1} 127.0.0.1:${raft} 127.0.0.1:${api}`
    ).join("\n");
    const begin = (at: number): void => {
      members[at] = spawn(binary, { root, id: at + 1, nodes });
    };
    pairs.forEach((_, at) => begin(at));
    await Promise.all(pairs.map(([, api]) => ready(api)));
    const last = pairs.length - 1;
    members[last]!.kill("SIGKILL");
    await members[last]!.status;
    const started = performance.now();
    begin(last);
    await ready(pairs[last]![1]);
    const readyMs = performance.now() - started;
    const processorMs = processorTime(members[last]!.pid);
    await sleep(Number(values.seconds) * 1000);
    return {
      binary,
      readyMs,
      processorMs,
      resident: members.map(({ pid }) => memoryOf(pid, "VmRSS") * MB_PER_MIB),
      proportional: members.map(({ pid }) => proportionalOf(pid) * MB_PER_MIB),
    };
  } finally {
    for (const member of members) {
      member.kill("SIGKILL");
      await member.status;
    }
    await Deno.remove(root, { recursive: true });
  }
}

function spawn(
  binary: string,
  { root, id, nodes }: { root: string; id: number; nodes: string },
): Deno.ChildProcess {
  return new Deno.Command(resolve(binary), {
    args: ["serve", "--no-config-file", "--node-id", `${id}`],
    clearEnv: true,
    env: {
      HOME: root,
      TMPDIR: root,
      HQL_NODES: nodes,
      HQL_DATA_DIR: `${root}/${id}`,
      HQL_SECRET_RAFT: SECRET,
      HQL_SECRET_API: SECRET,
    },
    stdout: "null",
    stderr: "null",
  }).spawn();
}

async function ready(port: number): Promise<void> {
  const deadline = performance.now() + READY_WITHIN_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`)
      .catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await sleep(LOOK_MS);
  }
  throw new Error(`no member is ready on port ${port}`);
}

/** What a process has used of processors in the system and in itself, ms. */
function processorTime(pid: number): number {
  const stat = printed("cat", `/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
}
