import assert from "node:assert/strict";
import { LogError } from "../../src/log/port.ts";
import { EntryKind } from "../../src/raft/types.ts";
import { type Third, Trio } from "../node/trio.ts";

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

Deno.test("propose() answers each caller with the state machine's answer", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const results = trio.propose(leader, "a", "b", "c");
  trio.run();
  const answers = results.map((result) =>
    result.kind === "applied" ? text(result.answer) : result.kind
  );
  assert.deepEqual(answers, ["1", "2", "3"]);
  for (const { machine } of trio.members) {
    assert.deepEqual(machine.items, ["a", "b", "c"]);
  }
});

Deno.test("§1.2 propose() is not answered before a majority is durable", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  for (const { log } of trio.members) log.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  assert.equal(results.length, 0);
  trio.members[1]!.log.release();
  trio.run();
  assert.equal(results.length, 0, "one durable copy is no majority");
  trio.members[0]!.log.release();
  trio.run();
  assert.equal(results[0]?.kind, "applied");
});

Deno.test("a leader applies nothing that its own log could still lose", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  leader.log.held = true;
  const results = trio.propose(leader, "a");
  trio.run();
  assert.ok(leader.group.core.commit > leader.group.durableIndex);
  assert.deepEqual(leader.machine.items, []);
  leader.log.release();
  trio.run();
  assert.equal(results[0]?.kind, "applied");
});

Deno.test("propose() on a follower is refused and names the leader", () => {
  const trio = new Trio();
  trio.elect(0);
  const [result] = ((results) => {
    trio.run();
    return results;
  })(trio.propose(trio.members[1]!, "a"));
  assert.ok(result?.kind === "refused" && result.reason === "not_leader");
  assert.equal(result.leader, "1.a");
});

Deno.test("§1.2 a deposed leader answers waiting callers `unknown`, not `failed`", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  trio.lose = ({ from, to }) => from === leader.id || to === leader.id;
  const results = trio.propose(leader, "a");
  trio.tick(60);
  assert.notEqual(leader.group.core.role, "leader");
  assert.equal(results[0]?.kind, "unknown");
});

Deno.test("§1.2 a deposed leader answers what its successor commits, and what it overwrites", () => {
  for (const replicated of [true, false]) {
    const trio = new Trio();
    const leader = trio.elect(0);
    // The entry reaches a follower or not; its acknowledgement never arrives.
    trio.lose = ({ from, to }) =>
      to === leader.id || (from === leader.id && !replicated);
    const results = trio.propose(leader, "a");
    trio.run();
    trio.tick(40, trio.members.slice(1));
    trio.lose = () => false;
    trio.tick(4, trio.members.slice(1));
    assert.notEqual(leader.group.core.role, "leader");
    const [result] = results;
    if (replicated) assert.equal(result?.kind, "applied");
    else {assert.ok(
        result?.kind === "refused" && result.reason === "overwritten",
      );}
  }
});

Deno.test("§1.2 a leader that leads again answers for its old proposals at once, and they do not hold up new ones", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const others = trio.members.slice(1);
  trio.lose = ({ from, to }) => from === leader.id || to === leader.id;
  const lost = trio.propose(leader, ..."abcdefghij");
  trio.run();
  trio.tick(40, others);
  trio.lose = () => false;
  const successor = others.find(({ group }) => group.core.role === "leader")!;
  trio.tick(2, others);
  successor.group.transferLeadership(leader.id);
  trio.run();
  assert.equal(leader.group.core.role, "leader");
  const fresh = trio.propose(leader, "new");
  trio.run();
  assert.equal(fresh[0]?.kind, "applied");
  assert.equal(lost.length, 10);
  assert.ok(lost.every(({ kind }) => kind !== "applied"));
  assert.deepEqual(leader.machine.items, ["new"]);
});

Deno.test("§1.2 propose() beyond the inbox is refused as overloaded, with the limit", () => {
  const trio = new Trio({ maxInbox: 2 });
  const leader = trio.elect(0);
  const results = trio.propose(leader, "a", "b", "c");
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "overloaded");
  assert.match(results[0].detail, /2 proposals/);
  trio.run();
  assert.deepEqual(leader.machine.items, ["a", "b"]);
});

for (const mode of ["immediate", "immediate_async"] as const) {
  const forgets = mode !== "immediate";
  const what = forgets ? "asks again for" : "keeps in mind";
  Deno.test(`over a link that broke, a leader ${what} what the member had acknowledged (${mode})`, () => {
    const trio = new Trio({ durability: { mode } });
    const leader = trio.elect(0);
    trio.propose(leader, "a");
    trio.run();
    const { id } = trio.members[1]!;
    const match = (): number | undefined =>
      leader.group.core.status().progress.find(({ member }) => member === id)
        ?.match;
    const before = match();
    leader.group.unreachable(id);
    assert.equal(match(), forgets ? 0 : before);
    trio.run();
    assert.equal(match(), before);
  });
}

