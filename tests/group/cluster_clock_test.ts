import assert from "node:assert/strict";
import { ClusterClock } from "../../src/group/cluster_clock.ts";
import type { GroupMessage } from "../../src/group/messages.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";
import { STAMPS, TICK_MS, Trio } from "../node/trio.ts";

const ELECTION_MS = 700;

Deno.test("a leader's clock counts its time, an election timeout at a time at most", () => {
  const clock = new ClusterClock(1000, ELECTION_MS);
  clock.lead(true, 1);
  clock.tick(50);
  clock.tick(0.75);
  assert.equal(clock.ms, 1050);
  clock.tick(20_000);
  assert.equal(clock.ms, 1050 + ELECTION_MS);
});

Deno.test("a new leader goes on from what it heard, and two election timeouts at most", () => {
  const clock = new ClusterClock(10, ELECTION_MS);
  clock.heard(5000, 1);
  clock.tick(100);
  clock.lead(true, 1);
  assert.equal(clock.ms, 5100);
  clock.lead(false, 1);
  for (let i = 0; i < 100; i++) clock.tick(ELECTION_MS);
  clock.lead(true, 1);
  assert.equal(clock.ms, 5100 + 2 * ELECTION_MS);
});

Deno.test("a new leader that heard nobody goes on from what it has applied", () => {
  const clock = new ClusterClock(1234, ELECTION_MS);
  clock.tick(500);
  clock.lead(true, 1);
  assert.equal(clock.ms, 1234);
  // Entries of its predecessor that it applies only now.
  clock.applied(2000);
  clock.tick(50);
  assert.equal(clock.ms, 2050);
});

Deno.test("a follower takes each heartbeat's clock, so that its own drift does not add up", () => {
  const clock = new ClusterClock(0, ELECTION_MS);
  for (let round = 1; round <= 100; round++) {
    clock.heard(round * 100, 1);
    clock.tick(160);
  }
  clock.lead(true, 1);
  assert.equal(clock.ms, 10_160);
});

Deno.test("heartbeats that come late say nothing new", () => {
  const clock = new ClusterClock(0, ELECTION_MS);
  clock.heard(5000, 1);
  clock.tick(100);
  clock.heard(4000, 1);
  clock.lead(true, 1);
  assert.equal(clock.ms, 5100);
  clock.heard(9000, 1);
  assert.equal(clock.ms, 5100, "a leader hears nobody");
});

/** The clocks of the proposals that a member has applied, by what they say. */
function stampsOf(trio: Trio): Map<string, number> {
  const stamps = new Map<string, number>();
  const { log } = trio.members[0]!;
  const all = log.readCached(log.base.index + 1, log.last.index, Infinity)!;
  for (const { payload } of all) {
    const stamp = STAMPS.get(payload);
    if (stamp === undefined) continue;
    stamps.set(new TextDecoder().decode(payload), stamp);
  }
  return stamps;
}

Deno.test("proposals are stamped by the leader, in the order of the log", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const begun = leader.group.clockMs;
  trio.propose(leader, "a");
  trio.run();
  trio.tick(3);
  trio.propose(leader, "b");
  trio.run();
  assert.equal(stampsOf(trio).get("a"), begun);
  assert.equal(stampsOf(trio).get("b"), begun + 3 * TICK_MS);
  for (const { machine } of trio.members) {
    assert.equal(machine.clockMs, begun + 3 * TICK_MS);
  }
});

Deno.test("the cluster clock goes on over a change of leaders, although nothing was proposed", () => {
  const trio = new Trio();
  const first = trio.elect(0);
  trio.tick(100);
  const before = first.group.clockMs;
  assert.ok(before >= 100 * TICK_MS);
  const second = trio.members[1]!;
  first.group.transferLeadership(second.id);
  trio.run();
  assert.equal(second.group.core.role, "leader");
  trio.propose(second, "a");
  trio.run();
  const stamp = stampsOf(trio).get("a")!;
  assert.ok(stamp <= before, `${stamp} after ${before}`);
  // A heartbeat is sent every other tick.
  assert.ok(stamp >= before - 2 * TICK_MS, `${stamp} after ${before}`);
});

Deno.test("heartbeats carry the cluster clock of whoever sends them", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const clocks: number[] = [];
  trio.lose = (message: GroupMessage) => {
    if (message.type === "heartbeat") clocks.push(message.clockMs);
    return false;
  };
  trio.tick(4);
  assert.ok(clocks.length >= 2);
  assert.equal(clocks.at(-1), leader.group.clockMs);
});

Deno.test("the cluster clock stands still while nobody leads", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  trio.tick(10);
  const before = leader.group.clockMs;
  trio.lose = () => true;
  trio.tick(1000);
  trio.lose = () => false;
  trio.tick(100);
  const successor = trio.members.find(({ group }) =>
    group.core.role === "leader"
  )!;
  trio.propose(successor, "a");
  trio.run();
  // The old leader led for an election timeout or two, the next one since, and between them two timeouts count.
  const most = before + 4 * ELECTION_MS + 100 * TICK_MS;
  const stamp = stampsOf(trio).get("a")!;
  assert.ok(stamp > before && stamp <= most, `${stamp} after ${before}`);
});

