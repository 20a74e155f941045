import assert from "node:assert/strict";
import type { RaftGroup } from "../../../src/group/group.ts";
import { DueClock } from "../../../src/node/upkeep/due_clock.ts";

/** A leader's clock and machine, with time that a test moves. */
class Bench {
  nowMs = 0;
  role = "leader";
  /** When something is due, by the cluster clock, which is this bench's own time. */
  due: number[] = [];
  /** How much an entry clears. */
  cleared = 1;
  applied = 1;
  /** When entries were proposed. */
  readonly told: number[] = [];
  readonly clock: DueClock;
  #timer: { readonly at: number; run(): void } | null = null;
  #clockMs = 0;

  constructor() {
    const machine = {
      applied: { term: 1, index: 0 },
      clockMs: 0,
      nextDueMs: 0,
    };
    Object.defineProperties(machine, {
      applied: { get: () => ({ term: 1, index: this.applied }) },
      clockMs: { get: () => this.#clockMs },
      nextDueMs: { get: () => this.due[0] ?? Infinity },
    });
    const group = { core: { role: "" }, machine, clockMs: 0 };
    Object.defineProperty(group.core, "role", { get: () => this.role });
    Object.defineProperty(group, "clockMs", { get: () => this.nowMs });
    this.clock = new DueClock({
      clock: { monotonic: () => this.nowMs, wall: () => 0 },
      timers: {
        after: (ms, run) => {
          const timer = { at: this.nowMs + ms, run };
          this.#timer = timer;
          return () => {
            if (this.#timer === timer) this.#timer = null;
          };
        },
      },
      group: () => group as unknown as RaftGroup,
      state: () => machine,
      tellTime: () => {
        this.told.push(this.nowMs);
        this.apply();
        return Promise.resolve();
      },
    });
  }

  /** An entry is applied. */
  apply(): void {
    this.applied++;
    this.#clockMs = this.nowMs;
    const due = this.due.filter((ms) => ms <= this.nowMs).length;
    this.due.splice(0, Math.min(due, this.cleared));
  }

  /** Time passes; the member ticks every 250 ms. */
  async pass(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    while (this.nowMs < end) {
      this.nowMs++;
      const timer = this.#timer;
      if (timer !== null && timer.at <= this.nowMs) {
        this.#timer = null;
        timer.run();
        for (let i = 0; i < 10; i++) await Promise.resolve();
      }
      if (this.nowMs % 250 === 0) {
        this.clock.tick();
        for (let i = 0; i < 10; i++) await Promise.resolve();
      }
    }
  }
}

Deno.test("without deadlines a leader proposes nothing", async () => {
  const bench = new Bench();
  await bench.pass(200_000);
  assert.deepEqual(bench.told, []);
});

Deno.test("what is due goes at its time with an entry of its own", async () => {
  const bench = new Bench();
  bench.due = [900, 1_500];
  await bench.pass(3_000);
  assert.deepEqual(bench.told, [900, 1_500]);
});

Deno.test("as long as others write, no entry is needed; 100 ms after the last one it is", async () => {
  const bench = new Bench();
  bench.cleared = 0;
  bench.due = [300];
  await bench.pass(250);
  for (let i = 0; i < 20; i++) {
    bench.apply();
    bench.clock.tick();
    await bench.pass(50);
  }
  assert.deepEqual(bench.told, []);
  bench.cleared = 1;
  await bench.pass(1_000);
  assert.equal(bench.told.length, 1);
  assert.ok(bench.told[0]! >= 1_300 && bench.told[0]! <= 1_550);
});

Deno.test("while more is due than an entry clears, there are 100 entries a second", async () => {
  const bench = new Bench();
  bench.due = Array.from({ length: 50 }, () => 300);
  await bench.pass(350);
  await bench.pass(100);
  assert.ok(
    bench.told.length >= 9 && bench.told.length <= 11,
    `${bench.told}`,
  );
  await bench.pass(2_000);
  assert.equal(bench.told.length, 50);
});

Deno.test("while there are deadlines, an entry a minute keeps the time", async () => {
  const bench = new Bench();
  bench.due = [200_000];
  await bench.pass(190_000);
  assert.equal(bench.told.length, 3);
  bench.due = [];
  await bench.pass(200_000);
  assert.equal(bench.told.length, 3);
});

Deno.test("who does not lead, or has stopped, proposes nothing", async () => {
  const bench = new Bench();
  bench.due = [300];
  bench.role = "follower";
  await bench.pass(1_000);
  assert.deepEqual(bench.told, []);
  bench.role = "leader";
  await bench.pass(300);
  assert.equal(bench.told.length, 1);
  bench.due = [2_000];
  await bench.pass(250);
  bench.clock.stop();
  await bench.pass(2_000);
  assert.equal(bench.told.length, 1);
});
