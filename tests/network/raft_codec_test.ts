import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeFrame,
  decodeRequest,
  decodeResponse,
  encodeFrame,
  encodeRequest,
  encodeResponse,
  FrameKind,
  METHOD_BYTES_MAX,
  UnsupportedVersionError,
} from "../../src/network/frame.ts";
import { decodeMessage, encodeMessage } from "../../src/network/raft_codec.ts";
import type { AppendEntries, Message } from "../../src/raft/messages.ts";
import type { Entry, EntryKind } from "../../src/raft/types.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";

const u53 = fc.maxSafeNat();
const member = fc.tuple(
  fc.integer({ min: 1, max: 99 }),
  fc.stringMatching(/^[0-9a-f]{16}$/),
).map(([node, incarnation]) => `${node}.${incarnation}`);
const logId = fc.record({ term: u53, index: u53 });
const envelope = { from: member, to: member, term: u53 };
const is = <T extends string>(type: T): fc.Arbitrary<T> => fc.constant(type);

const append: fc.Arbitrary<AppendEntries> = fc.record({
  ...envelope,
  prev: fc.record({
    term: u53,
    index: fc.integer({ min: 0, max: 2 ** 50 }),
  }),
  commit: u53,
  drafts: fc.array(
    fc.record({
      term: u53,
      kind: fc.constantFrom<EntryKind>(0, 1, 2),
      payload: fc.uint8Array({ maxLength: 40 }),
    }),
    { maxLength: 8 },
  ),
}).map(({ drafts, ...rest }) => ({
  ...rest,
  type: "appendEntries",
  last: rest.prev.index + drafts.length,
  entries: drafts.map((draft, i) => ({
    index: rest.prev.index + 1 + i,
    ...draft,
  })),
}));

const message: fc.Arbitrary<Message> = fc.oneof(
  append,
  fc.record({
    ...envelope,
    type: is("requestVote"),
    lastLog: logId,
    preVote: fc.boolean(),
    transfer: fc.boolean(),
  }),
  fc.record({
    ...envelope,
    type: is("voteReply"),
    preVote: fc.boolean(),
    granted: fc.boolean(),
  }),
  fc.record({
    ...envelope,
    type: is("appendReply"),
    ok: fc.boolean(),
    index: u53,
    hint: logId,
  }),
  fc.record({
    ...envelope,
    type: is("heartbeat"),
    commit: u53,
    round: u53,
    clockMs: u53,
  }),
  fc.record({ ...envelope, type: is("heartbeatReply"), round: u53 }),
  fc.record({ ...envelope, type: is("readIndex"), requestId: u53 }),
  fc.record({
    ...envelope,
    type: is("readIndexReply"),
    requestId: u53,
    index: fc.option(u53),
  }),
  fc.record({ ...envelope, type: is("timeoutNow") }),
).map((drawn) => structuredClone(drawn));

const heartbeat: Message = {
  type: "heartbeat",
  from: "1.00000000000000aa",
  to: "2.00000000000000bb",
  term: 3,
  commit: 4,
  round: 5,
  clockMs: 6,
};

function refusedCleanly(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(
      error instanceof MalformedBytesError ||
        error instanceof UnsupportedVersionError,
      `unexpected ${error}`,
    );
  }
}

Deno.test("decodeMessage() returns what encodeMessage() was given", () => {
  fc.assert(
    fc.property(fc.nat(0xffff), message, (group, given) => {
      const decoded = decodeMessage(encodeMessage(group, given));
      assert.deepEqual(decoded, { group, message: given });
    }),
  );
});

Deno.test("encodeMessage() takes the entries separately and names the last one included", () => {
  const entries: Entry[] = [
    { index: 8, term: 2, kind: 1, payload: Uint8Array.of(1, 2, 3) },
    { index: 9, term: 3, kind: 0, payload: new Uint8Array(0) },
  ];
  const emitted: AppendEntries = {
    type: "appendEntries",
    from: "1.a",
    to: "2.b",
    term: 3,
    prev: { term: 2, index: 7 },
    last: 20,
    commit: 6,
    entries: [],
  };
  const decoded = decodeMessage(encodeMessage(0, emitted, entries)).message;
  assert.deepEqual(decoded, { ...emitted, last: 9, entries });
});

Deno.test("encodeMessage() refuses entries that do not follow prev", () => {
  const gap: Entry[] = [
    { index: 3, term: 1, kind: 1, payload: new Uint8Array(1) },
  ];
  const probe: AppendEntries = {
    type: "appendEntries",
    from: "1.a",
    to: "2.b",
    term: 1,
    prev: { term: 1, index: 1 },
    last: 1,
    commit: 0,
    entries: [],
  };
  assert.throws(() => encodeMessage(0, probe, gap), /entry 3 where 2 belongs/);
});

