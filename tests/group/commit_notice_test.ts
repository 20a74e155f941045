import assert from "node:assert/strict";
import { CommitNotice } from "../../src/group/commit_notice.ts";

/** A notice whose turns a test decides; `steps` is what the core was told, oldest first. */
class Bench {
  readonly steps: boolean[] = [];
  follows: boolean | null = null;
  outstanding = 0;
  #turns: (() => void)[] = [];
  readonly notice = new CommitNotice({
    step: (input) => {
      assert(input.kind === "holdCommits");
      this.steps.push(input.held);
    },
    intake: this,
    afterTurns: (callback) => void this.#turns.push(callback),
  });

  turn(): void {
    const turns = this.#turns;
    this.#turns = [];
    for (const callback of turns) callback();
  }
}

Deno.test("a commit is not told before the turns after its answer", () => {
  const bench = new Bench();
  bench.notice.appended();
  bench.notice.applied();
  bench.notice.applied();
  assert.deepEqual(bench.steps, [true]);
});

Deno.test("it is told once, after the turns, and held again with the next entries", () => {
  const bench = new Bench();
  bench.notice.appended();
  bench.notice.applied();
  bench.turn();
  bench.turn();
  assert.deepEqual(bench.steps, [true, false]);
  bench.notice.appended();
  assert.deepEqual(bench.steps, [true, false, true]);
});

Deno.test("entries on their way carry it: nothing is told until they are applied, too", () => {
  const bench = new Bench();
  bench.notice.appended();
  bench.notice.applied();
  bench.outstanding = 1;
  bench.turn();
  assert.deepEqual(bench.steps, [true]);
  bench.outstanding = 0;
  bench.notice.applied();
  bench.turn();
  assert.deepEqual(bench.steps, [true, false]);
});

Deno.test("whoever waits elsewhere is told at once", () => {
  const bench = new Bench();
  bench.notice.appended();
  bench.outstanding = 1;
  bench.notice.tell();
  assert.deepEqual(bench.steps, [true, false]);
});

Deno.test("where commands run first, a commit is told before its answers if no entries follow", () => {
  const bench = new Bench();
  bench.follows = true;
  bench.notice.appended();
  bench.notice.look();
  bench.notice.applied();
  bench.turn();
  assert.deepEqual(bench.steps, [true]);
  bench.follows = false;
  bench.notice.look();
  assert.deepEqual(bench.steps, [true, false]);
});

Deno.test("where turns are not known, commits are never held", () => {
  const steps: unknown[] = [];
  const notice = new CommitNotice({
    step: (input) => void steps.push(input),
    intake: { follows: null, outstanding: 1 },
    afterTurns: undefined,
  });
  notice.appended();
  notice.applied();
  assert.deepEqual(steps, []);
});
