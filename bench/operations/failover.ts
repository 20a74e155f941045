// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { poll, TestCluster } from "../../tests/cluster/harness.ts";
import { LoopbackNetwork } from "../../tests/cluster/loopback.ts";
import { SteadyLoad } from "../../tests/cluster/steady_load.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/failover.ts [options]

Kills the leader of three members with SIGKILL, again and again, while clients
of the other two write; prints how long no write was answered.

  --times <n>    kills, 1 to 1000 (default 50)
  --clients <n>  clients, each with a write under way (default 8)
  --pause <ms>   pause of a client between two writes (default 5)
  --tls          members speak TLS on both ports, and so do the clients
  --keep         keep the members' logs, and say where
  --json         machine-readable results
  --help         this text
`;

/** What one kill did. */
interface Kill {
  readonly node: number;
  /** The longest time without an answer to any client, ms. */
  readonly gapMs: number;
  /** From the start of the killed member until it was ready, ms. */
  readonly readyMs: number;
}

/** Writes go on for so long after the first answer of the new leader before the gap is measured, ms. */
const SETTLED_MS = 300;
const LIMIT_MS = 30_000;

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "50" },
    clients: { type: "string", default: "8" },
    pause: { type: "string", default: "5" },
    tls: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
} else {
  await run();
}

async function run(): Promise<void> {
  const times = Number(values.times);
  if (!Number.isInteger(times) || times < 1 || times > 1000) {
    throw new Error(`--times: expected 1 to 1000, got ${values.times}`);
  }
  const before = machine();
  const { keep, tls } = values;
  const network = new LoopbackNetwork({ nodes: 3, tls });
  await using cluster = await TestCluster.start({ keep, network });
  if (keep) console.error(`logs in ${cluster.root}`);
  const load = await SteadyLoad.start({
    cluster,
    clients: Number(values.clients),
    pauseMs: Number(values.pause),
    attempts: 5,
  });
  const kills: Kill[] = [];
  while (kills.length < times) {
    const kill = await killLeader(cluster, load);
    kills.push(kill);
    console.error(
      `${kills.length}/${times}: member ${kill.node} killed, ` +
        `no answer for ${ms(kill.gapMs)}, ready again after ${
          ms(kill.readyMs)
        }`,
    );
  }
  await load.stop();
  await load.verify();
  await cluster.assertEqualContents();
  report(before, kills, load);
}

async function killLeader(
  cluster: TestCluster,
  load: SteadyLoad,
): Promise<Kill> {
  const node = await cluster.waitLeader();
  load.avoid(node);
  await answered(load, 50);
  const killed = performance.now();
  await cluster.killMember(node);
  await answered(load, 20);
  await poll("writes to settle", LIMIT_MS, () => {
    const last = load.acknowledged.at(-1)!.at;
    const gap = load.longestGap(killed, last);
    return Promise.resolve(
      gap > SETTLED_MS || performance.now() - killed > 10 * SETTLED_MS,
    );
  });
  await answered(load, 20);
  const gapMs = load.longestGap(killed, load.acknowledged.at(-1)!.at);
  const started = performance.now();
  await cluster.startMember(node);
  await cluster.waitReady([node]);
  load.use(node);
  return { node, gapMs, readyMs: performance.now() - started };
}

/** Waits for so many more answers. */
async function answered(load: SteadyLoad, more: number): Promise<void> {
  const wanted = load.acknowledged.length + more;
  await poll(
    "answers to writes",
    LIMIT_MS,
    () => Promise.resolve(load.acknowledged.length >= wanted),
  );
}

function report(
  before: string,
  kills: readonly Kill[],
  load: SteadyLoad,
): void {
  const rows = [
    { what: "no write answered", times: kills.map(({ gapMs }) => gapMs) },
    { what: "ready again", times: kills.map(({ readyMs }) => readyMs) },
  ];
  if (values.json) {
    const writes = load.acknowledged.length;
    const failed = load.failures;
    console.log(JSON.stringify({ machine: before, kills, writes, failed }));
    return;
  }
  console.log(`${before}; ${machine()} at the end\n`);
  console.log(
    table(
      [`SIGKILL of the leader, ${kills.length} times`, "p50", "p90", "max"],
      rows.map(({ what, times }) => [
        what,
        ...[0.5, 0.9, 1].map((share) => ms(quantile(times, share))),
      ]),
    ),
  );
  console.log(
    `\n${load.acknowledged.length} writes answered, none lost, none twice; ` +
      `${load.failures.length} failed after five attempts`,
  );
}
