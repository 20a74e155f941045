import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { HiqliteError } from "../../../src/errors.ts";
import {
  fromByteKey,
  readKey,
  toByteKey,
  writeKey,
} from "../../../src/state/kv/keys.ts";
import { ByteReader, ByteWriter } from "../../../src/util/bytes.ts";

Deno.test("a key of bytes is those bytes, a key of text its UTF-8", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
    assert.deepEqual(fromByteKey(toByteKey(bytes)), bytes);
  }));
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const bytes = new TextEncoder().encode(text);
    assert.equal(toByteKey(text), toByteKey(bytes));
    assert.deepEqual(fromByteKey(toByteKey(text)), bytes);
  }));
});

Deno.test("keys have the order of their bytes, which is that of code points and not that of UTF-16", () => {
  assert.ok("\u{10000}" < "\uffff");
  assert.ok(toByteKey("\u{10000}") > toByteKey("\uffff"));
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const order = Buffer.compare(a, b);
      const [x, y] = [toByteKey(a), toByteKey(b)];
      assert.equal(x < y ? -1 : x > y ? 1 : 0, order);
    }),
  );
});

Deno.test("half a surrogate pair is no key", () => {
  assert.throws(
    () => toByteKey("a\ud800"),
    (error) => error instanceof HiqliteError && error.code === "invalid",
  );
});

Deno.test("a long key of bytes becomes one string", () => {
  const bytes = new Uint8Array(100_000).map((_, i) => i);
  assert.deepEqual(fromByteKey(toByteKey(bytes)), bytes);
});

Deno.test("a key is read as it was written", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 1024 }), (bytes) => {
    const writer = new ByteWriter();
    writeKey(writer, toByteKey(bytes));
    const key = readKey(new ByteReader(writer.finish()));
    assert.deepEqual(fromByteKey(key), bytes);
  }));
});
