// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { TestCluster } from "../../tests/cluster/harness.ts";
import { SteadyLoad } from "../../tests/cluster/steady_load.ts";
import { fill, reporter } from "./big_database.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/restart.ts [options]

Kills a member with SIGKILL under load, starts it again and waits until /ready
says so: with an almost empty database, then with a big one; alone, then as one
of three.

  --megabytes <n>  size of the big database, 8 to 100000 (default 1000)
  --times <n>      restarts per line, 1 to 100 (default 5)
  --nodes <list>   cluster sizes (default 1,3)
  --json           machine-readable results
  --help           this text
`;

/** One line of the table. */
interface Line {
  readonly nodes: number;
  readonly megabytes: number;
  /** From the start of the process to its first `/ready`, ms. */
  readonly readyMs: readonly number[];
}

const { values } = parseArgs({
  options: {
    megabytes: { type: "string", default: "1000" },
    times: { type: "string", default: "5" },
    nodes: { type: "string", default: "1,3" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const before = machine();
  const lines: Line[] = [];
  for (const nodes of values.nodes.split(",").map(Number)) {
    await using cluster = await TestCluster.start({ nodes });
    lines.push(await measure(cluster, 0));
    const megabytes = Number(values.megabytes);
    const what = `megabytes written to ${nodes} member(s)`;
    await fill(cluster, megabytes, reporter(what, megabytes, console.error));
    lines.push(await measure(cluster, megabytes));
  }
  if (values.json) {
    console.log(JSON.stringify({ machine: before, lines }));
    return;
  }
  console.log(`${before}; ${machine()} at the end\n`);
  const head = ["members", "database", "ready after, p50", "max"];
  console.log(table(
    head,
    lines.map(({ nodes, megabytes, readyMs }) => [
      `${nodes}`,
      megabytes === 0 ? "empty" : `${megabytes} MB`,
      ms(quantile(readyMs, 0.5)),
      ms(quantile(readyMs, 1)),
    ]),
  ));
}

/** Restarts the last member of the cluster, again and again. */
async function measure(cluster: TestCluster, megabytes: number): Promise<Line> {
  const node = cluster.nodes.at(-1)!;
  const readyMs: number[] = [];
  while (readyMs.length < Number(values.times)) {
    const load = await SteadyLoad.start({
      cluster,
      clients: 4,
      pauseMs: 5,
      attempts: 1,
    });
    await sleep(200);
    await cluster.killMember(node);
    const started = performance.now();
    await cluster.startMember(node);
    await cluster.waitReady([node]);
    readyMs.push(performance.now() - started);
    await load.stop();
    console.error(
      `${cluster.nodes.length} member(s), ${megabytes} MB: ready after ${
        ms(readyMs.at(-1)!)
      }`,
    );
  }
  return { nodes: cluster.nodes.length, megabytes, readyMs };
}
