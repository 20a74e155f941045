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
import type { GroupMessage } from "../../src/group/messages.ts";
import { encodeSnapshotFrame } from "../../src/network/snapshot_codec.ts";
import { PeerRequests } from "../../src/network/requests.ts";
import {
  GroupRouter,
  type RoutedGroup,
} from "../../src/network/group_router.ts";
import { Logger } from "../../src/util/logger.ts";

const self = "1.00000000000000dd";
const peer: PeerIdentity = {
  id: "2.00000000000000bb",
  clusterId: "x",
  raftAddress: "",
  apiAddress: "",
  level: 1,
  groups: [],
  engine: "",
};

function receiver(): {
  router: GroupRouter;
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
  const hosted = (id: number): RoutedGroup => ({
    id,
    self,
    memberOf: ({ id }) => id,
    receive: (message) => received.push(message),
  });
  const groups = new Map([0, 7].map((id) => [id, hosted(id)]));
  const router = new GroupRouter({
    network,
    requests,
    logger,
    clusterId: () => "x",
    group: (id) => groups.get(id),
  });
  return { router, received, lines };
}

const heartbeat = (from: string, to: string, group = 7): Uint8Array =>
  encodeMessage(group, {
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
  const { router, received } = receiver();
  router.onFrame(peer, "control", heartbeat(peer.id, self));
  assert.equal(received.length, 1);
  router.onFrame(peer, "control", heartbeat("3.00000000000000cc", self));
  router.onFrame(peer, "control", heartbeat(peer.id, "1.00000000000000aa"));
  const stranger = { ...peer, clusterId: "y" };
  router.onFrame(stranger, "control", heartbeat(peer.id, self));
  assert.equal(received.length, 1);
});

Deno.test("onFrame() takes no frame of one group for another's, of whatever kind: it counts and drops it", () => {
  const { router, received, lines } = receiver();
  const chunk = (group: number): Uint8Array =>
    encodeSnapshotFrame(group, {
      type: "snapshotAck",
      from: peer.id,
      to: self,
      term: 1,
      last: { term: 1, index: 1 },
      offset: 0,
      state: "more",
    });
  router.onFrame(peer, "bulk", chunk(7));
  router.onFrame(peer, "control", heartbeat(peer.id, self));
  assert.equal(received.length, 2);
  // 263 has the same lowest byte as 7.
  for (const group of [1, 8, 263, 2 ** 32 - 1]) {
    router.onFrame(peer, "bulk", chunk(group));
    router.onFrame(peer, "control", heartbeat(peer.id, self, group));
  }
  assert.equal(received.length, 2);
  assert.equal(router.dropped, 8);
  assert.equal(lines.length, 4);
  assert.match(lines[0]!, /for group 1, which this member does not host/);
});

Deno.test("onFrame() drops and reports what it cannot read, of whatever kind and version", () => {
  const { router, received, lines } = receiver();
  const later = heartbeat(peer.id, self);
  later[1] = 99;
  const frames = [
    later,
    new Uint8Array(0),
    encodeFrame(FrameKind.raft, new Uint8Array([1, 2, 3])),
    encodeFrame(FrameKind.request, new Uint8Array([1])),
    encodeFrame(FrameKind.snapshotChunk, new Uint8Array([0, 9])),
  ];
  for (const frame of frames) router.onFrame(peer, "bulk", frame);
  router.onFrame(peer, "bulk", encodeFrame(200, new Uint8Array(3)));
  assert.equal(received.length, 0);
  assert.equal(lines.length, frames.length);
  assert.match(lines[0]!, /version 99/);
});

Deno.test("onFrame() with a request that cannot be served reports it and goes on", async () => {
  const { router, lines } = receiver();
  for (const method of ["throws", "rejects"]) {
    const frame = encodeRequest({ id: 1, method, body: new Uint8Array(0) });
    router.onFrame(peer, "bulk", frame.slice());
  }
  await Promise.resolve();
  assert.deepEqual(lines, [
    `request throws of ${peer.id} failed: on purpose`,
    `request rejects of ${peer.id} failed: later`,
  ]);
});

Deno.test("onFrame() takes batches apart; one frame it cannot read spoils no other", () => {
  const { router, received, lines } = receiver();
  const good = heartbeat(peer.id, self);
  const bad = encodeFrame(FrameKind.raft, new Uint8Array([1, 2, 3]));
  router.onFrame(peer, "control", encodeBatch([good, bad, good]));
  assert.equal(received.length, 2);
  assert.equal(lines.length, 1);
  router.onFrame(peer, "control", encodeBatch([encodeBatch([good])]));
  assert.equal(received.length, 2);
  assert.equal(lines.length, 2);
});
