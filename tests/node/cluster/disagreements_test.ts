import assert from "node:assert/strict";
import { Disagreements } from "../../../src/node/cluster/disagreements.ts";
import type { MemberId } from "../../../src/raft/types.ts";
import { Logger } from "../../../src/util/logger.ts";
import { Cluster, until, write } from "../cluster.ts";

Deno.test("a disagreement is said once and counted, told until it ends, and counted again when it comes back", () => {
  const lines: string[] = [];
  const disagreements = new Disagreements(
    new Logger("error", ({ message }) => void lines.push(message)),
  );
  const [a, b] = ["2@x", "3@y"] as MemberId[];
  assert.equal(disagreements.detail, null);
  for (let i = 0; i < 3; i++) disagreements.found(a!, "rows differ");
  disagreements.found(b!, "others, too");
  assert.equal(lines.length, 2);
  assert.equal(disagreements.total, 2);
  assert.equal(disagreements.detail, "rows differ; others, too");
  disagreements.settled(a!);
  assert.equal(disagreements.detail, "others, too");
  disagreements.keep([a!]);
  assert.equal(disagreements.detail, null);
  disagreements.found(a!, "rows differ");
  assert.equal(disagreements.total, 3);
});

Deno.test("members that all differ say so, though there is no majority", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.node(1));
  for (const id of [1, 2, 3]) cluster.volume(id).machine.hash = id;
  for (const id of [1, 2, 3]) {
    const node = cluster.node(id);
    await until(
      `node ${id} says it`,
      () => /but at index \d+ the state of/.test(node.ready().detail),
    );
    assert.equal(node.ready().ok, true);
    assert.match(node.metrics(), /\nhiqlite_divergence_total [12]\n/);
  }
  for (const id of [1, 2, 3]) cluster.volume(id).machine.hash = 7;
  await write(cluster.node(1));
  for (const id of [1, 2, 3]) {
    const node = cluster.node(id);
    await until(`node ${id} is content`, () => node.ready().detail === "ok");
  }
});
