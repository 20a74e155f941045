import assert from "node:assert/strict";
import fc from "fast-check";
import { MalformedBytesError } from "../../../src/util/bytes.ts";
import {
  MessageAssembly,
  MessageQueue,
} from "../../../src/network/sealed/messages.ts";
import { RecordReader } from "../../../src/network/sealed/record_reader.ts";

const RECORD = 100;

/** The contents of all records that wait. */
function drain(queue: MessageQueue): Uint8Array[] {
  const contents: Uint8Array[] = [];
  for (let record; (record = queue.take()) !== null;) {
    contents.push(record.writer.view().slice());
    queue.done(record);
  }
  return contents;
}

const messages = fc.array(fc.uint8Array({ maxLength: 350 }), { maxLength: 30 });

Deno.test("messages come out of records as they went in, whatever their lengths", () => {
  fc.assert(fc.property(messages, (sent) => {
    const queue = new MessageQueue(RECORD);
    for (const message of sent) queue.add(message);
    assert.equal(queue.payload, sent.reduce((sum, m) => sum + m.length, 0));
    const records = drain(queue);
    assert.equal(queue.payload, 0);
    assert.ok(records.every(({ length }) => length <= RECORD));
    const assembly = new MessageAssembly(350);
    const got = records.flatMap((contents) => assembly.take(contents));
    assert.deepEqual(got, sent);
  }));
});

Deno.test("short messages share a record, and one that fits into a record is not cut", () => {
  const queue = new MessageQueue(RECORD);
  for (let i = 0; i < 10; i++) queue.add(new Uint8Array(16));
  queue.add(new Uint8Array(RECORD - 4));
  assert.deepEqual(drain(queue).map(({ length }) => length), [100, 100, 100]);
});

Deno.test("a queue copies what it is given, and memory is used again only when a record is done", () => {
  const queue = new MessageQueue(RECORD);
  const message = Uint8Array.of(1, 2);
  queue.add(message);
  message.fill(9);
  const first = queue.take()!;
  queue.add(Uint8Array.of(7));
  assert.deepEqual(first.writer.view().slice(4), Uint8Array.of(1, 2));
  queue.done(first);
  assert.equal(queue.payload, 1);
  queue.add(Uint8Array.of(8));
  const contents = drain(queue);
  assert.deepEqual(new MessageAssembly(9).take(contents[0]!), [
    Uint8Array.of(7),
    Uint8Array.of(8),
  ]);
});

Deno.test("a message that is announced as too long, and half a length, are malformed", () => {
  const assembly = new MessageAssembly(1000);
  assert.throws(
    () => assembly.take(Uint8Array.of(0xe9, 3, 0, 0)),
    (error) =>
      error instanceof MalformedBytesError &&
      /at most 1000 bytes, announced 1001/.test(error.message),
  );
  assert.throws(
    () => new MessageAssembly(9).take(Uint8Array.of(1, 0, 0)),
    MalformedBytesError,
  );
  assert.deepEqual(new MessageAssembly(1000).take(new Uint8Array()), []);
});

Deno.test("a record reader finds records however they arrive", () => {
  const chunks = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 });
  fc.assert(fc.property(messages, chunks, (records, sizes) => {
    const stream = Uint8Array.from(
      records.flatMap((
        record,
      ) => [record.length & 255, record.length >> 8, 0, 0, ...record]),
    );
    const first = stream.subarray(0, Math.min(stream.length, sizes[0]!));
    const reader = new RecordReader(64, 350, first);
    const got: Uint8Array[] = [];
    let at = first.length;
    for (let step = 0;; step++) {
      for (let record; (record = reader.next()) !== null;) {
        got.push(record.slice());
      }
      if (at === stream.length) break;
      const room = reader.room();
      assert.ok(room.length > 0);
      const count = Math.min(
        room.length,
        sizes[step % sizes.length]!,
        stream.length - at,
      );
      room.set(stream.subarray(at, at + count));
      reader.filled(count);
      at += count;
    }
    assert.deepEqual(got, records);
    assert.equal(reader.rest.length, 0);
  }));
});

Deno.test("a record reader takes no memory for a record that is announced as too long", () => {
  const reader = new RecordReader(64, 350, Uint8Array.of(0x5f, 1, 0, 0));
  assert.throws(() => reader.next(), {
    name: "MalformedBytesError",
    message: /at most 350 bytes, announced 351/,
  });
  assert.throws(() => reader.room(), { name: "MalformedBytesError" });
  const fits = new RecordReader(64, 350, Uint8Array.of(0x5e, 1, 0, 0));
  assert.ok(fits.room().length <= 350);
});
