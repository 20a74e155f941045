import assert from "node:assert/strict";
import { Ranking } from "../../../src/state/kv/memory/ranking.ts";
import { Slots } from "../../../src/state/kv/memory/slots.ts";
import { SeededRandom } from "../../../src/util/random.ts";

const COUNTER = { value: 0n, deadlineMs: 0 };

Deno.test("a ranking knows the smallest numbers, whatever comes, goes and changes", () => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(seed);
  const below = (limit: number): number => random.uint32() % limit;
  const slots = new Slots();
  const ranking = new Ranking(slots, 1);
  const known = new Map<number, number>();
  // More than one piece of the heap.
  for (let i = 0; i < 12_000; i++) {
    const slot = slots.addCounter(`k${i}`, COUNTER);
    known.set(slot, below(1_000));
    ranking.set(slot, known.get(slot)!);
  }
  const all = [...known.keys()];
  for (let i = 0; i < 40_000; i++) {
    const slot = all[below(all.length)]!;
    if (below(3) === 0) {
      ranking.remove(slot);
      known.delete(slot);
    } else {
      const number = below(1_000);
      ranking.set(slot, number);
      known.set(slot, number);
    }
    if (i % 5_000 === 0) compare(ranking, known, `seed ${seed}`);
  }
  while (known.size > 0) {
    const slot = ranking.firstSlot;
    assert.equal(ranking.first, known.get(slot));
    ranking.remove(slot);
    known.delete(slot);
    const next = ranking.firstSlot;
    assert.ok(known.size === 0 || known.has(next), `seed ${seed}`);
  }
  assert.equal(ranking.first, Infinity);
  assert.equal(ranking.firstSlot, -1);
});

Deno.test("a slot that takes another one's place has its number, and the other one none", () => {
  const slots = new Slots();
  const ranking = new Ranking(slots, 0);
  const [a, b, c] = ["a", "b", "c"].map((key) =>
    slots.addCounter(key, COUNTER)
  );
  ranking.set(a!, 1);
  ranking.set(b!, 2);
  ranking.replace(a!, c!);
  assert.equal(ranking.firstSlot, c);
  assert.equal(ranking.first, 1);
  ranking.remove(a!);
  assert.equal(ranking.firstSlot, c);
  ranking.remove(c!);
  assert.equal(ranking.firstSlot, b);
  ranking.replace(a!, c!);
  ranking.remove(b!);
  assert.equal(ranking.firstSlot, -1);
});

function compare(
  ranking: Ranking,
  known: ReadonlyMap<number, number>,
  seed: string,
): void {
  const sorted = [...known.values()].sort((a, b) => a - b);
  assert.equal(ranking.first, sorted[0]);
  for (const [most, limit] of [[500, 50], [5, 1e6], [1e6, 10_000], [-1, 5]]) {
    const found = ranking.upTo(most!, limit!).map((slot) => known.get(slot)!);
    const wanted = sorted.filter((number) => number <= most!);
    const largest = wanted.slice(0, limit!).at(-1) ?? -1;
    assert.deepEqual(
      found.sort((a, b) => a - b),
      wanted.filter((number) => number <= largest),
      seed,
    );
  }
}
