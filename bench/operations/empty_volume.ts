// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { poll, TestCluster } from "../../tests/cluster/harness.ts";
import { SteadyLoad } from "../../tests/cluster/steady_load.ts";
import { fill, reporter } from "./big_database.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/empty_volume.ts [options]

Three members with a big database under a steady load of writes. One follower is
killed with SIGKILL, its volume is emptied and it is started again. Prints how
long it takes to become a voter by itself, and how long writes through the
others take before, meanwhile and after.

  --megabytes <n>  size of the database, 8 to 100000 (default 1000)
  --clients <n>    clients, each with a write under way (default 8)
  --pause <ms>     pause of a client between two writes (default 5)
  --seconds <n>    length of the phases before and after (default 10)
  --keep           keep data and logs, and say where
  --json           machine-readable results
  --help           this text
`;

const VOTER_MS = 600_000;

/** A stretch of time, by `performance.now()`. */
interface Phase {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    clients: { type: "string", default: "8" },
    pause: { type: "string", default: "5" },
    seconds: { type: "string", default: "10" },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const atStart = machine();
  const megabytes = Number(values.megabytes);
  await using cluster = await TestCluster.start({
    keep: values.keep,
    // The log must not reach back to the beginning, or no snapshot is needed.
    environment: { HQL_LOGS_UNTIL_SNAPSHOT: "1000" },
  });
  if (values.keep) console.error(`data and logs in ${cluster.root}`);
  await fill(
    cluster,
    megabytes,
    reporter("megabytes written", megabytes, console.error),
  );
  const leader = await cluster.waitLeader();
  const node = cluster.nodes.find((other) => other !== leader)!;
  const load = await SteadyLoad.start({
    cluster,
    clients: Number(values.clients),
    pauseMs: Number(values.pause),
    attempts: 3,
  });
  load.avoid(node);
  const calmMs = 1000 * Number(values.seconds);
  const phases: Phase[] = [];
  const phase = async (
    name: string,
    body: () => Promise<unknown>,
  ): Promise<void> => {
    const from = performance.now();
    await body();
    phases.push({ name, from, to: performance.now() });
    console.error(`${name}: ${ms(performance.now() - from)}`);
  };
  await phase("before", () => sleep(calmMs));
  await cluster.killMember(node);
  await Deno.remove(cluster.dataDir(node), { recursive: true });
  await phase("until it was a voter again", async () => {
    await cluster.startMember(node);
    await becomeVoter(cluster, node);
  });
  await phase("after", () => sleep(calmMs));
  await load.stop();
  await load.verify();
  report(atStart, phases, load);
}

/** Waits until the member is ready, which only voters are, and says now and then where it stands. */
async function becomeVoter(cluster: TestCluster, node: number): Promise<void> {
  const begin = performance.now();
  const say = reporter(
    "seconds waited for the voter",
    VOTER_MS / 1000,
    console.error,
  );
  await poll("the member to be a voter", VOTER_MS, async () => {
    say(Math.round((performance.now() - begin) / 1000));
    return await cluster.api(node).ready(5000);
  });
}

function report(
  atStart: string,
  phases: readonly Phase[],
  load: SteadyLoad,
): void {
  const lines = phases.map(({ name, from, to }) => {
    const times = load.acknowledged
      .filter(({ at, ms }) => at >= from && at - ms <= to)
      .map(({ ms }) => ms);
    return {
      name,
      seconds: (to - from) / 1000,
      perSecond: times.length / ((to - from) / 1000),
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      max: quantile(times, 1),
    };
  });
  const { failures, repeated } = load;
  if (values.json) {
    const megabytes = Number(values.megabytes);
    console.log(
      JSON.stringify({
        machine: atStart,
        megabytes,
        lines,
        failures,
        repeated,
      }),
    );
    return;
  }
  console.log(`${atStart}; ${machine()} at the end\n`);
  console.log(table(
    [`${values.megabytes} MB`, "duration", "writes /s", "p50", "p99", "max"],
    lines.map((line) => [
      line.name,
      `${line.seconds.toFixed(1)} s`,
      line.perSecond.toFixed(0),
      ms(line.p50),
      ms(line.p99),
      ms(line.max),
    ]),
  ));
  console.log(
    `\n${load.acknowledged.length} writes answered, none lost, none twice; ` +
      `${repeated.length} repeated, ${failures.length} failed`,
  );
}
