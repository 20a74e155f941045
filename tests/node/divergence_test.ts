import assert from "node:assert/strict";
import { Cluster, until, write } from "./cluster.ts";

Deno.test("a member whose state differs says so: in its log, in ready() and in its metrics", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  await write(cluster.leader);
  const leaderId = Number(cluster.leader.cluster().self[0]);
  const id = leaderId === 1 ? 2 : 1;
  const { machine } = cluster.volume(id);
  const apply = machine.apply.bind(machine);
  let wrong = true;
  machine.apply = (entries, answers, done) =>
    apply(entries, answers, (error, given, events) => {
      const divergence = wrong
        ? { index: entries[0]!.index, expected: 0xab, actual: 0xcd }
        : null;
      wrong = false;
      done(error, given, events, divergence);
    });
  const { index } = await write(cluster.leader);
  const node = cluster.node(id);
  await until("the member is not ready", () => !node.ready().ok);
  assert.match(node.ready().detail, new RegExp(`entry ${index} differently`));
  assert.match(node.metrics(), /^hiqlite_answers_differ_total{group="db"} 1$/m);
  const line = cluster.lines.find((each) => each.includes("differently"));
  assert.match(line!, /000000ab there, 000000cd here/);
  await write(cluster.node(leaderId));
  assert.equal(cluster.node(leaderId).ready().ok, true, "only that one");
});
