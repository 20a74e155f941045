import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import type { MemberApi } from "./api.ts";
import type { Node } from "./network.ts";
import type { Recorder } from "./recorder.ts";
import type { ClientContext, Workload } from "./workloads/workload.ts";

/** The members that clients talk to. */
export interface ApiTargets {
  readonly nodes: readonly Node[];
  api(node: Node): MemberApi;
}

/** Options of {@linkcode runClients}. */
export interface ClientOptions {
  readonly cluster: ApiTargets;
  readonly workload: Workload;
  readonly recorder: Recorder;
  readonly clients: number;
  readonly seed: number;
  /** Mean pause of a client between two operations, ms. */
  readonly pauseMs: number;
  /** Ends them: each finishes what it has begun. */
  readonly signal: AbortSignal;
}

/** Makes the workload's tables. @throws {Error} if the cluster does not take them. */
export async function createSchema(
  cluster: ApiTargets,
  workload: Workload,
): Promise<void> {
  for (const sql of workload.schema) {
    const result = await cluster.api(1).execute({ sql }, { timeoutMs: 15_000 });
    if (result.type !== "ok") throw new Error(`${sql}: ${result.error}`);
  }
}

/** Runs clients until they are told to stop. */
export async function runClients(options: ClientOptions): Promise<void> {
  const { clients, seed } = options;
  await Promise.all(
    Array.from(
      { length: clients },
      (_, i) => runClient(options, new SeededRandom(seed * 1000 + i)),
    ),
  );
}

async function runClient(
  options: ClientOptions,
  random: SeededRandom,
): Promise<void> {
  const { cluster, workload, recorder, pauseMs, signal } = options;
  let process = recorder.newProcess();
  while (!signal.aborted) {
    const context = contextOf(cluster, recorder, random, process);
    const ending = await workload.operate(context);
    if (ending.type === "info") process = recorder.newProcess();
    // A member that is down refuses at once: do not spin.
    const pause = randomBetween(random, 0, 2 * pauseMs) +
      (ending.type === "fail" ? 20 : 0);
    await sleep(pause, undefined, { signal }).catch(() => {});
  }
}

/** What an operation needs, with a member drawn at random. */
export function contextOf(
  cluster: ApiTargets,
  recorder: Recorder,
  random: SeededRandom,
  process: number,
): ClientContext {
  const draw = (): { node: Node; api: MemberApi } => {
    const node = cluster.nodes[randomBetween(random, 0, cluster.nodes.length)]!;
    return { node, api: cluster.api(node) };
  };
  return { ...draw(), other: draw, random, recorder, process };
}
