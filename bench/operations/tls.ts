// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect, type RemoteClient } from "../../src/client/remote.ts";
import { Cluster, SECRET } from "../cluster.ts";
import { drive, median, type Timing, UNBOUNDED } from "../load.ts";
import { CLEAR, INSERT, row } from "../workload.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/tls.ts [options]

Two clusters of three members on this machine, one plain and one with TLS on
both ports by automatic certificates, in turns: single inserts by the leader's
own program (links speak TLS) and by clients of the leader's API (links and API
do), and answers of 2 KB one after another. Prints what TLS costs, as medians of
the rounds' ratios: of writes per second, and of the processor time of the three
members for a write, which other work on the machine disturbs less.

  --rounds <n>     1 to 50 (default 5)
  --seconds <n>    length of one measurement (default 2)
  --writers <list> (default 64,4)
  --answers <n>    answers of 2 KB in a round (default 200)
  --json           machine-readable results
  --help           this text
`;

const ANSWER_SQL = "SELECT printf('%.*c', 2048, 'x') AS x";

/** One of the two clusters. */
interface Side {
  readonly name: "plain" | "tls";
  readonly cluster: Cluster;
  readonly client: RemoteClient;
}

/** What was measured of one side. */
interface Measured {
  /** Inserts per second by what was written how, in the order of the rounds. */
  readonly rates: Map<string, number[]>;
  /** Processor time of the members for each, µs. */
  readonly cpu: Map<string, number[]>;
  /** How long answers took, ms. */
  readonly answers: number[];
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    writers: { type: "string", default: "64,4" },
    answers: { type: "string", default: "200" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const atStart = machine();
  const root = await Deno.makeTempDir({ prefix: "hiqlite-tls-" });
  const sides: Side[] = [];
  try {
    sides.push(await sideOf(root, "plain"), await sideOf(root, "tls"));
    const measured = new Map(sides.map(({ name }) => [
      name,
      { rates: new Map(), cpu: new Map(), answers: [] } as Measured,
    ]));
    for (let round = 1; round <= Number(values.rounds); round++) {
      const order = round % 2 === 0 ? sides : sides.toReversed();
      await measure(order, measured);
      console.error(`round ${round} of ${values.rounds}`);
    }
    report(atStart, measured.get("plain")!, measured.get("tls")!);
  } finally {
    for (const { client, cluster } of sides) {
      await client.shutdown();
      await cluster.close();
    }
    await Deno.remove(root, { recursive: true });
  }
}

async function sideOf(root: string, name: Side["name"]): Promise<Side> {
  const tls = name === "tls";
  const cluster = await Cluster.start(
    join(root, name),
    "immediate",
    { profileDir: undefined, sqlite: "worker", schedule: true },
    { tlsAutoCertificates: tls },
  );
  const { apiUrl } = await cluster.roles();
  const url = tls ? apiUrl.replace("http:", "https:") : apiUrl;
  return { name, cluster, client: connect({ urls: [url], secret: SECRET }) };
}

/** One round: each measurement on both sides, one after the other. */
async function measure(
  sides: readonly Side[],
  measured: ReadonlyMap<string, Measured>,
): Promise<void> {
  for (const writers of values.writers.split(",").map(Number)) {
    for (const way of ["program", "API"] as const) {
      const what = `${writers} writers, ${way}`;
      for (const side of sides) {
        const { rates, cpu } = measured.get(side.name)!;
        const before = await spent(side);
        const { rate, calls } = await inserts(side, way, writers);
        note(rates, what, rate);
        note(cpu, what, (await spent(side) - before) / calls);
      }
    }
  }
  for (const { name, client } of sides) {
    measured.get(name)!.answers.push(...await answers(client));
  }
}

function note(all: Map<string, number[]>, what: string, value: number): void {
  all.set(what, [...all.get(what) ?? [], value]);
}

/** Processor time that the members have used so far, µs. */
async function spent({ cluster }: Side): Promise<number> {
  const each = cluster.children.map((child) => child.ask<number>("cpu"));
  return (await Promise.all(each)).reduce((sum, own) => sum + own, 0);
}

async function inserts(
  { cluster, client }: Side,
  way: "program" | "API",
  writers: number,
): Promise<Timing> {
  const load = {
    concurrency: writers,
    ms: 1000 * Number(values.seconds),
    calls: UNBOUNDED,
  };
  if (way === "program") {
    const { leader } = await cluster.roles();
    return await leader.ask("singles", load);
  }
  await client.execute(CLEAR);
  return await drive(load, (n) => client.execute(INSERT, row(n)));
}

async function answers(client: RemoteClient): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < Number(values.answers); n++) {
    const begin = performance.now();
    await client.query(ANSWER_SQL);
    times.push(performance.now() - begin);
  }
  return times;
}

/** The medians of both sides, and what TLS adds to the one of plain. */
function compared(plain: readonly number[], tls: readonly number[]) {
  const ratios = tls.map((value, round) => value / plain[round]!);
  return { plain: median(plain), tls: median(tls), ratio: median(ratios) };
}

function report(atStart: string, plain: Measured, tls: Measured): void {
  const lines = [...plain.rates.keys()].map((what) => ({
    what,
    rates: compared(plain.rates.get(what)!, tls.rates.get(what)!),
    cpu: compared(plain.cpu.get(what)!, tls.cpu.get(what)!),
  }));
  const times = Object.entries({ plain, tls }).map(([name, { answers }]) => ({
    name,
    p50: quantile(answers, 0.5),
    p90: quantile(answers, 0.9),
    p99: quantile(answers, 0.99),
  }));
  if (values.json) {
    console.log(JSON.stringify({ machine: atStart, lines, answers: times }));
    return;
  }
  console.log(`${atStart}; ${machine()} at the end\n`);
  const percent = (ratio: number): string => `${(100 * ratio).toFixed(0)} %`;
  console.log(table(
    [
      "single inserts",
      ...["plain /s", "TLS /s", "of plain"],
      ...["plain, CPU µs", "TLS, CPU µs", "of plain"],
    ],
    lines.map(({ what, rates, cpu }) => [
      what,
      ...[rates, cpu].flatMap(({ plain, tls, ratio }) => [
        plain.toFixed(0),
        tls.toFixed(0),
        percent(ratio),
      ]),
    ]),
  ));
  console.log("");
  console.log(table(
    ["an answer of 2 KB", "p50", "p90", "p99"],
    times.map(({ name, p50, p90, p99 }) => [name, ...[p50, p90, p99].map(ms)]),
  ));
}