Deno.test("encodeMessage() refuses snapshotReceived, which never travels", () => {
  assert.throws(
    () =>
      encodeMessage(0, {
        type: "snapshotReceived",
        from: "1.a",
        to: "2.b",
        term: 1,
        snapshot: {
          last: { term: 1, index: 1 },
          config: {
            voters: [],
            votersOutgoing: [],
            learners: [],
            learnersNext: [],
          },
        },
      }),
    /never travels/,
  );
});

Deno.test("decodeMessage() hands out payloads as views into the frame", () => {
  const frame = encodeMessage(0, {
    type: "appendEntries",
    from: "1.a",
    to: "2.b",
    term: 1,
    prev: { term: 0, index: 0 },
    last: 1,
    commit: 0,
    entries: [{ index: 1, term: 1, kind: 1, payload: new Uint8Array(9) }],
  });
  const { message } = decodeMessage(frame);
  assert.ok(message.type === "appendEntries");
  assert.equal(message.entries[0]!.payload.buffer, frame.buffer);
});

Deno.test("decodeMessage() refuses an unknown version, naming it", () => {
  const frame = encodeMessage(0, heartbeat);
  frame[1] = 9;
  assert.throws(
    () => decodeMessage(frame),
    (error) =>
      error instanceof UnsupportedVersionError && error.version === 9 &&
      /version 9/.test(error.message),
  );
});

Deno.test("decodeMessage() refuses an unknown message type, naming it", () => {
  const frame = encodeMessage(0, heartbeat);
  frame[2] = 77;
  assert.throws(() => decodeMessage(frame), /unknown message type 77/);
});

Deno.test("decodeMessage() refuses every truncation and any byte too many", () => {
  fc.assert(
    fc.property(message, (given) => {
      const frame = encodeMessage(1, given);
      for (let length = 0; length < frame.length; length++) {
        assert.throws(
          () => decodeMessage(frame.subarray(0, length)),
          MalformedBytesError,
        );
      }
      const longer = new Uint8Array(frame.length + 1);
      longer.set(frame);
      assert.throws(() => decodeMessage(longer), MalformedBytesError);
    }),
    { numRuns: 50 },
  );
});

Deno.test("decodeMessage() answers random bytes only with its two errors", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      refusedCleanly(() => decodeMessage(bytes));
      refusedCleanly(() => decodeMessage(encodeFrame(FrameKind.raft, bytes)));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("decodeMessage() answers damaged messages with its two errors or another valid message", () => {
  fc.assert(
    fc.property(
      message,
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), {
        minLength: 1,
        maxLength: 4,
      }),
      (given, damage) => {
        const frame = encodeMessage(1, given).slice();
        for (const [at, value] of damage) frame[at % frame.length] = value;
        refusedCleanly(() => {
          const { group, message } = decodeMessage(frame);
          assert.deepEqual(encodeMessage(group, message), frame);
        });
      },
    ),
    { numRuns: 1000 },
  );
});

Deno.test("decodeMessage() does not allocate for a hostile entry count", () => {
  const frame = encodeMessage(0, {
    type: "appendEntries",
    from: "1.a",
    to: "2.b",
    term: 1,
    prev: { term: 0, index: 0 },
    last: 0,
    commit: 0,
    entries: [],
  }).slice();
  new DataView(frame.buffer).setUint32(frame.length - 4, 0xffffffff, true);
  assert.throws(() => decodeMessage(frame), /4294967295 entries in 0 bytes/);
});

Deno.test("decodeRequest() and decodeResponse() return what was encoded", () => {
  fc.assert(
    fc.property(
      fc.nat(0xffffffff),
      fc.stringMatching(/^[a-z.]{0,40}$/),
      fc.uint8Array(),
      fc.boolean(),
      (id, method, body, ok) => {
        const request = decodeFrame(encodeRequest({ id, method, body }));
        assert.equal(request.kind, FrameKind.request);
        assert.deepEqual(decodeRequest(request.body), { id, method, body });
        const response = decodeFrame(encodeResponse({ id, ok, body }));
        assert.equal(response.kind, FrameKind.response);
        assert.deepEqual(decodeResponse(response.body), { id, ok, body });
      },
    ),
  );
});

Deno.test("decodeRequest() refuses a method name over its limit", () => {
  const method = "m".repeat(METHOD_BYTES_MAX + 1);
  const frame = encodeRequest({ id: 1, method, body: new Uint8Array(0) });
  assert.throws(
    () => decodeRequest(decodeFrame(frame).body),
    /at most 128 bytes, found 129/,
  );
});

Deno.test("decodeFrame(), decodeRequest() and decodeResponse() answer random bytes only with their errors", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      refusedCleanly(() => decodeFrame(bytes));
      refusedCleanly(() => decodeRequest(bytes));
      refusedCleanly(() => decodeResponse(bytes));
    }),
    { numRuns: 500 },
  );
});
