import assert from "node:assert/strict";
import { SnapshotSender } from "../../src/node/snapshot_sender.ts";
import { ListMachine } from "./trio.ts";

Deno.test("SnapshotSender tells the core of everyone who waits for a snapshot that cannot be built", () => {
  const steps: (() => void)[] = [];
  const machine = new ListMachine((step) => void steps.push(step));
  const full = new Error("no room for a snapshot");
  machine.snapshot = (done) => void steps.push(() => done(full, null));
  const failed: Error[] = [];
  const sent: [member: string, ok: boolean][] = [];
  const sender = new SnapshotSender({
    machine,
    self: "1.a",
    send: () => {},
    sent: (to, _last, ok) => void sent.push([to, ok]),
    failed: (error) => void failed.push(error),
  });
  sender.start("2.b", 1, 5);
  sender.start("3.c", 1, 5);
  for (const step of steps.splice(0)) step();
  assert.deepEqual(sent, [["2.b", false], ["3.c", false]]);
  assert.deepEqual(failed, [full]);
  assert.equal(sender.active, false);
});