Deno.test("a full disk refuses writes and keeps leadership, reads and votes", () => {
  const trio = new Trio({}, [300]);
  const leader = trio.elect(0);
  const results = trio.propose(leader, "x".repeat(400));
  trio.run();
  assert.ok(results[0]?.kind === "refused");
  assert.equal(results[0].reason, "disk_full");
  assert.equal(leader.group.diskFull, true);
  trio.tick(60);
  assert.equal(leader.group.core.role, "leader");
  const small = trio.propose(leader, "y");
  trio.run();
  assert.equal(small[0]?.kind, "applied");
  assert.equal(leader.group.diskFull, false);
});

Deno.test("appends that a follower refuses take no room", () => {
  const trio = new Trio({}, [Infinity, 1000]);
  const leader = trio.elect(0);
  const follower = trio.members[1]!;
  const { term } = leader.group.core;
  const payload = new Uint8Array(400);
  for (let index = 101; index < 111; index++) {
    follower.group.receive({
      type: "appendEntries",
      from: leader.id,
      to: follower.id,
      term,
      prev: { term, index: index - 1 },
      last: index,
      commit: 0,
      entries: [{ term, index, kind: EntryKind.command, payload }],
    });
    trio.run();
  }
  trio.propose(leader, "x".repeat(400));
  trio.run();
  assert.deepEqual(follower.log.last, leader.log.last);
  assert.deepEqual(follower.warnings, []);
});

Deno.test("§1.3 readIndex() waits for a quorum and for the state machine", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  trio.propose(leader, "a");
  trio.run();
  const reads: (number | null)[] = [];
  for (const { group } of trio.members) group.readIndex((i) => reads.push(i));
  trio.run();
  trio.tick(4);
  assert.equal(reads.length, 3);
  for (const index of reads) assert.ok(index !== null && index >= 2);
});

Deno.test("§1.3 readIndex() without a quorum ends with null", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  trio.lose = () => true;
  const reads: (number | null)[] = [];
  leader.group.readIndex((index) => reads.push(index));
  trio.tick(60, [leader]);
  assert.deepEqual(reads, [null]);
});

Deno.test("a state machine out of disk is tried again; any other failure is fatal", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  leader.machine.failure = Object.assign(new Error("full"), {
    code: "disk_full",
  });
  const results = trio.propose(leader, "a");
  trio.run();
  assert.equal(leader.fatal, null);
  assert.equal(leader.warnings.length, 1);
  leader.machine.failure = null;
  trio.tick(21);
  assert.equal(results[0]?.kind, "applied");
  leader.machine.failure = new Error("disk I/O error");
  trio.propose(leader, "b");
  trio.run();
  assert.match(leader.fatal!.message, /I\/O/);
});

Deno.test("a failed sync ends the member at once and answers `unknown`", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  const error = new LogError("io", "fdatasync: EIO");
  leader.log.sync = (done) => done(error);
  const results = trio.propose(leader, "a");
  trio.run();
  assert.equal(leader.fatal, error);
  assert.equal(results[0]?.kind, "unknown");
});

Deno.test("stop() answers everybody who waits", () => {
  const trio = new Trio();
  const leader = trio.elect(0);
  for (const { log } of trio.members) log.held = true;
  const appended = trio.propose(leader, "a");
  trio.run();
  const waiting = trio.propose(leader, "b");
  const reads: (number | null)[] = [];
  const applied: boolean[] = [];
  leader.group.readIndex((index) => reads.push(index));
  leader.group.whenApplied(1e6, (done) => applied.push(done));
  leader.group.stop();
  assert.equal(appended[0]?.kind, "unknown");
  assert.equal(waiting[0]?.kind, "refused");
  assert.deepEqual([reads, applied], [[null], [false]]);
});

Deno.test("tick() does nothing after stop()", () => {
  const trio = new Trio({ applyMs: 100 }, [], { lingers: true });
  const leader = trio.elect(0);
  trio.propose(leader, "a");
  trio.run();
  const [stopped, running] = trio.members.slice(1) as [Third, Third];
  stopped.group.stop();
  trio.tick(20);
  assert.match(running.warnings.join(), /are not applied/);
  assert.deepEqual(stopped.warnings, []);
});

for (const mode of ["immediate_async", "interval"] as const) {
  Deno.test(`durability ${mode} answers before the sync, votes after it`, () => {
    const trio = new Trio({
      durability: mode === "interval" ? { mode, ticks: 4 } : { mode },
    });
    const leader = trio.elect(0);
    for (const { log } of trio.members) log.held = true;
    const results = trio.propose(leader, "a");
    trio.run();
    assert.equal(results[0]?.kind, "applied");
    const others = trio.members.slice(1);
    trio.tick(30, others);
    assert.deepEqual(
      others.map(({ group }) => group.core.role).filter((r) => r === "leader"),
      [],
    );
    for (const { log } of trio.members) log.release();
    trio.tick(30, others);
    assert.ok(others.some(({ group }) => group.core.role === "leader"));
  });
}
