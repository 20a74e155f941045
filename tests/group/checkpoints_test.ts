import assert from "node:assert/strict";
import { Trio } from "../node/trio.ts";

Deno.test("§1.5 Checkpoints purge no entry that the state could still lose", () => {
  const trio = new Trio({ retainEntries: 1, checkpointEntries: 5 });
  const leader = trio.elect(0);
  // Nine entries are applied and visible, and a power cut would leave four of them.
  leader.machine.checkpoint = (done) => done(null, 4);
  trio.propose(leader, ..."abcdefghi");
  trio.run();
  leader.group.checkpoint();
  trio.run();
  assert.ok(leader.machine.applied.index >= 9);
  assert.equal(leader.log.base.index, 3);
});

Deno.test("Checkpoints keep no more bytes than they may, and nothing that is not applied goes", () => {
  const trio = new Trio({
    retainEntries: 1000,
    checkpointEntries: 5,
    retainBytes: 100,
  });
  const leader = trio.elect(0);
  for (let i = 0; i < 40; i++) {
    trio.propose(leader, `${i}`.padEnd(10));
    trio.run();
  }
  const { log, machine } = leader;
  assert.ok(log.bytes <= 150, `${log.bytes} bytes`);
  assert.ok(log.bytes >= 50, `${log.bytes} bytes`);
  // A value that has more than may be kept is kept until it is applied.
  trio.lose = () => true;
  trio.propose(leader, "x".repeat(1000));
  trio.run();
  leader.group.checkpoint();
  trio.run();
  assert.equal(log.base.index, machine.applied.index);
  assert.equal(log.last.index, machine.applied.index + 1);
});

Deno.test("Checkpoints keep entries that are needed elsewhere, up to so many bytes of log", () => {
  const trio = new Trio({
    retainEntries: 1,
    checkpointEntries: 5,
    neededBytesMax: 200,
  });
  trio.needed = 4;
  const leader = trio.elect(0);
  const write = (bytes: number): void => {
    trio.propose(leader, "x".repeat(bytes));
    trio.run();
  };
  for (let n = 0; n < 15; n++) write(5);
  leader.group.checkpoint();
  trio.run();
  assert.equal(leader.log.base.index, 4);
  // Who needs them has fallen too far behind.
  write(200);
  leader.group.checkpoint();
  trio.run();
  assert.ok(leader.log.base.index > 10, `${leader.log.base.index}`);
  const { index } = leader.machine.applied;
  trio.needed = null;
  for (let n = 0; n < 15; n++) write(5);
  leader.group.checkpoint();
  trio.run();
  assert.ok(leader.log.base.index > index);
});
