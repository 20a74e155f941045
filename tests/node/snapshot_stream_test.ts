import assert from "node:assert/strict";
import type { GroupMessage } from "../../src/group/messages.ts";
import { SnapshotReceiver } from "../../src/group/snapshot_receiver.ts";
import { SnapshotSender } from "../../src/group/snapshot_sender.ts";
import { SnapshotService } from "../../src/group/snapshot_service.ts";
import { ListMachine } from "./trio.ts";

Deno.test("§1.5 a snapshot that takes its receiver's disk long to sync is sent once, and installed", () => {
  const steps: (() => void)[] = [];
  const run = (): void => {
    for (let step; (step = steps.shift()) !== undefined;) step();
  };
  const defer = (step: () => void): void => void steps.push(step);
  const [source, target] = [new ListMachine(defer), new ListMachine(defer)];
  source.items = ["x".repeat(600_000)];
  source.applied = { term: 1, index: 7 };
  const sent: boolean[] = [];
  const received: number[] = [];
  const failed = (error: Error): void => assert.fail(error);
  const sender = new SnapshotSender({
    snapshots: new SnapshotService({ machine: source, failed }),
    self: "1.a",
    send: (chunk) => defer(() => receiver.chunk(chunk)),
    sent: (_to, _last, ok) => void sent.push(ok),
    failed,
  });
  const receiver = new SnapshotReceiver({
    machine: target,
    self: "2.b",
    term: () => 1,
    installing: () => false,
    send: (ack: GroupMessage & { type: "snapshotAck" }) =>
      defer(() => sender.acknowledged(ack)),
    received: (_from, _term, last) => void received.push(last.index),
    failed,
  });
  let sync: (() => void) | undefined;
  const { receive } = target;
  target.receive = (last, done) =>
    receive.call(target, last, (error, sink) => {
      const finish: NonNullable<typeof sink>["finish"] = (expected, synced) =>
        void (sync = () => sink!.finish(expected, synced));
      done(error, Object.create(sink, { finish: { value: finish } }));
    });
  sender.start("2.b", 1, 0);
  const tick = (): void => {
    sender.tick();
    run();
  };
  for (let i = 0; i < 400; i++) tick();
  assert.deepEqual(sent, [], "the sender waits");
  sync!();
  for (let i = 0; i < 40 && sent.length === 0; i++) tick();
  assert.deepEqual(sent, [true]);
  assert.equal(received[0], 7);
});
