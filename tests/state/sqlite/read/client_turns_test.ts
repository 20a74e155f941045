import assert from "node:assert/strict";
import {
  ClientTurns,
  type WaitingQuery,
} from "../../../../src/state/sqlite/read/client_turns.ts";

interface Named extends WaitingQuery {
  readonly name: string;
}

const anybody = (): boolean => true;

function waiting(name: string, ageMs = 0): Named {
  return { name, client: name[0]!, since: performance.now() - ageMs };
}

function turnsOf(names: readonly string[], patienceMs = Infinity, ageMs = 0) {
  const turns = new ClientTurns<Named>(patienceMs);
  for (const name of names) turns.add(waiting(name, ageMs));
  return turns;
}

function takeAll(
  turns: ClientTurns<Named>,
  preferred: (client: string) => boolean = anybody,
): string[] {
  const taken: string[] = [];
  while (turns.length > 0) taken.push(turns.take(preferred)!.name);
  assert.equal(turns.take(preferred), undefined);
  return taken;
}

Deno.test("clients take turns, each in its own order", () => {
  const turns = turnsOf(["a1", "a2", "a3", "a4", "b1", "c1", "b2"]);
  assert.deepEqual(
    takeAll(turns),
    ["a1", "b1", "c1", "a2", "b2", "a3", "a4"],
  );
});

Deno.test("a preferred client is before the others, and does not keep them waiting when it has nothing", () => {
  const turns = turnsOf(["a1", "a2", "b1", "c1"]);
  assert.deepEqual(
    takeAll(turns, (client) => client === "c"),
    ["c1", "a1", "b1", "a2"],
  );
});

Deno.test("what was put back is the first of its client, and no other client's turn", () => {
  const turns = turnsOf(["a1", "b1", "a2"]);
  turns.putBack(waiting("a0"));
  assert.deepEqual(takeAll(turns), ["a0", "b1", "a1", "a2"]);
});

Deno.test("beyond its patience every other turn is the newest's", () => {
  const names = ["a1", "a2", "a3", "a4", "a5"];
  assert.deepEqual(takeAll(turnsOf(names, 500, 100)), names);
  assert.deepEqual(
    takeAll(turnsOf(names, 500, 600)),
    ["a5", "a1", "a4", "a2", "a3"],
  );
});

Deno.test("what waits no longer has no turn", () => {
  const turns = new ClientTurns<Named>(Infinity);
  const all = ["a1", "b1", "a2"].map((name) => waiting(name));
  for (const each of all) turns.add(each);
  turns.remove(all[1]!);
  turns.remove(all[1]!);
  assert.equal(turns.length, 2);
  assert.deepEqual([...turns.clients()], ["a"]);
  assert.deepEqual(
    turns.takeAll(({ name }) => name === "a1", "a").map(({ name }) => name),
    ["a1"],
  );
  assert.deepEqual([...turns].map(({ name }) => name), ["a2"]);
  assert.deepEqual(turns.drain().map(({ name }) => name), ["a2"]);
  assert.equal(turns.length, 0);
});

Deno.test("the newest of a crowd is that of the client that has the most, unless it is one's own", () => {
  const turns = turnsOf(["a1", "a2", "b1", "a3"]);
  assert.equal(turns.newestOfCrowd("b")?.name, "a3");
  assert.equal(turns.newestOfCrowd("c")?.name, "a3");
  assert.equal(turns.newestOfCrowd("a"), undefined);
});
