import assert from "node:assert/strict";
import { Persistence } from "../../src/raft/persistence.ts";
import { entries } from "./make.ts";

function append(persistence: Persistence, after: number, terms: number[]) {
  for (const entry of entries(after, terms)) persistence.append(entry);
}

Deno.test("Persistence.take() numbers writes one by one and hands each out once", () => {
  const persistence = new Persistence(0);
  assert.equal(persistence.take(0), null);
  append(persistence, 0, [1, 1]);
  assert.equal(persistence.take(2)?.id, 1);
  assert.equal(persistence.take(2), null);
  persistence.saveHardState({ term: 2, vote: "1" });
  const second = persistence.take(2);
  assert.deepEqual(second, {
    id: 2,
    hardState: { term: 2, vote: "1" },
    entries: [],
  });
});

Deno.test("Persistence.complete() covers every earlier write", () => {
  const persistence = new Persistence(0);
  for (const index of [1, 2, 3]) {
    append(persistence, index - 1, [1]);
    persistence.take(index);
  }
  persistence.complete(2);
  assert.equal(persistence.durable, 2);
  assert.ok(persistence.isDurable(2) && !persistence.isDurable(3));
  persistence.complete(1);
  assert.equal(persistence.durable, 2, "completions never go back");
});

Deno.test("Persistence.truncateAfter() shortens what is not yet taken", () => {
  const persistence = new Persistence(0);
  append(persistence, 0, [1, 1, 1]);
  persistence.truncateAfter(1);
  append(persistence, 1, [2]);
  const write = persistence.take(2);
  assert.equal(write?.truncateAfter, undefined, "nothing of it was written");
  assert.deepEqual(write?.entries.map(({ term }) => term), [1, 2]);
});

Deno.test("Persistence.truncateAfter() below what is not yet taken cuts the disk too", () => {
  const persistence = new Persistence(4);
  append(persistence, 4, [1, 1]);
  persistence.truncateAfter(3);
  append(persistence, 3, [2]);
  persistence.truncateAfter(2);
  const write = persistence.take(2);
  assert.equal(write?.truncateAfter, 2);
  assert.deepEqual(write?.entries, []);
  assert.equal(persistence.durable, 2);
});

Deno.test("Persistence: a write finished after a truncation proves only what the truncation left", () => {
  const persistence = new Persistence(0);
  append(persistence, 0, [1, 1, 1]);
  persistence.take(3);
  persistence.truncateAfter(1);
  append(persistence, 1, [2, 2]);
  persistence.take(3);
  persistence.complete(1);
  assert.equal(persistence.durable, 1);
  persistence.complete(2);
  assert.equal(persistence.durable, 3);
});

Deno.test("Persistence.reset() makes earlier writes prove nothing beyond the snapshot", () => {
  const persistence = new Persistence(0);
  append(persistence, 0, [1, 1, 1]);
  persistence.take(3);
  persistence.reset(9);
  assert.equal(persistence.durable, 9);
  persistence.complete(1);
  assert.equal(persistence.durable, 9);
  append(persistence, 9, [2]);
  assert.throws(() => persistence.reset(12), /while a snapshot was installed/);
  const longer = new Persistence(0);
  append(longer, 0, [1, 1, 1]);
  longer.take(3);
  // The log was longer than the snapshot, and in conflict with it.
  longer.reset(2);
  longer.complete(1);
  assert.equal(longer.durable, 2);
});
