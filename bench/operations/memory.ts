// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { LIBRARY } from "../../native/library.ts";
import { TestCluster } from "../../tests/cluster/harness.ts";
import { SteadyLoad } from "../../tests/cluster/steady_load.ts";
import {
  childrenOf,
  memoryOf,
  proportionalOf,
} from "../../tests/state/sqlite/children.ts";
import { machine, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/memory.ts [options]

The memory of one member of three, all its processes together: idle, while it is
written to and read from, and afterwards. Pages that processes share count once
(PSS, from /proc).

  --seconds <n>  of load, 1 to 600 (default 10)
  --json         machine-readable results
  --help         this text
`;

/** What a member used at one moment, MiB. */
interface Usage {
  readonly member: number;
  readonly writer: number;
  readonly readers: number;
  /** The processes' resident memory added up, shared pages as often as they are mapped. */
  readonly resident: number;
}

/** One way to run the writer. */
interface Way {
  readonly name: string;
  readonly children: boolean;
  readonly library?: string;
}

const WAYS: readonly Way[] = [
  { name: "writer in a Worker (node:sqlite)", children: false },
  { name: "writer in a process (node:sqlite)", children: true },
  { name: "a library in Workers (ffi)", children: false, library: LIBRARY },
];

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "10" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const lines: { way: string; moment: string; usage: Usage }[] = [];
  for (const way of WAYS) {
    await using cluster = await TestCluster.start(way);
    const leader = await cluster.waitLeader();
    const { pid } = cluster.process(leader)!;
    const note = (moment: string): void => {
      lines.push({ way: way.name, moment, usage: usageOf(pid) });
    };
    await sleep(2000);
    note("idle");
    const load = await SteadyLoad.start({
      cluster,
      clients: 16,
      pauseMs: 0,
      attempts: 1,
    });
    const guarded = way.children || way.library !== undefined;
    const asking = guarded ? askUntil(cluster, leader) : undefined;
    await sleep(Number(values.seconds) * 1000);
    note("under load");
    await load.stop();
    await asking?.stop();
    await sleep(5000);
    note("afterwards");
  }
  if (values.json) {
    console.log(JSON.stringify({ machine: machine(), lines }));
    return;
  }
  console.log(`${machine()}\n`);
  const mib = (value: number): string => `${Math.round(value)} MiB`;
  console.log(table(
    ["way", "moment", "in all", "member", "writer", "readers", "resident"],
    lines.map(({ way, moment, usage }) => {
      const { member, writer, readers, resident } = usage;
      const all = member + writer + readers;
      return [
        way,
        moment,
        ...[all, member, writer, readers, resident].map(mib),
      ];
    }),
  ));
}

/** Queries over the API, one after another, so that its reader processes are there. */
function askUntil(
  cluster: TestCluster,
  node: number,
): { stop(): Promise<void> } {
  let going = true;
  const asking = (async () => {
    while (going) {
      await cluster.api(node).query(
        { sql: "SELECT count(*) FROM sqlite_schema" },
        { consistency: "local", timeoutMs: 5000 },
      );
    }
  })();
  return {
    stop() {
      going = false;
      return asking;
    },
  };
}

function usageOf(pid: number): Usage {
  const writer = childrenOf(pid, "writer").map((child) => child.pid);
  const readers = childrenOf(pid, "reader").map((child) => child.pid);
  const sum = (pids: number[], of: (pid: number) => number): number =>
    pids.reduce((all, each) => all + of(each), 0);
  return {
    member: proportionalOf(pid),
    writer: sum(writer, proportionalOf),
    readers: sum(readers, proportionalOf),
    resident: sum(
      [pid, ...writer, ...readers],
      (each) => memoryOf(each, "VmRSS"),
    ),
  };
}
