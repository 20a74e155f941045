import assert from "node:assert/strict";
import {
  encodeBatch,
  encodeFrame,
  encodeRequest,
  FrameKind,
} from "../../src/network/frame.ts";
import { MemoryNetwork } from "../../src/network/memory_network.ts";
import type { PeerIdentity } from "../../src/network/port.ts";
import { encodeMessage } from "../../src/network/raft_codec.ts";
import { memberIdOf, newIdentity } from "../../src/node/volume/identity.ts";
import type { GroupMessage } from "../../src/group/messages.ts";
import { PeerRequests } from "../../src/network/requests.ts";
import { Traffic } from "../../src/network/group_router.ts";
import { Logger } from "../../src/util/logger.ts";

const identity = { ...newIdentity(1), clusterId: "x" };
const self = memberIdOf(identity);
const peer: PeerIdentity = {
  id: "2.00000000000000bb",
  clusterId: "x",
  raftAddress: "",
  apiAddress: "",
};

function receiver(): {
  traffic: Traffic;
  received: GroupMessage[];
  lines: string[];
} {
  const received: GroupMessage[] = [];
  const lines: string[] = [];
  const network = new MemoryNetwork().join({
    self: { ...peer, id: self },
    peers: [],
    events: { frame: () => {}, linkUp: () => {}, linkDown: () => {} },
  });
  const logger = new Logger("info", ({ message }) => lines.push(message));
  const requests = new PeerRequests(network, logger);
  requests.serve({
    throws: () => {
      throw new Error("on purpose");
    },
    rejects: () => Promise.reject(new Error("later")),
  });
  const traffic = new Traffic({
    network,
    requests,
    logger,
    identity: () => identity,
    receive: (message) => received.push(message),
  });
  return { traffic, received, lines };
}

const heartbeat = (from: string, to: string): Uint8Array =>
  encodeMessage(0, {
    type: "heartbeat",
    from,
    to,
    term: 1,
    commit: 0,
    round: 1,
    clockMs: 0,
  })
    .slice();

Deno.test("onFrame() passes on what the peer wrote for this incarnation in this cluster", () => {
  const { traffic, received } = receiver();
  traffic.onFrame(peer, "control", heartbeat(peer.id, self));
  assert.equal(received.length, 1);
  traffic.onFrame(peer, "control", heartbeat("3.00000000000000cc", self));
  traffic.onFrame(peer, "control", heartbeat(peer.id, "1.00000000000000aa"));
  const stranger = { ...peer, clusterId: "y" };
  traffic.onFrame(stranger, "control", heartbeat(peer.id, self));
  assert.equal(received.length, 1);
});

Deno.test("onFrame() drops and reports what it cannot read, of whatever kind and version", () => {
  const { traffic, received, lines } = receiver();
  const later = heartbeat(peer.id, self);
  later[1] = 99;
  const frames = [
    later,
    new Uint8Array(0),
    encodeFrame(FrameKind.raft, new Uint8Array([1, 2, 3])),
    encodeFrame(FrameKind.request, new Uint8Array([1])),
    encodeFrame(FrameKind.snapshotChunk, new Uint8Array([0, 9])),
  ];
  for (const frame of frames) traffic.onFrame(peer, "bulk", frame);
  traffic.onFrame(peer, "bulk", encodeFrame(200, new Uint8Array(3)));
  assert.equal(received.length, 0);
  assert.equal(lines.length, frames.length);
  assert.match(lines[0]!, /version 99/);
});

Deno.test("onFrame() with a request that cannot be served reports it and goes on", async () => {
  const { traffic, lines } = receiver();
  for (const method of ["throws", "rejects"]) {
    const frame = encodeRequest({ id: 1, method, body: new Uint8Array(0) });
    traffic.onFrame(peer, "bulk", frame.slice());
  }
  await Promise.resolve();
  assert.deepEqual(lines, [
    `request throws of ${peer.id} failed: on purpose`,
    `request rejects of ${peer.id} failed: later`,
  ]);
});

Deno.test("onFrame() takes batches apart; one frame it cannot read spoils no other", () => {
  const { traffic, received, lines } = receiver();
  const good = heartbeat(peer.id, self);
  const bad = encodeFrame(FrameKind.raft, new Uint8Array([1, 2, 3]));
  traffic.onFrame(peer, "control", encodeBatch([good, bad, good]));
  assert.equal(received.length, 2);
  assert.equal(lines.length, 1);
  traffic.onFrame(peer, "control", encodeBatch([encodeBatch([good])]));
  assert.equal(received.length, 2);
  assert.equal(lines.length, 2);
});
