import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeFrame } from "../../src/network/frame.ts";
import type { SnapshotAck, SnapshotChunk } from "../../src/group/messages.ts";
import {
  decodeSnapshotFrame,
  encodeSnapshotFrame,
} from "../../src/network/snapshot_codec.ts";
import { NO_CONFIGURATION } from "../../src/raft/types.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";

const chunk: SnapshotChunk = {
  type: "snapshotChunk",
  from: "1.0000000000000001",
  to: "2.0000000000000002",
  term: 7,
  last: { term: 6, index: 1234 },
  config: { ...NO_CONFIGURATION, voters: ["1.0000000000000001"] },
  size: 2 ** 40,
  sha256: "ab".repeat(32),
  offset: 2 ** 33,
  bytes: new Uint8Array([1, 2, 3]),
};

Deno.test("decodeSnapshotFrame() reads what encodeSnapshotFrame() wrote", () => {
  const { from, to, term, last, offset } = chunk;
  const ack: SnapshotAck = {
    type: "snapshotAck",
    ...{ from, to, term, last, offset },
    state: "failed",
  };
  for (const message of [chunk, ack]) {
    const { body } = decodeFrame(encodeSnapshotFrame(3, message));
    assert.deepEqual(decodeSnapshotFrame(body), { group: 3, message });
  }
});

Deno.test("decodeSnapshotFrame() answers anything else with MalformedBytesError", () => {
  const { body } = decodeFrame(encodeSnapshotFrame(0, chunk));
  const refuses = (bytes: Uint8Array): void => {
    try {
      decodeSnapshotFrame(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedBytesError, String(error));
    }
  };
  for (let i = 0; i < body.length; i++) {
    assert.throws(() => decodeSnapshotFrame(body.subarray(0, i)));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), refuses));
  fc.assert(
    fc.property(fc.nat(body.length - 1), fc.nat(255), (at, byte) => {
      const damaged = body.slice();
      damaged[at] = byte;
      refuses(damaged);
    }),
  );
});
