// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { WORKLOADS } from "../cluster/workloads/all.ts";
import { kindNamed, KINDS } from "./all.ts";
import { type AbuseReport, isClean, runAbuse } from "./run.ts";

const USAGE =
  `Real members, honest clients whose histories are checked, and random poison.

  --minutes N     how long (default 2)
  --seed N        where the poison and the clients' choices come from
  --kinds A,B     kinds of poison (default: all)
  --workload A,B  what honest clients do (default: register,bank,set)
  --library FILE  members use this libsqlite3 (default: the runtime's)
  --json FILE     where the figures go

Kinds: ${Object.keys(KINDS).join(", ")}
Workloads: ${Object.keys(WORKLOADS).join(", ")}

It ends well if there are no violations, no member has ended by itself, and
every poison was answered precisely. The poison is meant to exhaust memory and
disks: give the run a machine, or a control group, of its own.`;

const { values } = parseArgs({
  args: Deno.args,
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    kinds: { type: "string", default: Object.keys(KINDS).join(",") },
    workload: { type: "string", default: "register,bank,set" },
    library: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(USAGE);
} else {
  Deno.exit(await main() ? 0 : 1);
}

async function main(): Promise<boolean> {
  const kinds = values.kinds.split(",");
  kinds.forEach(kindNamed);
  const workloads = values.workload.split(",");
  for (const name of workloads) {
    if (WORKLOADS[name] === undefined) {
      throw new RangeError(`no workload "${name}"`);
    }
  }
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => stop.abort());
  const seed = numberOf("seed");
  console.log(`seed ${seed}, kinds ${kinds.join(", ")}`);
  const report = await runAbuse({
    ...{ seed, kinds, workloads },
    ...values.library === undefined ? {} : { library: values.library },
    seconds: numberOf("minutes") * 60,
    signal: stop.signal,
    say: (line) => console.log(`  ${line}`),
  });
  print(report);
  if (values.json !== undefined) {
    const text = `${JSON.stringify(report, null, 2)}\n`;
    await Deno.writeTextFile(values.json, text);
  }
  if (!isClean(report)) {
    console.log(
      `replay: deno task test:abuse --seed ${seed} --kinds ${values.kinds} --workload ${values.workload} --minutes ${values.minutes}`,
    );
  }
  return isClean(report);
}

function numberOf(name: "minutes" | "seed"): number {
  const number = Number(values[name]);
  if (number >= 0) return number;
  throw new RangeError(`--${name} is a number of at least 0`);
}

function print(
  { kinds, honest, lost, violations, problems }: AbuseReport,
): void {
  for (const [name, { sent, codes, slowestMs }] of Object.entries(kinds)) {
    const answers = Object.entries(codes)
      .map(([code, count]) => `${code} ${count}`).join(", ");
    console.log(`${name}: ${sent} sent, slowest ${slowestMs} ms; ${answers}`);
  }
  const refused = Object.entries(honest.refused)
    .map(([code, count]) => `${code} ${count}`).join(", ");
  console.log(
    `honest: ${honest.ok} ok, p50 ${honest.p50Ms} ms, p99 ${honest.p99Ms} ms, ${honest.unknown} unknown; refused: ${
      refused || "none"
    }`,
  );
  for (const line of lost) console.log(`LOST ${line}`);
  for (const line of violations) console.log(`VIOLATION ${line}`);
  for (const line of problems) console.log(`PROBLEM ${line}`);
}
