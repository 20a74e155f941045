import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import { type Pack, Packer } from "../../../src/node/services/packer.ts";
import { NO_RESULT } from "../../../src/state/kv/answer.ts";
import type { KvAnswer, KvUnit } from "../../../src/state/kv/types.ts";

/** A packer whose turns and answers a test decides. */
class Bench {
  readonly sent: {
    readonly pack: Pack;
    answer(): void;
    fail(error: Error): void;
  }[] = [];
  nowMs = 0;
  readonly packer: Packer;
  #turn: (() => void)[] = [];

  constructor() {
    this.packer = new Packer({
      clock: { monotonic: () => this.nowMs, wall: () => 0 },
      defer: (callback) => this.#turn.push(callback),
      propose: (pack) => {
        const { promise, resolve, reject } = Promise.withResolvers<
          { index: number; answers: KvAnswer[] }
        >();
        const index = this.sent.length + 1;
        this.sent.push({
          pack,
          answer: () => resolve({ index, answers: pack.units.map(answerTo) }),
          fail: reject,
        });
        return promise;
      },
    });
  }

  /** Writes a unit; what becomes of it, as text. */
  write(
    name: string,
    { bytes = 1, epoch = 1, deadline = 1_000, traceparent = "" } = {},
  ) {
    return new Promise<string>((resolve) =>
      this.packer.write(unit(name, bytes), epoch, deadline, {
        ...(traceparent === "" ? {} : { traceparent }),
        done: (index, answer) => resolve(`${index} ${versionIn(answer)}`),
        failed: (error) => resolve((error as HiqliteError).code),
      })
    );
  }

  /** Ends the turn. */
  async turn(): Promise<void> {
    const turn = this.#turn;
    this.#turn = [];
    for (const callback of turn) callback();
    await new Promise((resolve) => setTimeout(resolve));
  }

  /** The names of the units of each entry. */
  get entries(): string[] {
    return this.sent.map(({ pack }) =>
      pack.units.map(({ operations: [put] }) => (put as { key: string }).key)
        .join(" ")
    );
  }
}

function unit(key: string, bytes: number): KvUnit {
  const value = { kind: "bytes", bytes: new Uint8Array(bytes) } as const;
  return { checks: [], operations: [{ kind: "put", cache: "c", key, value }] };
}

/** A version that tells which unit it answers. */
function answerTo({ operations: [put] }: KvUnit): KvAnswer {
  const { key } = put as { key: string };
  return {
    kind: "done",
    results: [{ ...NO_RESULT, version: key.charCodeAt(0) }],
  };
}

function versionIn(answer: KvAnswer): string {
  assert(answer.kind === "done");
  return String.fromCharCode(answer.results[0]!.version);
}

Deno.test("an entry is in the first trace that one of its units is in", async () => {
  const bench = new Bench();
  void bench.write("a");
  void bench.write("b", { traceparent: "first" });
  void bench.write("c", { traceparent: "second" });
  await bench.turn();
  void bench.write("d");
  bench.sent[0]!.answer();
  await bench.turn();
  await bench.turn();
  assert.deepEqual(bench.entries, ["a b c", "d"]);
  const traces = bench.sent.map(({ pack }) => pack.traceparent);
  assert.deepEqual(traces, ["first", undefined]);
});

Deno.test("units of one turn become one entry, and each gets its own answer", async () => {
  const bench = new Bench();
  const done = ["a", "b", "c"].map((name) => bench.write(name));
  assert.deepEqual(bench.entries, []);
  await bench.turn();
  assert.deepEqual(bench.entries, ["a b c"]);
  bench.sent[0]!.answer();
  assert.deepEqual(await Promise.all(done), ["1 a", "1 b", "1 c"]);
});

Deno.test("as long as units are gathered it is as late as it was when that began", async () => {
  const bench = new Bench();
  bench.nowMs = 3;
  assert.equal(bench.packer.nowMs, 3);
  const first = bench.write("a");
  bench.nowMs = 7;
  assert.equal(bench.packer.nowMs, 3);
  await bench.turn();
  assert.equal(bench.packer.nowMs, 7);
  const second = bench.write("b");
  bench.nowMs = 9;
  assert.equal(bench.packer.nowMs, 9);
  bench.sent[0]!.answer();
  await first;
  await bench.turn();
  bench.sent[1]!.answer();
  await second;
});

