import { SeededRandom } from "../../src/util/random.ts";
import { contextOf, createSchema, runClients } from "../cluster/clients.ts";
import { poll, type TestCluster } from "../cluster/harness.ts";
import { Recorder } from "../cluster/recorder.ts";
import { WORKLOADS } from "../cluster/workloads/all.ts";
import type { Workload } from "../cluster/workloads/workload.ts";

/** Options of {@linkcode HonestLoad.start}. */
export interface HonestOptions {
  readonly cluster: TestCluster;
  /** Names of what honest clients do. */
  readonly workloads: readonly string[];
  readonly seed: number;
}

/** How long operations took that ended well. */
export interface Times {
  readonly ok: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What became of all operations of honest clients. */
export interface HonestReport extends Times {
  readonly unknown: number;
  /** Operations that took no effect, by their reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Of each workload. */
const CLIENTS = 2;
const PAUSE_MS = 30;
/** When the ill-meaning ones have gone, every member must be ready so soon, ms. */
const HEAL_MS = 30_000;

/** Clients that mean well, and the history of what they did and heard. */
export class HonestLoad {
  readonly #cluster: TestCluster;
  readonly #seed: number;
  readonly #workloads: readonly Workload[];
  readonly #recorders: readonly Recorder[];
  readonly #ended = new AbortController();
  readonly #clients: readonly Promise<void>[];
  /** Operations of each recorder that {@linkcode takeTimes} has told. */
  readonly #told: number[];

  private constructor(options: HonestOptions, workloads: readonly Workload[]) {
    this.#cluster = options.cluster;
    this.#seed = options.seed;
    this.#workloads = workloads;
    this.#recorders = workloads.map(() => new Recorder());
    this.#told = workloads.map(() => 0);
    this.#clients = workloads.map((workload, i) =>
      runClients({
        ...{ cluster: options.cluster, workload, clients: CLIENTS },
        ...{ recorder: this.#recorders[i]!, pauseMs: PAUSE_MS },
        ...{ seed: options.seed + i, signal: this.#ended.signal },
      })
    );
  }

  /** Makes the tables, and lets clients begin. */
  static async start(options: HonestOptions): Promise<HonestLoad> {
    const workloads = options.workloads.map((name) => WORKLOADS[name]!());
    for (const workload of workloads) {
      await createSchema(options.cluster, workload);
    }
    return new HonestLoad(options, workloads);
  }

  /** Operations that ended well so far. */
  get done(): number {
    return this.#recorders.reduce((sum, { tally }) => sum + tally.ok, 0);
  }

  /** How long they took that ended since the last call. */
  takeTimes(): Times {
    return timesOf(this.#recorders.flatMap(({ latenciesMs }, i) => {
      const times = latenciesMs.slice(this.#told[i]);
      this.#told[i] = latenciesMs.length;
      return times;
    }));
  }

  /** Lets every client finish what it has begun. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await Promise.all(this.#clients);
  }

  /** All members come back, serve, and hold the same; answers what is not so. */
  async findProblems(): Promise<string[]> {
    const problems: string[] = [];
    const cluster = this.#cluster;
    try {
      await cluster.waitReady(cluster.nodes, HEAL_MS);
      for (const node of cluster.nodes) {
        await cluster.write(node, "CREATE TABLE IF NOT EXISTS healed (node)");
      }
      await this.#readLast();
      await cluster.assertEqualContents();
    } catch (error) {
      problems.push((error as Error).message);
    }
    for (const { problems: found } of this.#recorders) {
      problems.push(...found.slice(0, 3));
    }
    return problems;
  }

  /** What the checkers of the histories say. */
  violations(): string[] {
    return this.#workloads.flatMap((workload, i) =>
      workload.check(this.#recorders[i]!.events).map(({ anomaly, message }) =>
        `${workload.name}: ${anomaly}: ${message}`
      )
    );
  }

  /** All operations together. */
  report(): HonestReport {
    const failures = this.#recorders.flatMap(({ events }) => events)
      .filter(({ type }) => type === "fail");
    return {
      ...timesOf(this.#recorders.flatMap(({ latenciesMs }) => latenciesMs)),
      unknown: this.#recorders.reduce((sum, { tally }) => sum + tally.info, 0),
      refused: counts(
        failures.map(({ error = "" }) => error.split(":")[0]!.slice(0, 40)),
      ),
    };
  }

  async #readLast(): Promise<void> {
    for (const [i, workload] of this.#workloads.entries()) {
      const recorder = this.#recorders[i]!;
      const random = new SeededRandom(this.#seed);
      await poll(`the last read of ${workload.name}`, HEAL_MS, async () => {
        const process = recorder.newProcess();
        const context = contextOf(this.#cluster, recorder, random, process);
        const ending = await workload.finish?.(context);
        return ending === undefined || ending.type === "ok";
      });
    }
  }
}

/** How often each name is there. */
export function counts(names: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const name of names) result[name] = (result[name] ?? 0) + 1;
  return result;
}

function timesOf(latenciesMs: readonly number[]): Times {
  const times = latenciesMs.toSorted((a, b) => a - b);
  const quantile = (part: number): number =>
    Math.round(10 * (times[Math.floor(part * (times.length - 1))] ?? 0)) / 10;
  return { ok: times.length, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}