Deno.test("the cluster clock is part of a snapshot", () => {
  const trio = new Trio({ retainEntries: 1, checkpointEntries: 5 });
  const leader = trio.elect(0);
  const behind = trio.members[2]!;
  trio.tick(20);
  trio.lose = ({ to }) => to === behind.id;
  for (let i = 0; i < 20; i++) {
    trio.propose(leader, `${i}`);
    trio.run();
  }
  leader.group.checkpoint();
  trio.run();
  trio.lose = () => false;
  trio.tick(30);
  assert.ok(behind.machine.installed > 0);
  assert.equal(behind.machine.clockMs, leader.machine.clockMs);
  assert.ok(behind.machine.clockMs >= 20 * TICK_MS);
});

Deno.test("a leader's stamps count the time since the last tick, once", () => {
  let untoldMs = 0;
  const clock = new ClusterClock(1000, ELECTION_MS, () => untoldMs);
  clock.lead(true, 1);
  untoldMs = 40;
  assert.equal(clock.stamp(), 1040);
  // The entry that was stamped is applied before the tick.
  clock.applied(1040);
  untoldMs = 45;
  assert.equal(clock.stamp(), 1045);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.stamp(), 1050);
  untoldMs = 10 * ELECTION_MS;
  assert.equal(clock.ms, 1050 + ELECTION_MS);
  untoldMs = 20;
  clock.lead(false, 1);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.ms, 1100);
});

Deno.test("a follower counts its time from the moment it hears a leader, not from the tick before", () => {
  let untoldMs = 0;
  const clock = new ClusterClock(0, ELECTION_MS, () => untoldMs);
  untoldMs = 40;
  clock.heard(5000, 1);
  assert.equal(clock.ms, 5000);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.ms, 5010);
  untoldMs = 30;
  clock.lead(true, 1);
  assert.equal(clock.stamp(), 5040);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.stamp(), 5060);
});

Deno.test("who led and does not any more counts no time twice", () => {
  let untoldMs = 0;
  const clock = new ClusterClock(1000, ELECTION_MS, () => untoldMs);
  clock.lead(true, 1);
  untoldMs = 40;
  clock.applied(clock.stamp());
  clock.lead(false, 1);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.ms, 1050);
});

Deno.test("who follows a leader of a later term forgets what earlier ones said: that one may have begun behind them", () => {
  const clock = new ClusterClock(1000, ELECTION_MS);
  clock.lead(true, 1);
  clock.tick(500);
  assert.equal(clock.stamp(), 1500);
  clock.lead(false, 2);
  // Its entries are in the log, and it was never heard of otherwise.
  clock.follow(2);
  clock.applied(1100);
  clock.lead(true, 3);
  assert.equal(clock.stamp(), 1100);
  clock.lead(false, 4);
  clock.heard(1150, 4);
  assert.equal(clock.ms, 1150);
});

Deno.test("what a leader says again it says of now: the clock of one that stalls stands still", () => {
  const clock = new ClusterClock(0, ELECTION_MS);
  clock.heard(5000, 1);
  clock.tick(200);
  clock.heard(5000, 1);
  clock.tick(50);
  clock.lead(true, 2);
  assert.equal(clock.stamp(), 5050);
});

Deno.test("who leads next is not ahead of an entry that it has, whose leader had stalled before", () => {
  const clock = new ClusterClock(0, ELECTION_MS);
  const stamps = new Map<Uint8Array, number>();
  const entry = (term: number, clockMs: number, kind: EntryKind): Entry => {
    const payload = new Uint8Array(1);
    stamps.set(payload, clockMs);
    return { term, index: 1, kind, payload };
  };
  const received = (term: number, ...entries: Entry[]): void =>
    clock.received({ term, entries }, (payload) => stamps.get(payload)!);
  clock.heard(5000, 4);
  // The leader is frozen for longer than it will account for.
  clock.tick(500);
  clock.tick(300);
  const { command, config } = EntryKind;
  received(4, entry(4, 5500, command), entry(4, 0, config));
  clock.tick(50);
  assert.equal(clock.ms, 5550);
  // Another leader stamped it, whose clock says nothing of this one's.
  received(4, entry(3, 9000, command));
  assert.equal(clock.ms, 5550);
  received(3, entry(3, 9000, command));
  assert.equal(clock.ms, 5550, "of a leader that is none any more");
});

Deno.test("stamps never go back, also while a leader is told of its time in pieces", () => {
  let untoldMs = 100;
  const clock = new ClusterClock(0, ELECTION_MS, () => untoldMs);
  clock.lead(true, 1);
  assert.equal(clock.stamp(), 100);
  untoldMs = 0;
  clock.tick(50);
  assert.equal(clock.stamp(), 100);
  clock.tick(50);
  assert.equal(clock.stamp(), 100);
});
