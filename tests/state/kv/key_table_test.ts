import assert from "node:assert/strict";
import {
  drawSeed,
  FIXED_SEED,
  tableHash,
} from "../../../src/state/kv/memory/key_hash.ts";
import {
  KeyTable,
  NO_SLOT,
  type SlotKeys,
  type TableLimits,
} from "../../../src/state/kv/memory/key_table.ts";
import { latin1 } from "../../../src/util/latin1.ts";
import { SeededRandom } from "../../../src/util/random.ts";

/** A table whose slots are places in a list of keys. */
class Keys {
  readonly held: string[] = [];
  readonly table: KeyTable;

  constructor(seed = FIXED_SEED, limits?: TableLimits) {
    this.table = new KeyTable(slotsOf(this.held), seed, limits);
  }

  add(key: string): number {
    const slot = this.held.push(key) - 1;
    this.table.add(key, slot);
    return slot;
  }

  get all(): string[] {
    return Array.from(this.table, (slot) => this.held[slot]!);
  }
}

function slotsOf(held: readonly string[]): SlotKeys {
  return {
    hasKey: (slot, key) => held[slot] === key,
    hasKeyIn: (slot, bytes, start, length) =>
      held[slot] === latin1(bytes, start, start + length),
  };
}

/** As in use, and one whose segments are cut early and then no more, as where hashes begin alike. */
const LIMITS = [undefined, { cells: 16, depth: 3 }];

Deno.test("a table of keys answers like a Map while it grows and shrinks", () => {
  for (const limits of LIMITS) compareWithMap(limits);
});

function compareWithMap(limits: TableLimits | undefined): void {
  const number = Math.floor(Math.random() * 2 ** 32);
  const random = new SeededRandom(number);
  const below = (limit: number): number => random.uint32() % limit;
  const keys = new Keys(drawSeed(random), limits);
  const { table } = keys;
  const known = new Map<string, number>();
  for (const [steps, removals] of [[30_000, 25], [60_000, 75]] as const) {
    for (let i = 0; i < steps; i++) {
      const key = `k${below(20_000)}`;
      assert.equal(table.get(key), known.get(key) ?? NO_SLOT);
      if (below(100) < removals) {
        assert.equal(table.remove(key), known.get(key) ?? NO_SLOT);
        known.delete(key);
      } else if (known.has(key)) {
        const slot = keys.held.push(key) - 1;
        table.replace(key, known.get(key)!, slot);
        known.set(key, slot);
      } else known.set(key, keys.add(key));
      assert.equal(table.size, known.size);
    }
    for (const [key, slot] of known) assert.equal(table.get(key), slot);
    const all = [...table].sort((a, b) => a - b);
    const expected = [...known.values()].sort((a, b) => a - b);
    assert.deepEqual(all, expected, `seed ${number}`);
  }
  for (const key of known.keys()) table.remove(key);
  assert.deepEqual([...table], []);
}

Deno.test("keys of a table are told of once while others come and go and it grows and shrinks", () => {
  for (const limits of LIMITS) readWhileItChanges(limits);
});

function readWhileItChanges(limits: TableLimits | undefined): void {
  const keys = new Keys(FIXED_SEED, limits);
  for (let i = 0; i < 20_000; i++) keys.add(`k${i}`);
  const seen: string[] = [];
  for (const slot of keys.table) {
    seen.push(keys.held[slot]!);
    if (seen.length === 3_000) {
      for (let i = 0; i < 40_000; i++) keys.add(`other ${i}`);
    }
    if (seen.length === 10_000) {
      for (let i = 0; i < 40_000; i++) keys.table.remove(`other ${i}`);
      for (let i = 0; i < 20_000; i++) {
        if (i % 10 !== 0) keys.table.remove(`k${i}`);
      }
    }
  }
  const stayed = seen.filter((key) => /^k\d*0$/.test(key));
  assert.equal(stayed.length, 2_000);
  assert.equal(new Set(stayed).size, 2_000);
}

Deno.test("a key that was removed while a table is read is not told of, even if its slot is taken", () => {
  const keys = new Keys();
  for (let i = 0; i < 10; i++) keys.add(`k${i}`);
  const seen: string[] = [];
  for (const slot of keys.table) {
    seen.push(keys.held[slot]!);
    if (seen.length > 1) continue;
    for (const key of keys.all) if (key !== seen[0]) keys.table.remove(key);
    keys.held.fill("of another table");
  }
  assert.equal(seen.length, 1);
});

Deno.test("keys that begin in one cell are found, also once some of them are gone", () => {
  const held: string[] = [];
  const seed = { a: 0, b: 0 };
  const table = new KeyTable(slotsOf(held), seed);
  const equal = collisions(8, seed);
  for (const key of equal) table.add(key, held.push(key) - 1);
  for (const [slot, key] of equal.entries()) {
    assert.equal(table.get(key), slot);
  }
  for (const [slot, key] of equal.entries()) {
    assert.equal(table.remove(key), slot);
    for (const other of equal.slice(slot + 1)) {
      assert.notEqual(table.get(other), NO_SLOT);
    }
  }
});

Deno.test("hashes of keys that differ a little differ in all bits, with every seed", () => {
  const random = new SeededRandom(7);
  const seeds = [drawSeed(random), drawSeed(random)] as const;
  const count = 20_000;
  for (const shift of [0, 20]) {
    const buckets = new Set<number>();
    for (let i = 0; i < count; i++) {
      buckets.add(tableHash(`user:${i}`, seeds[0]) >>> shift & 0xfff);
    }
    assert.ok(buckets.size > 4_000, `${buckets.size} of 4096`);
  }
  let same = 0;
  for (let i = 0; i < count; i++) {
    const key = "x".repeat(i % 9) + i;
    if (tableHash(key, seeds[0]) === tableHash(key, seeds[1])) same++;
  }
  assert.ok(same < 3, `${same} hashes do not depend on the seed`);
  const lengths = Array.from(
    { length: 1_000 },
    (_, i) => tableHash("\0".repeat(i), seeds[0]),
  );
  assert.equal(new Set(lengths).size, 1_000);
});

/** Keys with the same last 16 bits of their hashes: they begin in one cell of a small table. */
function collisions(
  count: number,
  seed: { readonly a: number; readonly b: number },
): string[] {
  const wanted = tableHash("0", seed) & 0xffff;
  const keys: string[] = [];
  for (let i = 0; keys.length < count; i++) {
    const key = String(i);
    if ((tableHash(key, seed) & 0xffff) === wanted) keys.push(key);
  }
  return keys;
}