Deno.test("what comes while an entry is on its way becomes the next one, in order", async () => {
  const bench = new Bench();
  const first = bench.write("a");
  await bench.turn();
  const later = [bench.write("b")];
  await bench.turn();
  later.push(bench.write("c"));
  await bench.turn();
  assert.deepEqual(bench.entries, ["a"]);
  assert.equal(bench.packer.outstanding, 3);
  bench.sent[0]!.answer();
  assert.equal(await first, "1 a");
  await bench.turn();
  assert.deepEqual(bench.entries, ["a", "b c"]);
  bench.sent[1]!.answer();
  assert.deepEqual(await Promise.all(later), ["2 b", "2 c"]);
  assert.equal(bench.packer.outstanding, 0);
});

Deno.test("an entry has 512 units at most", async () => {
  const bench = new Bench();
  const done = Array.from({ length: 600 }, () => bench.write("a"));
  await bench.turn();
  bench.sent[0]!.answer();
  await bench.turn();
  await bench.turn();
  bench.sent[1]!.answer();
  await Promise.all(done);
  assert.deepEqual(bench.sent.map(({ pack }) => pack.units.length), [512, 88]);
});

Deno.test("an entry has 256 KiB at most, or one unit that has more", async () => {
  const bench = new Bench();
  const done = [100_000, 100_000, 100_000, 1_000_000, 1].map((bytes, at) =>
    bench.write("abcde"[at]!, { bytes })
  );
  for (let i = 0; i < 4; i++) {
    await bench.turn();
    bench.sent[i]!.answer();
    await new Promise((resolve) => setTimeout(resolve));
  }
  await Promise.all(done);
  assert.deepEqual(bench.entries, ["a b", "c", "d", "e"]);
});

Deno.test("units for two lives of the caches share no entry", async () => {
  const bench = new Bench();
  const done = [1, 1, 2].map((epoch, at) => bench.write("abc"[at]!, { epoch }));
  for (let i = 0; i < 2; i++) {
    await bench.turn();
    bench.sent[i]!.answer();
    await new Promise((resolve) => setTimeout(resolve));
  }
  await Promise.all(done);
  assert.deepEqual(bench.entries, ["a b", "c"]);
  assert.deepEqual(bench.sent.map(({ pack }) => pack.epoch), [1, 2]);
});

Deno.test("an entry that fails fails its units, and the next ones go on", async () => {
  const bench = new Bench();
  const first = bench.write("a");
  await bench.turn();
  const second = bench.write("b");
  bench.sent[0]!.fail(new HiqliteError("no_leader", "none"));
  assert.equal(await first, "no_leader");
  await bench.turn();
  bench.sent[1]!.answer();
  assert.equal(await second, "2 b");
});

Deno.test("a unit that waited too long was not applied, one on its way has an unknown fate", async () => {
  const bench = new Bench();
  const sent = bench.write("a", { deadline: 10 });
  await bench.turn();
  const waiting = bench.write("b", { deadline: 10 });
  const patient = bench.write("c", { deadline: 1_000 });
  bench.nowMs = 10;
  bench.packer.tick();
  assert.equal(await sent, "outcome_unknown");
  assert.equal(await waiting, "no_leader");
  bench.sent[0]!.answer();
  await new Promise((resolve) => setTimeout(resolve));
  await bench.turn();
  assert.deepEqual(bench.entries, ["a", "c"]);
  assert.equal(bench.sent[1]!.pack.timeoutMs, 990);
  bench.sent[1]!.answer();
  assert.equal(await patient, "2 c");
});

Deno.test("more than 64 MiB do not wait", async () => {
  const bench = new Bench();
  const done = Array.from(
    { length: 64 },
    () => bench.write("a", { bytes: 1024 * 1024 }),
  );
  assert.equal(await bench.write("b"), "overloaded");
  bench.nowMs = 1_000;
  bench.packer.tick();
  assert.deepEqual(new Set(await Promise.all(done)), new Set(["no_leader"]));
  const next = bench.write("c", { deadline: 2_000 });
  await bench.turn();
  bench.sent[0]!.answer();
  assert.equal(await next, "1 c");
});
