import assert from "node:assert/strict";
import { Retention } from "../../src/group/retention.ts";
import type { RaftCore } from "../../src/raft/core.ts";

interface Peer {
  member: string;
  state: "probe" | "replicate" | "snapshot";
  match: number;
  next: number;
  recentlyActive: boolean;
}

/** A leader that knows this of one other member. */
function leaderKnowing(peer: Partial<Peer>): RaftCore {
  const progress = [{
    member: "2",
    state: "replicate",
    match: 0,
    next: 1,
    recentlyActive: true,
    ...peer,
  }];
  return { role: "leader", status: () => ({ progress }) } as never;
}

function limitOf(peer: Partial<Peer>, snapshot: number | null = null): number {
  const retention = new Retention(leaderKnowing(peer), 100);
  retention.tick(1);
  return retention.limit(2, 1000, snapshot);
}

Deno.test("limit() keeps a tail for everyone", () => {
  assert.equal(limitOf({ match: 1000, next: 1001 }), 900);
});

Deno.test("limit() keeps what a member that catches up still needs", () => {
  assert.equal(limitOf({ match: 700, next: 990 }), 700);
  assert.equal(limitOf({ state: "probe", match: 0, next: 701 }), 700);
});

Deno.test("limit() keeps what follows a snapshot on its way", () => {
  assert.equal(limitOf({ state: "snapshot" }, 650), 650);
});

Deno.test("limit() keeps nothing for a member that is silent", () => {
  assert.equal(limitOf({ match: 5, next: 6, recentlyActive: false }), 900);
  const retention = new Retention(leaderKnowing({ match: 5, next: 6 }), 100);
  retention.tick(1);
  assert.equal(retention.limit(41, 1000, null), 5);
  assert.equal(retention.limit(42, 1000, null), 900);
});

Deno.test("limit() keeps no more than sixteen tails for members that catch up", () => {
  const retention = new Retention(leaderKnowing({ match: 5, next: 6 }), 100);
  retention.tick(1);
  assert.equal(retention.limit(2, 10_000, 7), 8400);
});
