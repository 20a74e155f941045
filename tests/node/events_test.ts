import assert from "node:assert/strict";
import type { EventCursor } from "../../src/group/event_feed.ts";
import { Cluster, until, write } from "./cluster.ts";

/** What a cursor has now: events by place and contents, gaps by their ends. */
function read(cursor: EventCursor, into: string[]): void {
  for (let item; (item = cursor.next()) !== null;) {
    into.push(
      "gap" in item
        ? `${item.gap} to ${item.to}`
        : `${item.index}.${item.seq} ${item.kind} ${item.bytes.toHex()}`,
    );
  }
}

Deno.test("all nodes tell of the same events in the same order; one that was restarted, of those after what it had applied", async () => {
  await using cluster = new Cluster(3);
  await cluster.startAll();
  const logs: string[][] = [[], [], []];
  const follow = (node: number): void => {
    const feed = cluster.groups.get(node)!.events;
    const cursor = feed.cursor(0);
    feed.listen(() => read(cursor, logs[node - 1]!));
    read(cursor, logs[node - 1]!);
  };
  for (const node of [1, 2, 3]) follow(node);
  const { leader } = cluster;
  const [leading, follower, other] = [1, 2, 3].sort((a, b) =>
    Number(cluster.node(b) === leader) - Number(cluster.node(a) === leader)
  ) as [number, number, number];
  for (let i = 0; i < 20; i++) await write(cluster.node(follower));
  await cluster.stop(follower);
  const before = logs[follower - 1]!.length;
  assert.ok(before > 0);
  for (let i = 0; i < 20; i++) await write(cluster.node(leading));
  const { index } = cluster.volume(follower).machine.applied;
  await cluster.start(follower).whenReady(60_000);
  follow(follower);
  for (let i = 0; i < 20; i++) await write(cluster.node(follower));
  const full = logs[leading - 1]!;
  const restarted = logs[follower - 1]!;
  await until(
    "all nodes told of the last write",
    () => logs.every((log) => log.at(-1) === full.at(-1)),
  );
  assert.deepEqual(logs[other - 1], full);
  assert.ok(full.length >= 60);
  const gap = restarted.indexOf(`lagged to ${index}`);
  assert.ok(gap >= before, `${gap} ${before}`);
  // What it applied after its consumer was gone is in the gap; of the rest nothing is missing or told twice.
  const after = (line: string): boolean => parseInt(line) > index;
  assert.deepEqual(restarted.slice(0, gap), full.slice(0, gap));
  assert.deepEqual(restarted.slice(gap + 1), full.filter(after));
});
