import assert from "node:assert/strict";
import { LogError } from "../../../src/log/port.ts";
import { MemoryLog } from "../../../src/log/memory_log.ts";
import { Scrubbing } from "../../../src/node/upkeep/scrubbing.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import { StateDamagedError } from "../../../src/state/port.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { SeededRandom } from "../../../src/util/random.ts";

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;

/** A log of a given size that only counts how it is read, and a database that only counts looks. */
class Subject {
  now = 0;
  sliced = 0;
  looks: boolean[] = [];
  failures: Error[] = [];
  damage: Error | null = null;
  readonly scrubbing: Scrubbing;

  constructor(bytes: number, logError: LogError | null = null) {
    const log = Object.defineProperties(new MemoryLog(), {
      bytes: { value: bytes },
      scrub: {
        value: (
          budget: number,
          done: (error: LogError | null, finished: boolean) => void,
        ) => {
          this.sliced += budget;
          done(logError, false);
        },
      },
    });
    const machine = {
      check: (hurry: boolean) => {
        this.looks.push(hurry);
        return this.damage === null
          ? Promise.resolve()
          : Promise.reject(this.damage);
      },
    } as unknown as SqlMachine;
    this.scrubbing = new Scrubbing({
      clock: { monotonic: () => this.now, wall: () => 0 },
      random: new SeededRandom(1),
      logger: silentLogger,
      storage: () => ({ log, machine }),
      failed: (error) => this.failures.push(error),
    });
  }

  /** Ticks every quarter second. */
  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += 250) {
      this.scrubbing.tick();
    }
  }
}

for (const mib of [8, 64, 1024]) {
  Deno.test(`tick() reads a log of ${mib} MiB in about an hour`, () => {
    const subject = new Subject(mib * MIB);
    subject.pass(70 * MINUTE_MS);
    assert.ok(subject.sliced >= mib * MIB, `${subject.sliced} bytes`);
    subject.sliced = 0;
    subject.pass(60 * MINUTE_MS);
    const most = Math.max(60 * 256 * 1024, 1.1 * mib * MIB);
    assert.ok(subject.sliced <= most, `${subject.sliced} bytes`);
  });
}

Deno.test("tick() ends the member when the log is damaged", () => {
  const error = new LogError("corrupt", "segment-000001 is damaged");
  const subject = new Subject(MIB, error);
  subject.pass(2 * MINUTE_MS);
  assert.equal(subject.failures[0], error);
});

Deno.test("tick() looks at the database within the first hour, and once a day", () => {
  const subject = new Subject(MIB);
  subject.pass(60 * MINUTE_MS);
  assert.deepEqual(subject.looks, [false]);
});

Deno.test("explain() of a query that met damage looks at the database, and tells the asker to ask another", async () => {
  const subject = new Subject(MIB);
  subject.damage = new StateDamagedError("page 7");
  const told = subject.scrubbing.explain(new StateDamagedError("page 7"));
  assert.equal((told as { code: string }).code, "storage");
  assert.match((told as Error).message, /page 7: ask another member/);
  assert.deepEqual(subject.looks, [true]);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual(subject.failures, [subject.damage]);
});

Deno.test("explain() does not end a member whose database is well, and does not look again for every query", async () => {
  const subject = new Subject(MIB);
  for (let i = 0; i < 5; i++) {
    subject.scrubbing.explain(new StateDamagedError("so it seems"));
    await Promise.resolve();
    await Promise.resolve();
  }
  assert.deepEqual(subject.looks, [true]);
  assert.deepEqual(subject.failures, []);
});

Deno.test("explain() passes other errors on", () => {
  const subject = new Subject(MIB);
  const error = new Error("something else");
  assert.equal(subject.scrubbing.explain(error), error);
  assert.deepEqual(subject.looks, []);
});
