// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { LIBRARY } from "../../native/library.ts";
import { TestCluster } from "../../tests/cluster/harness.ts";
import { childrenOf } from "../../tests/state/sqlite/children.ts";
import { machine, ms as shown, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/lost_writer.ts [options]

How long a member alone does not write when its writer is lost: killed, or ended
because a statement took longer than write_timeout_ms.

  --times <n>    of each, 1 to 100 (default 10)
  --json         machine-readable results
  --help         this text
`;

const WRITE_TIMEOUT_MS = 500;
const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT count(*) FROM c";

const { values } = parseArgs({
  options: {
    times: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run(Number(values.times));

async function run(times: number): Promise<void> {
  const lines: { what: string; ms: number[] }[] = [];
  for (const library of [undefined, LIBRARY]) {
    const way = library === undefined ? "process" : "library in a Worker";
    await using cluster = await TestCluster.start({
      nodes: 1,
      environment: { HQL_WRITE_TIMEOUT_MS: `${WRITE_TIMEOUT_MS}` },
      ...library === undefined ? {} : { library, children: false },
    });
    await cluster.write(1, "CREATE TABLE t (n)");
    const write = async (): Promise<void> => {
      await cluster.write(1, "INSERT INTO t VALUES (1)");
    };
    if (library === undefined) {
      lines.push({
        what: `${way}: after SIGKILL of the writer`,
        ms: await each(times, () => kill(cluster), write),
      });
    }
    lines.push({
      what: `${way}: after the answer to an endless write`,
      ms: await each(times, () => endless(cluster), write),
    });
    lines.push({
      what: `${way}: an endless write, beyond its limit`,
      ms: (await each(times, () => {}, () => endless(cluster)))
        .map((ms) => ms - WRITE_TIMEOUT_MS),
    });
  }
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), lines }));
    return;
  }
  console.log(`${machine()}\n`);
  console.log(table(
    ["the next write is answered after", "p50", "max"],
    lines.map(({ what, ms }) => [
      what,
      shown(quantile(ms, 0.5)),
      shown(Math.max(...ms)),
    ]),
  ));
}

async function each(
  times: number,
  prepare: () => void | Promise<void>,
  measured: () => Promise<void>,
): Promise<number[]> {
  const all: number[] = [];
  for (let i = 0; i < times; i++) {
    await prepare();
    const begun = performance.now();
    await measured();
    all.push(performance.now() - begun);
  }
  return all;
}

function kill(cluster: TestCluster): void {
  for (const { pid } of childrenOf(cluster.process(1)!.pid, "writer")) {
    Deno.kill(pid, "SIGKILL");
  }
}

async function endless(cluster: TestCluster): Promise<void> {
  const answer = await cluster.api(1).execute({ sql: ENDLESS }, {
    timeoutMs: 30_000,
  });
  if (answer.type !== "fail") throw new Error(JSON.stringify(answer));
}
