import assert from "node:assert/strict";
import { StaggeredAppends } from "../../src/group/staggered_appends.ts";
import type { AppendEntries } from "../../src/raft/messages.ts";
import { type Configuration, NO_CONFIGURATION } from "../../src/raft/types.ts";

const THREE: Configuration = {
  ...NO_CONFIGURATION,
  voters: ["1.a", "2.b", "3.c"],
};

/** A leader, 1.a, whose time a test decides; `sent` says to whom which entries went. */
class Bench {
  readonly sent: string[] = [];
  /** Of each entry. */
  bytes = 100;
  readonly core = {
    config: THREE,
    commit: 0,
    term: 1,
    transferring: false,
    bytesBetween: (after: number, last: number) => (last - after) * this.bytes,
  };
  #timer: (() => void) | null = null;
  readonly appends = new StaggeredAppends({
    core: this.core,
    self: "1.a",
    send: ({ to, prev, last, commit }) =>
      this.sent.push(`${to} ${prev.index}-${last} ${commit}`),
    linger: (callback) => {
      this.#timer = callback;
      return () => void (this.#timer = null);
    },
  });

  /** Entries after `after`, for everybody or for some. */
  push(after: number, last: number, to = ["2.b", "3.c"]): void {
    for (const each of to) this.appends.push(append(each, after, last, this));
  }

  /** The few ms are over. */
  over(): void {
    const timer = this.#timer;
    this.#timer = null;
    timer?.();
  }

  get waits(): boolean {
    return this.#timer !== null;
  }

  /** What was sent since the last time. */
  take(): string[] {
    return this.sent.splice(0);
  }
}

function append(
  to: string,
  after: number,
  last: number,
  { core }: Bench,
): AppendEntries {
  const { term, commit } = core;
  const prev = { term, index: after };
  const entries: AppendEntries["entries"] = [];
  const type = "appendEntries";
  return { type, from: "1.a", to, term, prev, last, commit, entries };
}

Deno.test("who makes a commit with the leader is told at once, the other one later, in one message with the latest commit", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.core.commit = 1;
  bench.push(1, 3);
  bench.core.commit = 3;
  assert.deepEqual(bench.take(), ["2.b 0-1 0", "2.b 1-3 1"]);
  bench.over();
  assert.deepEqual(bench.take(), ["3.c 0-3 3"]);
  assert.equal(bench.waits, false);
});

Deno.test("of five, two are told at once", () => {
  const bench = new Bench();
  bench.core.config = {
    ...THREE,
    voters: ["1.a", "2.b", "3.c", "4.d", "5.e"],
    learners: ["6.f"],
  };
  bench.push(0, 1, ["2.b", "3.c", "4.d", "5.e"]);
  assert.deepEqual(bench.take(), ["2.b 0-1 0", "3.c 0-1 0"]);
  bench.over();
  assert.deepEqual(bench.take(), ["4.d 0-1 0", "5.e 0-1 0"]);
});

Deno.test("if who was told at once has not answered when the others are told, all are told at once for a while, and then another one comes first", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.over();
  assert.deepEqual(bench.take(), ["2.b 0-1 0", "3.c 0-1 0"]);
  for (let n = 1; n <= 64; n++) {
    bench.push(n, n + 1);
    assert.deepEqual(
      bench.take(),
      [`2.b ${n}-${n + 1} 0`, `3.c ${n}-${n + 1} 0`],
    );
  }
  bench.push(65, 66);
  assert.deepEqual(bench.take(), ["3.c 65-66 0"]);
  bench.core.commit = 66;
  bench.over();
  bench.push(66, 67);
  assert.deepEqual(bench.take(), ["2.b 65-66 66", "3.c 66-67 66"]);
});

Deno.test("who cannot be reached makes way, and what waits for the others leaves", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.take();
  bench.appends.unreachable("2.b");
  assert.deepEqual(bench.take(), ["3.c 0-1 0"]);
  bench.push(1, 2);
  assert.deepEqual(bench.take(), ["3.c 1-2 0"]);
});

Deno.test("whoever is waited for is told at once, and nobody twice", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.take();
  bench.appends.hurry("3.c");
  assert.deepEqual(bench.take(), ["3.c 0-1 0"]);
  bench.push(1, 2);
  bench.appends.hurryAll();
  bench.over();
  assert.deepEqual(bench.take(), ["2.b 1-2 0", "3.c 1-2 0"]);
});

Deno.test("questions do not wait, and entries never overtake what came before them", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.push(1, 1, ["3.c"]);
  assert.deepEqual(bench.take(), ["2.b 0-1 0", "3.c 0-1 0", "3.c 1-1 0"]);
  bench.push(1, 2);
  bench.push(0, 2, ["3.c"]);
  assert.deepEqual(bench.take(), ["2.b 1-2 0", "3.c 1-2 0"]);
  bench.over();
  assert.deepEqual(bench.take(), ["3.c 0-2 0"]);
});

Deno.test("not too many entries wait", () => {
  const bench = new Bench();
  bench.push(0, 63);
  assert.deepEqual(bench.take(), ["2.b 0-63 0"]);
  bench.push(63, 64);
  assert.deepEqual(bench.take(), ["2.b 63-64 0", "3.c 0-63 0"]);
  bench.push(64, 200);
  assert.deepEqual(
    bench.take(),
    ["2.b 64-200 0", "3.c 63-64 0", "3.c 64-200 0"],
  );
  assert.equal(bench.waits, true);
});

Deno.test("a message does not become large by waiting, and a large one does not wait", () => {
  const bench = new Bench();
  bench.bytes = 100 * 1024;
  bench.push(0, 1);
  bench.push(1, 2);
  assert.deepEqual(bench.take(), ["2.b 0-1 0", "2.b 1-2 0"]);
  bench.push(2, 3);
  assert.deepEqual(bench.take(), ["2.b 2-3 0", "3.c 0-2 0"]);
  bench.bytes = 1024 * 1024;
  bench.push(3, 4);
  assert.deepEqual(bench.take(), ["2.b 3-4 0", "3.c 2-3 0", "3.c 3-4 0"]);
});

Deno.test("what a former leader would have said is not sent", () => {
  const bench = new Bench();
  bench.push(0, 1);
  bench.take();
  bench.core.term = 2;
  bench.over();
  assert.deepEqual(bench.take(), []);
});

Deno.test("nobody waits while members change or leadership is handed over", () => {
  const bench = new Bench();
  bench.core.transferring = true;
  bench.push(0, 1);
  bench.core.transferring = false;
  bench.core.config = { ...THREE, votersOutgoing: ["1.a", "2.b"] };
  bench.push(1, 2);
  bench.core.config = { ...THREE, voters: ["2.b", "3.c"] };
  bench.push(2, 3);
  assert.deepEqual(
    bench.take(),
    [1, 2, 3].flatMap((n) => [`2.b ${n - 1}-${n} 0`, `3.c ${n - 1}-${n} 0`]),
  );
  assert.equal(bench.waits, false);
});
