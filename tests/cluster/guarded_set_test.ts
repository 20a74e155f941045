import assert from "node:assert/strict";
import { SeededRandom } from "../../src/util/random.ts";
import { checkSet } from "../checker/set.ts";
import { contextOf, createSchema, runClients } from "./clients.ts";
import { SECRET_API, TestCluster } from "./harness.ts";
import { LockClients } from "./lock_clients.ts";
import { Recorder } from "./recorder.ts";
import { ADD, guardedSetWorkload, TTL_MS } from "./workloads/guarded_set.ts";

/** Operations of each history. */
const OPERATIONS = 16;

/** What the checker sees in a set whose holders often stand still for longer than their lease. */
async function anomaliesOf(
  cluster: TestCluster,
  fenced: boolean,
): Promise<{ anomalies: string[]; recorder: Recorder }> {
  const workload = guardedSetWorkload({ fenced, stalls: 2 });
  await createSchema(cluster, workload);
  const recorder = new Recorder();
  const ended = new AbortController();
  await runClients({
    cluster,
    workload: {
      ...workload,
      operate: (context) => {
        const { ok, fail, info } = recorder.tally;
        if (ok + fail + info >= OPERATIONS) ended.abort();
        return workload.operate(context);
      },
    },
    recorder,
    clients: 4,
    seed: 13,
    pauseMs: 0,
    signal: ended.signal,
  });
  const process = recorder.newProcess();
  const context = contextOf(cluster, recorder, new SeededRandom(1), process);
  const last = await workload.finish!(context);
  assert.equal(last.type, "ok");
  const violations = workload.check(recorder.events);
  const anomalies = violations.map(({ anomaly }) => anomaly);
  return { anomalies: [...new Set(anomalies)], recorder };
}

Deno.test("a set under a lock keeps every element if writes are fenced, though holders stand still; else not", async () => {
  await using cluster = await TestCluster.start();
  const { anomalies, recorder } = await anomaliesOf(cluster, true);
  assert.deepEqual(anomalies, []);
  assert.deepEqual(recorder.problems, []);
  const refused = recorder.events.filter(({ error }) =>
    error?.startsWith("fenced:")
  );
  assert.ok(refused.length > 0, "nobody lost its lock");
  const emptied = await cluster.api(1).execute(
    { sql: "DELETE FROM guarded_sets" },
    { timeoutMs: 10_000 },
  );
  assert.equal(emptied.type, "ok");
  const unfenced = await anomaliesOf(cluster, false);
  assert.deepEqual(unfenced.anomalies, ["lost"]);
});

/** A process that holds a lock, and waits between its look and its write. */
class StoppedHolder implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(cluster: TestCluster, name: string, fenced: boolean) {
    const file = new URL("stopped_holder.ts", import.meta.url).pathname;
    const url = cluster.network.apiUrl(1);
    this.#process = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--no-check", "--no-prompt", "--allow-net"],
        ...["--allow-env", file, url, SECRET_API, name, "1", `${fenced}`],
      ],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#lines = linesOf(this.#process.stdout);
  }

  /** The next line that it writes. */
  async said(): Promise<string | undefined> {
    return (await this.#lines.next()).value;
  }

  /** SIGSTOP: nothing of it runs, not even its timers. */
  stop(): void {
    this.#process.kill("SIGSTOP");
  }

  /** SIGCONT, and on it goes as if nothing had been. */
  async goOn(): Promise<void> {
    this.#process.kill("SIGCONT");
    const writer = this.#process.stdin.getWriter();
    await writer.write(new TextEncoder().encode("\n"));
    await writer.close();
  }

  /** Until it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended by itself.
      if (!(error instanceof TypeError)) throw error;
    }
    await this.#lines.return!();
    await this.#process.status;
  }
}

async function* linesOf(
  stream: ReadableStream<Uint8Array>,
): AsyncGenerator<string, undefined> {
  let text = "";
  for await (const part of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (text + part).split("\n");
    text = lines.pop()!;
    yield* lines;
  }
}

Deno.test("a holder that was stopped by SIGSTOP for longer than its lease writes nothing, and unfenced overwrites what came", async (t) => {
  await using cluster = await TestCluster.start();
  await createSchema(cluster, guardedSetWorkload());
  for (const fenced of [true, false]) {
    await t.step(
      fenced ? "fenced" : "unfenced",
      () => stopped(cluster, fenced),
    );
  }
});

async function stopped(cluster: TestCluster, fenced: boolean): Promise<void> {
  const name = fenced ? "fenced" : "unfenced";
  await using clients = new LockClients(cluster);
  const recorder = new Recorder();
  await using holder = new StoppedHolder(cluster, name, fenced);
  await recorder.record(
    recorder.newProcess(),
    { f: "add", value: 1 },
    async () => {
      assert.equal(await holder.said(), "read");
      holder.stop();
      const other = clients.of(2);
      await recorder.record(
        recorder.newProcess(),
        { f: "add", value: 2 },
        async () => {
          const lock = await other.lock(name, {
            ttlMs: TTL_MS * 20,
            waitMs: 20_000,
          });
          await other.execute(ADD, [name, "[2]"], { fence: lock });
          await lock.release();
          return { type: "ok", value: null };
        },
      );
      await holder.goOn();
      const said = await holder.said();
      assert.equal(said, fenced ? "fenced" : "written");
      return fenced
        ? { type: "fail", error: "fenced" }
        : { type: "ok", value: null };
    },
  );
  await recorder.record(
    recorder.newProcess(),
    { f: "read", value: null },
    async () => {
      const [row] = await clients.of(3).query<{ elements: string }>(
        "SELECT elements FROM guarded_sets WHERE name = ?",
        [name],
        { consistency: "linearizable" },
      );
      return { type: "ok", value: JSON.parse(row!.elements) };
    },
  );
  assert.deepEqual(recorder.problems, []);
  const anomalies = checkSet(recorder.events).map(({ anomaly }) => anomaly);
  assert.deepEqual(anomalies, fenced ? [] : ["lost"]);
}
