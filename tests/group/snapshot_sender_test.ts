import assert from "node:assert/strict";
import type { SnapshotChunk } from "../../src/group/messages.ts";
import { SnapshotSender } from "../../src/group/snapshot_sender.ts";
import { SnapshotService } from "../../src/group/snapshot_service.ts";
import { ListMachine } from "../node/trio.ts";

/** A sender, what it sends, and which streams ended. */
class Sending {
  readonly steps: (() => void)[] = [];
  readonly machine = new ListMachine((step) => void this.steps.push(step));
  readonly chunks: SnapshotChunk[] = [];
  readonly sent: [member: string, ok: boolean][] = [];
  readonly failed: Error[] = [];
  readonly sender = new SnapshotSender({
    snapshots: new SnapshotService({
      machine: this.machine,
      failed: (error) => void this.failed.push(error),
    }),
    self: "1.a",
    send: (chunk) => void this.chunks.push(chunk),
    sent: (to, _last, ok) => void this.sent.push([to, ok]),
    failed: (error) => void this.failed.push(error),
  });

  run(): void {
    for (let step; (step = this.steps.shift()) !== undefined;) step();
  }
}

Deno.test("§1.5 SnapshotSender tells the core of everyone who waits for a snapshot that cannot be built", () => {
  const sending = new Sending();
  const { steps, machine, sender, sent, failed } = sending;
  const full = new Error("no room for a snapshot");
  machine.snapshot = (done) => void steps.push(() => done(full, null));
  sender.start("2.b", 1, 5);
  sender.start("3.c", 1, 5);
  sending.run();
  assert.deepEqual(sent, [["2.b", false], ["3.c", false]]);
  assert.deepEqual(failed, [full]);
  assert.equal(sender.active, false);
});

Deno.test("§1.5 SnapshotSender sends again what nobody acknowledges, and gives up in the end", () => {
  const sending = new Sending();
  const { sender, chunks, sent } = sending;
  sending.machine.items = ["x".repeat(300_000)];
  sender.start("2.b", 1, 0);
  sending.run();
  const once = chunks.map(({ offset }) => offset);
  assert.equal(once.length, 2);
  for (let tick = 0; sender.active; tick++) {
    assert.ok(tick < 1000, "the stream never ends");
    sender.tick();
    sending.run();
  }
  const again = Array.from({ length: 7 }, () => once).flat();
  assert.deepEqual(chunks.map(({ offset }) => offset), again);
  assert.deepEqual(sent, [["2.b", false]]);
});

Deno.test("§1.5 SnapshotSender goes on where the receiver already is, and ends when it has all", () => {
  const sending = new Sending();
  const { sender, chunks, sent } = sending;
  sending.machine.items = ["x".repeat(5_000_000)];
  sender.start("2.b", 3, 0);
  sending.run();
  const { last, size, term } = chunks[0]!;
  assert.equal(term, 3);
  const begun = chunks.length;
  assert.ok(begun * 256 * 1024 < size, "the window is smaller");
  const acknowledge = (offset: number, state: "more" | "done") => {
    const ack = { from: "2.b", to: "1.a", term: 3, last, offset, state };
    sender.acknowledged({ type: "snapshotAck", ...ack });
    sending.run();
  };
  // An earlier stream brought it that far.
  acknowledge(4_000_000, "more");
  const resumed = chunks.slice(begun);
  assert.equal(resumed[0]?.offset, 4_000_000);
  const end = resumed.at(-1)!;
  assert.equal(end.offset + end.bytes.length, size);
  acknowledge(size, "done");
  assert.deepEqual(sent, [["2.b", true]]);
  assert.equal(sender.active, false);
});
