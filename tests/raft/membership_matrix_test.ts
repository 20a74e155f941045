/** openraft's matrix of 16 membership changes: from these voters to those, with writes before and after. */
import assert from "node:assert/strict";
import { Cluster } from "./harness/cluster.ts";
import { configOf } from "./harness/configurations.ts";

const CASES: readonly [name: string, from: string, to: string][] = [
  ["m0_change_m12", "0", "12"],
  ["m0_change_m123", "0", "123"],
  ["m01_change_m12", "01", "12"],
  ["m01_change_m1", "01", "1"],
  ["m01_change_m2", "01", "2"],
  ["m01_change_m3", "01", "3"],
  ["m012_change_m4", "012", "4"],
  ["m012_change_m456", "012", "456"],
  ["m01234_change_m0123", "01234", "0123"],
  ["m0_add_m01", "0", "01"],
  ["m0_add_m12", "0", "012"],
  ["m01_add_m", "01", "01"],
  ["m012_remove_m01", "012", "2"],
  ["m012_remove_m3", "012", "012"],
  ["m012_remove_m", "012", "012"],
  ["m012_remove_m13", "012", "02"],
];

/** Our members count from 1. */
const ids = (digits: string): string[] =>
  [...digits].map((digit) => `${Number(digit) + 1}`);

for (const [name, from, to] of CASES) {
  Deno.test(`${name}: writes before and after the change reach every new voter and no removed one`, () => {
    const before = ids(from);
    const after = ids(to);
    const highest = Math.max(...[...before, ...after].map(Number));
    const cluster = new Cluster({
      voters: before.length,
      spares: highest - before.length,
    }).elect(1);
    const first = Array.from({ length: 10 }, (_, i) => `${i}`);
    cluster.write(1, ...first);
    const added = after.filter((id) => !before.includes(id));
    const removed = before.filter((id) => !after.includes(id));
    for (const id of added) {
      cluster.reconfigure(1, { addLearners: [id] }).tick(3);
      assert.deepEqual(cluster.node(id).state, first, "caught up");
    }
    const outcome = cluster.change(1, { promote: added, remove: removed });
    const empty = added.length + removed.length === 0;
    assert.equal(outcome.kind, empty ? "refused" : "appended");
    cluster.settle().tick(30);
    const leader = cluster.awaitLeader();
    assert.ok(after.includes(leader));
    assert.deepEqual(cluster.core(leader).config, configOf(after));
    const second = Array.from({ length: 10 }, (_, i) => `${i + 10}`);
    cluster.write(leader, ...second).tick(3);
    for (const id of after) {
      assert.deepEqual(cluster.node(id).state, [...first, ...second]);
      assert.deepEqual(cluster.core(id).config, configOf(after));
    }
    for (const id of removed) {
      assert.notEqual(cluster.core(id).role, "leader");
      assert.deepEqual(cluster.node(id).state, first);
    }
    cluster.checkLogMatching();
  });
}
