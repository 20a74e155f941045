// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { WORKLOADS } from "../cluster/workloads/all.ts";
import { PRODUCTIONS } from "./grammar.ts";
import { faultsOf, type HostileReport, runHostile } from "./run.ts";

const USAGE =
  `Three real members, honest clients whose histories are checked, and strangers
who mean them ill, on both ports. What they do is drawn from a grammar.

  --minutes N     how long strangers are there (default 2)
  --seed N        where their choices come from
  --kinds A,B     kinds of strangers (default: all)
  --workload A,B  what honest clients do (default: register,bank,set)
  --tls           members speak TLS on both ports, and so does a part of the
                  strangers
  --json FILE     where the figures go

Kinds: ${Object.keys(PRODUCTIONS).join(", ")}
Workloads: ${Object.keys(WORKLOADS).join(", ")}

Honest clients are alone at first, for a fifth of the time, 10 s to 2 minutes.
It ends well if nothing was violated, no member ended, the leader is the same,
and no member's memory grew by more than 200 MiB.`;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    kinds: { type: "string", default: Object.keys(PRODUCTIONS).join(",") },
    workload: { type: "string", default: "register,bank,set" },
    tls: { type: "boolean", default: false },
    json: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(USAGE);
else Deno.exit(await main() ? 0 : 1);

async function main(): Promise<boolean> {
  const kinds = namesIn("kinds", PRODUCTIONS);
  const workloads = namesIn("workload", WORKLOADS);
  const stop = new AbortController();
  Deno.addSignalListener("SIGINT", () => stop.abort());
  const seed = numberOf("seed");
  const seconds = numberOf("minutes") * 60;
  console.log(`seed ${seed}, kinds ${kinds.join(", ")}`);
  const report = await runHostile({
    ...{ seed, seconds, kinds, workloads, tls: values.tls },
    signal: stop.signal,
    aloneSeconds: Math.min(120, Math.max(10, seconds / 5)),
  });
  print(report);
  if (values.json !== undefined) {
    const text = `${JSON.stringify(report, null, 2)}\n`;
    await Deno.writeTextFile(values.json, text);
  }
  const faults = faultsOf(report);
  for (const fault of faults) console.log(`FAULT ${fault}`);
  if (faults.length > 0) {
    console.log(report.logs);
    console.log(
      `replay: deno task test:hostile --seed ${seed} --kinds ${values.kinds} --workload ${values.workload} --minutes ${values.minutes}${
        values.tls ? " --tls" : ""
      }`,
    );
  }
  return faults.length === 0;
}

function namesIn(
  flag: "kinds" | "workload",
  all: Readonly<Record<string, unknown>>,
): string[] {
  const names = values[flag].split(",");
  for (const name of names) {
    if (all[name] === undefined) throw new RangeError(`no ${flag} "${name}"`);
  }
  return names;
}

function numberOf(name: "minutes" | "seed"): number {
  const number = Number(values[name]);
  if (number >= 0) return number;
  throw new RangeError(`--${name} is a number of at least 0`);
}

function print(report: HostileReport): void {
  const { played, alone, beside, honest, grewMiB, leaders } = report;
  for (const [name, kind] of Object.entries(played)) {
    const { scripts, connections, refused, ended, bytesSent } = kind;
    console.log(
      `${name}: ${scripts} scripts, ${connections} connections, ${refused} not accepted, ${ended} ended by the member, ${
        (bytesSent / 1e6).toFixed(1)
      } MB sent`,
    );
  }
  const refused = Object.entries(honest.refused)
    .map(([code, count]) => `${code} ${count}`).join(", ");
  console.log(
    `honest: ${honest.ok} ok, ${honest.unknown} unknown; refused: ${
      refused || "none"
    }`,
  );
  console.log(
    `alone p50 ${alone.p50Ms} ms, p99 ${alone.p99Ms} ms; beside strangers p50 ${beside.p50Ms} ms, p99 ${beside.p99Ms} ms: ${
      (beside.p99Ms / alone.p99Ms).toFixed(2)
    } times the p99`,
  );
  console.log(`memory +${grewMiB} MiB; leaders: ${leaders.join(", ")}`);
}
