import assert from "node:assert/strict";
import type { SnapshotAck, SnapshotChunk } from "../../src/group/messages.ts";
import { SnapshotReceiver } from "../../src/group/snapshot_receiver.ts";
import { NO_CONFIGURATION } from "../../src/raft/types.ts";
import { ListMachine } from "../node/trio.ts";

Deno.test("§1.5 SnapshotReceiver takes chunks in their order only, and says which one is next", () => {
  const machine = new ListMachine((step) => step());
  const acks: SnapshotAck[] = [];
  const received: number[] = [];
  const receiver = new SnapshotReceiver({
    machine,
    self: "2.b",
    term: () => 1,
    installing: () => false,
    send: (ack) => void acks.push(ack),
    received: (_from, _term, last) => void received.push(last.index),
    failed: (error) => assert.fail(error),
  });
  const bytes = new TextEncoder().encode('[5,["a"]]');
  const chunk = (from: number, to: number): SnapshotChunk => ({
    type: "snapshotChunk",
    from: "1.a",
    to: "2.b",
    term: 1,
    last: { term: 1, index: 7 },
    config: NO_CONFIGURATION,
    size: bytes.length,
    sha256: "",
    offset: from,
    bytes: bytes.slice(from, to),
  });
  receiver.chunk(chunk(0, 2));
  receiver.chunk(chunk(3, 5)); // Overtook the one before it.
  receiver.chunk(chunk(0, 2)); // A duplicate.
  assert.deepEqual(
    acks.map(({ offset, state }) => [offset, state]),
    [[2, "more"], [2, "more"], [2, "more"]],
  );
  receiver.chunk(chunk(2, bytes.length));
  assert.deepEqual(received, [7]);
  machine.install({ term: 1, index: 7 }, (error) => assert.equal(error, null));
  assert.deepEqual(machine.items, ["a"]);
});

Deno.test("§1.5 SnapshotReceiver takes no other snapshot while one is about to be installed", () => {
  const machine = new ListMachine((step) => step());
  const acks: SnapshotAck[] = [];
  let installing = false;
  const receiver = new SnapshotReceiver({
    machine,
    self: "2.b",
    term: () => 1,
    installing: () => installing,
    send: (ack) => void acks.push(ack),
    received: () => installing = true,
    failed: (error) => assert.fail(error),
  });
  const bytes = new TextEncoder().encode('[5,["a"]]');
  const whole = (index: number): SnapshotChunk => ({
    type: "snapshotChunk",
    from: "1.a",
    to: "2.b",
    term: 1,
    last: { term: 1, index },
    config: NO_CONFIGURATION,
    size: bytes.length,
    sha256: "",
    offset: 0,
    bytes,
  });
  receiver.chunk(whole(7));
  receiver.chunk(whole(9));
  assert.deepEqual(acks.map(({ last, state }) => [last.index, state]), [
    [7, "done"],
    [9, "failed"],
  ]);
  machine.install({ term: 1, index: 7 }, (error) => assert.equal(error, null));
  installing = false;
  receiver.forget();
  receiver.chunk(whole(9));
  assert.equal(acks.at(-1)!.state, "done");
});

Deno.test("§1.5 SnapshotReceiver binds chunks to term, snapshot and offset", () => {
  const machine = new ListMachine((step) => step());
  const acks: SnapshotAck[] = [];
  const received: number[] = [];
  let term = 3;
  const receiver = new SnapshotReceiver({
    machine,
    self: "2.b",
    term: () => term,
    installing: () => false,
    send: (ack) => void acks.push(ack),
    received: (_from, _term, last) => void received.push(last.index),
    failed: (error) => assert.fail(error),
  });
  const take = (
    { index, sha256 = "a", offset, text, ...rest }: {
      index: number;
      sha256?: string;
      offset: number;
      text: string;
      term?: number;
    },
  ): [offset: number, state: string] => {
    receiver.chunk({
      type: "snapshotChunk",
      from: "1.a",
      to: "2.b",
      term,
      last: { term: 1, index },
      config: NO_CONFIGURATION,
      size: 5,
      sha256,
      offset,
      bytes: new TextEncoder().encode(text),
      ...rest,
    });
    const ack = acks.at(-1)!;
    assert.equal(ack.last.index, index);
    return [ack.offset, ack.state];
  };
  assert.deepEqual(take({ index: 7, offset: 0, text: '["' }), [2, "more"]);
  const old = take({ index: 7, offset: 2, text: 'z"]', term: 2 });
  assert.deepEqual(old, [0, "failed"], "of a deposed leader");
  const later = take({ index: 9, offset: 2, text: 'z"]' });
  assert.deepEqual(later, [0, "more"], "another snapshot begins at 0");
  assert.deepEqual(take({ index: 7, offset: 2, text: 'a"]' }), [0, "more"]);
  assert.deepEqual(take({ index: 7, offset: 0, text: '["' }), [2, "more"]);
  const twin = take({ index: 7, sha256: "b", offset: 2, text: 'z"]' });
  assert.deepEqual(twin, [0, "more"], "other bytes of the same entry");
  assert.deepEqual(take({ index: 7, offset: 0, text: '["' }), [2, "more"]);
  term = 4;
  // The next leader has the very same bytes.
  assert.deepEqual(take({ index: 7, offset: 2, text: 'a"]' }), [5, "done"]);
  assert.deepEqual(received, [7]);
});
