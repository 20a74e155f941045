import assert from "node:assert/strict";
import {
  restoreTurn,
  type RestoreWish,
} from "../../../src/node/cluster/restore_turn.ts";
import type { RestoreTurn } from "../../../src/node/cluster/restore_turn.ts";
import { silentLogger } from "../../../src/util/logger.ts";

const SOURCE = "s3:backup_node_1_1.sqlite";
const WAITS: RestoreWish = { clusterId: "", waitsFor: SOURCE };
const RUNS: RestoreWish = { clusterId: "old" };
const DONE: RestoreWish = { clusterId: "next", restored: SOURCE };

/** What `self` of three does while the others say this, round by round; null if it still waits after them. */
async function turnOf(
  self: number,
  rounds: readonly Readonly<Record<number, RestoreWish>>[],
): Promise<RestoreTurn | null> {
  let round = 0;
  const over = new Error("still waiting");
  try {
    return await restoreTurn({
      self,
      nodes: [1, 2, 3],
      source: SOURCE,
      clock: { monotonic: () => round * 1_000, wall: () => 0 },
      logger: silentLogger,
      ask: (node) => Promise.resolve(rounds[round]?.[node] ?? null),
      rest: () =>
        ++round < rounds.length ? Promise.resolve() : Promise.reject(over),
    });
  } catch (error) {
    if (error === over) return null;
    throw error;
  }
}

Deno.test("the lowest node restores once a majority waits, and not before", async () => {
  assert.equal(await turnOf(1, [{}, {}]), null);
  assert.deepEqual(await turnOf(1, [{}, { 3: WAITS }]), { kind: "restore" });
});

Deno.test("other nodes wait until somebody has restored it, and join", async () => {
  assert.equal(await turnOf(2, [{ 1: WAITS, 3: WAITS }]), null);
  assert.deepEqual(await turnOf(2, [{ 1: WAITS }, {}, { 1: DONE }]), {
    kind: "join",
    node: 1,
    clusterId: "next",
  });
});

Deno.test("the lowest node that lost its volume after the restore joins, and restores nothing again", async () => {
  assert.deepEqual(await turnOf(1, [{ 2: DONE, 3: DONE }]), {
    kind: "join",
    node: 2,
    clusterId: "next",
  });
  assert.equal(await turnOf(1, [{ 2: RUNS, 3: RUNS }]), null);
});

Deno.test("a node that waits for another backup does not count, nor one that began with another", async () => {
  const other = { clusterId: "", waitsFor: "s3:other" };
  assert.equal(await turnOf(1, [{ 2: other, 3: other }]), null);
  assert.equal(
    await turnOf(2, [{ 1: { clusterId: "c", restored: "s3:other" } }]),
    null,
  );
});
