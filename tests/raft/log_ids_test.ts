import assert from "node:assert/strict";
import fc from "fast-check";
import { LogIds } from "../../src/raft/log_ids.ts";
import type { LogId } from "../../src/raft/types.ts";
import { id } from "./make.ts";

type Action =
  | { kind: "append"; term: number; bytes: number }
  | { kind: "truncate"; by: number }
  | { kind: "purge"; by: number }
  | { kind: "reset"; by: number };

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("append" as const),
      term: fc.nat({ max: 2 }),
      bytes: fc.nat({ max: 50 }),
    }),
  },
  fc.record({ kind: fc.constant("truncate" as const), by: fc.nat({ max: 9 }) }),
  fc.record({ kind: fc.constant("purge" as const), by: fc.nat({ max: 9 }) }),
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("reset" as const),
      by: fc.nat({ max: 9 }),
    }),
  },
);

/** A log that keeps every entry, for comparison. */
class Naive {
  base: LogId;
  entries: { term: number; bytes: number }[] = [];
  constructor(base: LogId) {
    this.base = base;
  }
  get last(): number {
    return this.base.index + this.entries.length;
  }
  termAt(index: number): number | undefined {
    if (index === this.base.index) return this.base.term;
    return this.entries[index - this.base.index - 1]?.term;
  }
  bytes(after: number, to: number): number {
    return this.entries.slice(after - this.base.index, to - this.base.index)
      .reduce((sum, { bytes }) => sum + bytes, 0);
  }
  hint(index: number, term: number): LogId {
    let at = Math.min(index, this.last);
    while (at >= this.base.index && this.termAt(at)! > term) at--;
    if (at >= this.base.index) return { index: at, term: this.termAt(at)! };
    return { index: Math.max(0, at), term: 0 };
  }
}

function perform(real: LogIds, naive: Naive, action: Action): void {
  switch (action.kind) {
    case "append": {
      const term = real.lastTerm + action.term;
      real.append(term, action.bytes);
      naive.entries.push({ term, bytes: action.bytes });
      break;
    }
    case "truncate": {
      const to = Math.max(naive.base.index, naive.last - action.by);
      real.truncateAfter(to);
      naive.entries.length = to - naive.base.index;
      break;
    }
    case "purge": {
      const to = Math.min(naive.last, naive.base.index + action.by);
      const base = { index: to, term: naive.termAt(to)! };
      real.purge(to);
      naive.entries.splice(0, to - naive.base.index);
      naive.base = base;
      break;
    }
    case "reset": {
      const base = id(real.lastTerm + 1, naive.last + action.by);
      real.reset(base);
      naive.base = base;
      naive.entries = [];
    }
  }
}

Deno.test("LogIds agrees with a log that keeps every entry", () => {
  fc.assert(fc.property(
    fc.array(action, { maxLength: 120 }),
    fc.nat({ max: 3 }),
    (actions, start) => {
      const base = id(start === 0 ? 0 : 1, start);
      const real = new LogIds(base);
      const naive = new Naive(base);
      for (const action of actions) {
        perform(real, naive, action);
        const { last, base } = naive;
        assert.equal(real.lastIndex, last);
        assert.deepEqual(real.last, id(naive.termAt(last)!, last));
        for (let i = base.index - 1; i <= last + 1; i++) {
          const inside = i >= base.index && i <= last;
          assert.equal(real.termAt(i), inside ? naive.termAt(i) : undefined);
        }
        const middle = Math.floor((base.index + last) / 2);
        assert.equal(
          real.bytesBetween(base.index, last),
          naive.bytes(base.index, last),
        );
        assert.equal(
          real.bytesBetween(middle, last),
          naive.bytes(middle, last),
        );
        const top = real.lastTerm;
        for (const term of [top - 2, top - 1, top, top + 1]) {
          for (const index of [middle, last, last + 3]) {
            if (term < 0 || index < base.index) continue;
            assert.deepEqual(real.hint(index, term), naive.hint(index, term));
          }
        }
      }
    },
  ));
});

Deno.test("LogIds.fit() takes as many entries as fit, and at least one", () => {
  fc.assert(fc.property(
    fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 1, max: 50 }),
    fc.nat({ max: 200 }),
    fc.nat(),
    (sizes, entries, bytes, at) => {
      const log = new LogIds(id(1, 5));
      for (const size of sizes) log.append(1, size);
      const first = 6 + at % sizes.length;
      let expected = first;
      while (
        expected < log.lastIndex && expected - first + 1 < entries &&
        log.bytesBetween(first - 1, expected + 1) <= bytes
      ) expected++;
      assert.equal(log.fit(first, entries, bytes), expected);
    },
  ));
});

Deno.test("LogIds refuses falling terms and cuts outside the log", () => {
  const log = new LogIds(id(2, 5));
  log.append(3, 1);
  assert.throws(() => log.append(2, 1), /term 2 appended after term 3/);
  assert.throws(() => log.truncateAfter(4), /outside 5 … 6/);
  assert.throws(() => log.truncateAfter(7), /outside 5 … 6/);
  assert.throws(() => log.purge(7), /beyond 6/);
  log.purge(4);
  assert.deepEqual(log.base, id(2, 5));
});

Deno.test("LogIds works far beyond 2^32 entries", () => {
  const start = 2 ** 40;
  const log = new LogIds(id(1, start));
  for (let i = 1; i <= 100; i++) log.append(i < 50 ? 1 : 2, i);
  assert.equal(log.termAt(start + 49), 1);
  assert.equal(log.termAt(start + 50), 2);
  assert.equal(log.bytesBetween(start, start + 100), 5050);
  assert.equal(log.fit(start + 1, 1000, 55), start + 10);
});
