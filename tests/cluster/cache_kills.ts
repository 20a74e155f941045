// deno-lint-ignore-file no-console -- run directly, this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { ownLoopback } from "../ports.ts";
import { TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import {
  killSingles,
  type SingleKillsOptions,
  type SingleKillsReport,
} from "./single_kills.ts";
import { VoteWatch } from "./vote_watch.ts";

/** The caches' group on the wire. */
const CACHE_GROUP = 1;
const CALL_MS = 5000;

/** What became of caches in memory under a series of kills. */
export interface CacheKillsReport extends SingleKillsReport {
  /** The votes that were on the wire. */
  readonly watch: VoteWatch;
  /** The life of the caches at the end; the first one is 1. */
  readonly epoch: number;
}

/** Kills members of a cluster with its caches in memory, one at a time, and listens to the votes. */
export async function cacheKills(
  options: Omit<SingleKillsOptions, "cluster">,
): Promise<CacheKillsReport> {
  const watch = new VoteWatch(CACHE_GROUP);
  await using cluster = await TestCluster.start({
    network: new LoopbackNetwork({
      nodes: 3,
      proxied: true,
      host: ownLoopback(),
      heard: (message) => watch.hear(message),
    }),
    environment: { HQL_CACHE_STORAGE_DISK: "false" },
  });
  const report = await killSingles({ ...options, cluster });
  const answer = await cluster.api(1)
    .cacheGet("epochs", "any", "linearizable", CALL_MS);
  if (answer.type !== "ok") throw new Error(answer.error);
  return { ...report, watch, epoch: answer.value.epoch };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: Deno.args,
    options: {
      kills: { type: "string", default: "100" },
      clients: { type: "string", default: "3" },
      pause: { type: "string", default: "10" },
      seed: { type: "string", default: `${Date.now() % 1_000_000}` },
    },
  });
  const begun = performance.now();
  let count = 0;
  const { kills, tallies, violations, watch, epoch } = await cacheKills({
    kills: Number(values.kills),
    seed: Number(values.seed),
    clients: Number(values.clients),
    pauseMs: Number(values.pause),
    onKill: ({ node, led, readyMs }) =>
      console.log(
        `${++count}: killed ${node}${led ? ", which led the caches" : ""}: ` +
          `all ready ${readyMs.toFixed(0)} ms after its start`,
      ),
  });
  const seconds = (performance.now() - begun) / 1000;
  const times = kills.map(({ readyMs }) => readyMs).sort((a, b) => a - b);
  console.log(JSON.stringify({ seed: values.seed, tallies }));
  console.log(
    `${kills.length} kills in ${seconds.toFixed(0)} s, ` +
      `${kills.filter(({ led }) => led).length} of the caches' leader; ` +
      `ready again: median ${times[times.length >> 1]?.toFixed(0)} ms, ` +
      `at most ${times.at(-1)?.toFixed(0)} ms`,
  );
  console.log(
    `${watch.votes} votes of ${watch.voters.size} starts for ` +
      `${watch.leaders} leaders, epoch ${epoch}, ` +
      `${violations.length} violations`,
  );
  const problems = [
    ...watch.contradictions,
    ...violations.map(({ message }) => message),
    ...epoch === 1 ? [] : [`the caches began anew: epoch ${epoch}`],
  ];
  for (const problem of problems) console.log(problem);
  if (problems.length > 0) Deno.exitCode = 1;
}

if (import.meta.main) await main();
