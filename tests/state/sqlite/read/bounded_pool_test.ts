import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import {
  BoundedPool,
  type Job,
} from "../../../../src/state/sqlite/read/bounded_pool.ts";
import { WriterLostError } from "../../../../src/state/port.ts";

const ANSWER = { columns: [], rows: [] };

/** Two readers, one of them for long queries, and everything that they are told. */
class Owner {
  readonly running = new Map<string, Job<string, string>>();
  readonly begun: string[] = [];
  readonly #stopped: string[] = [];
  readonly #stops: ((reader: string) => void)[] = [];
  readonly pool: BoundedPool<string, string>;

  constructor() {
    this.pool = new BoundedPool<string, string>({
      queueMax: 2,
      awaited: "a reader",
      shares: { readers: 2, longMax: 1, sliceMs: 1 },
      run: (reader, job) => {
        this.running.set(reader, job);
        this.begun.push(`${job.work} on ${reader}`);
      },
      late: () => new HiqliteError("timeout", "late"),
      stop: (reader) => {
        this.#stopped.push(reader);
        this.#stops.shift()?.(reader);
      },
    });
    this.pool.free("one");
    this.pool.free("two");
  }

  /** The next reader that must stop. */
  async stop(): Promise<string> {
    if (this.#stopped.length === 0) {
      await new Promise<string>((resolve) => this.#stops.push(resolve));
    }
    return this.#stopped.shift()!;
  }

  /** What runs there ends, well or with an error; whether it will be run again. */
  end(reader: string, error: Error | null): boolean {
    const job = this.running.get(reader)!;
    this.running.delete(reader);
    const again = this.pool.ended(job, error);
    if (!again && error === null) job.resolve(ANSWER);
    else if (!again) job.reject(error);
    this.pool.free(reader);
    return again;
  }

  ask(work: string) {
    return this.pool.query(work, { timeoutMs: null, text: work });
  }
}

Deno.test("a query whose reader is taken from it begins again, and its caller hears nothing of that", async () => {
  const owner = new Owner();
  const all = ["a", "b", "c"].map((work) => owner.ask(work));
  assert.deepEqual(owner.begun, ["a on two", "b on one"]);
  assert.equal(await owner.stop(), "one");
  assert.equal(owner.end("one", new WriterLostError("stopped")), true);
  assert.deepEqual(owner.begun.slice(2), ["c on one"]);
  owner.end("one", null);
  assert.equal(owner.running.size, 1, "one reader is for short queries");
  owner.end("two", null);
  assert.equal(owner.begun.length, 4);
  const [reader] = [...owner.running.keys()];
  assert.equal(owner.running.get(reader!)?.work, "b");
  assert.equal(owner.end(reader!, null), false);
  assert.deepEqual(await Promise.all(all), [ANSWER, ANSWER, ANSWER]);
  owner.pool.close();
});

Deno.test("a query that was answered while its reader was taken from it has its answer", async () => {
  const owner = new Owner();
  const all = ["a", "b", "c"].map((work) => owner.ask(work));
  const reader = await owner.stop();
  assert.equal(owner.end(reader, null), false);
  assert.deepEqual(await all[1], ANSWER);
  for (const each of [...owner.running.keys()]) owner.end(each, null);
  await Promise.all(all);
  owner.pool.close();
});

Deno.test("a query that failed by itself is not run again", async () => {
  const owner = new Owner();
  const failed = assert.rejects(owner.ask("a"), /lost/);
  assert.equal(owner.end("two", new WriterLostError("lost")), false);
  await failed;
  owner.pool.close();
});

Deno.test("what waits, or would be run again, is refused once the pool is closed", async () => {
  const owner = new Owner();
  const all = ["a", "b", "c"].map((work) => owner.ask(work));
  const refused = all.slice(1).map((each) => assert.rejects(each));
  const reader = await owner.stop();
  owner.pool.close();
  assert.equal(owner.end(reader, new WriterLostError("stopped")), false);
  for (const each of [...owner.running.keys()]) owner.end(each, null);
  await Promise.all([all[0], ...refused]);
});
