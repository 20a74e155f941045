import assert from "node:assert/strict";
import {
  decodeBatch,
  decodeFrame,
  encodeBatch,
  encodeFrame,
  FrameKind,
} from "../../src/network/frame.ts";
import type { Lane, Network } from "../../src/network/port.ts";
import { FrameBatches } from "../../src/network/frame_batches.ts";
import type { NodeId } from "../../src/raft/types.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";

interface Sent {
  readonly node: NodeId;
  readonly lane: Lane;
  readonly frames: Uint8Array[];
}

function network(accepts = true): { sent: Sent[]; network: Network } {
  const sent: Sent[] = [];
  return {
    sent,
    network: {
      send: (node, lane, bytes) => {
        const { kind, body } = decodeFrame(bytes);
        const frames = kind === FrameKind.batch ? decodeBatch(body) : [bytes];
        sent.push({ node, lane, frames });
        return accepts;
      },
      peer: () => undefined,
      queued: () => 0,
    },
  };
}

function frame(n: number, length = 8): Uint8Array {
  return encodeFrame(FrameKind.request, new Uint8Array(length).fill(n));
}

Deno.test("send() puts what comes up in one go into one message for each peer and lane, in order", async () => {
  const { sent, network: to } = network();
  const batches = new FrameBatches(to);
  for (let n = 0; n < 6; n++) {
    batches.send(n % 2 + 2, n < 4 ? "bulk" : "control", frame(n));
  }
  assert.equal(sent.length, 0);
  await Promise.resolve();
  assert.deepEqual(sent, [
    { node: 2, lane: "control", frames: [frame(4)] },
    { node: 3, lane: "control", frames: [frame(5)] },
    { node: 2, lane: "bulk", frames: [frame(0), frame(2)] },
    { node: 3, lane: "bulk", frames: [frame(1), frame(3)] },
  ]);
  batches.send(2, "bulk", frame(6));
  await Promise.resolve();
  assert.deepEqual(sent[4], { node: 2, lane: "bulk", frames: [frame(6)] });
});

Deno.test("send() lets no batch grow above a megabyte", async () => {
  const { sent, network: to } = network();
  const batches = new FrameBatches(to);
  for (let n = 0; n < 5; n++) batches.send(2, "bulk", frame(n, 400_000));
  await Promise.resolve();
  assert.deepEqual(sent.map(({ frames }) => frames.length), [2, 2, 1]);
});

Deno.test("send() tells every frame of a batch that was not queued", async () => {
  const { network: to } = network(false);
  const batches = new FrameBatches(to);
  const refused: number[] = [];
  for (let n = 0; n < 3; n++) {
    batches.send(2, "bulk", frame(n), () => refused.push(n));
  }
  assert.deepEqual(refused, []);
  await Promise.resolve();
  assert.deepEqual(refused, [0, 1, 2]);
});

Deno.test("decodeBatch() refuses a batch within a batch and lengths that lie", () => {
  const { body } = decodeFrame(encodeBatch([frame(1), frame(2)]));
  assert.throws(
    () => decodeBatch(decodeFrame(encodeBatch([encodeBatch([])])).body),
    MalformedBytesError,
  );
  for (let cut = 1; cut < body.length; cut++) {
    if (cut === 4 + frame(1).length) continue; // the first frame alone is a batch
    assert.throws(
      () => decodeBatch(body.subarray(0, cut)),
      MalformedBytesError,
    );
  }
});
