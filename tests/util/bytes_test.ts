import assert from "node:assert/strict";
import {
  ByteReader,
  ByteWriter,
  encode,
  encodeShared,
  MalformedBytesError,
} from "../../src/util/bytes.ts";
import { TextMemo } from "../../src/util/text_memo.ts";

function text(value: string): string {
  const reader = new ByteReader(encode((writer) => writer.text(value)));
  const read = reader.text();
  reader.end();
  return read;
}

Deno.test("ByteReader.text() reverses ByteWriter.text() around the length where they change their ways", () => {
  for (const length of [0, 1, 63, 64, 65, 1000]) {
    const ascii = "x".repeat(length);
    assert.equal(text(ascii), ascii);
    assert.equal(text(ascii + "é"), ascii + "é");
    assert.equal(text("\u{1F600}" + ascii), "\u{1F600}" + ascii);
  }
});

Deno.test("ByteReader.u32() and u53() read every bit", () => {
  const bytes = new ByteWriter()
    .u32(0xffff_ffff).u32(0x8000_0001).u53(2 ** 53 - 1).u53(2 ** 32)
    .finish();
  const reader = new ByteReader(bytes);
  assert.equal(reader.u32(), 0xffff_ffff);
  assert.equal(reader.u32(), 0x8000_0001);
  assert.equal(reader.u53(), 2 ** 53 - 1);
  assert.equal(reader.u53(), 2 ** 32);
});

Deno.test("encodeShared() gives results that keep their bytes, whatever is encoded later", () => {
  const results = Array.from(
    { length: 100 },
    (_, n) =>
      encodeShared((writer) => writer.raw(new Uint8Array(n * 20).fill(n))),
  );
  for (const [n, result] of results.entries()) {
    assert.deepEqual(result, new Uint8Array(n * 20).fill(n));
  }
});

Deno.test("encode() works inside of encode()", () => {
  const bytes = encode((outer) => {
    outer.u8(1);
    const inner = encode((writer) => writer.u8(2).u8(3));
    outer.bytes(inner).u8(4);
  });
  assert.deepEqual([...bytes], [1, 2, 0, 0, 0, 2, 3, 4]);
});

Deno.test("encode() goes on after a failure with nothing left of it", () => {
  assert.throws(() =>
    encode((writer) => {
      writer.u8(9);
      throw new Error("stop");
    }), /stop/);
  assert.deepEqual([...encode((writer) => writer.u8(7))], [7]);
});

Deno.test("ByteReader.text() with a memo answers the same texts, and again the same string for equal bytes", () => {
  const memo = new TextMemo();
  const texts = Array.from(
    { length: 2000 },
    (_, n) => "x".repeat(n % 7) + (n % 3 === 0 ? "é" : "e") + n % 500,
  );
  for (const expected of [...texts, ...texts.toReversed()]) {
    const bytes = encode((writer) => writer.text(expected));
    assert.equal(new ByteReader(bytes).text(memo), expected);
  }
  const bytes = new TextEncoder().encode("SELECT 1");
  memo.keep(bytes, "SELECT 1");
  bytes[7] = 0x32;
  assert.equal(memo.find(bytes), undefined);
});

Deno.test("ByteReader.natural() reverses ByteWriter.natural(), which takes seven bits a byte", () => {
  const edges = Array.from({ length: 54 }, (_, bits) => 2 ** bits);
  for (const edge of edges) {
    for (const value of [edge - 1, edge, edge + 1, edge * 0.75 | 0]) {
      if (!Number.isSafeInteger(value) || value < 0) continue;
      const bytes = encode((writer) => writer.natural(value));
      const bits = value === 0 ? 1 : Math.floor(Math.log2(value)) + 1;
      if (value < 2 ** 48) assert.equal(bytes.length, Math.ceil(bits / 7));
      const reader = new ByteReader(bytes);
      assert.equal(reader.natural(), value);
      reader.end();
    }
  }
  for (const value of [-1, 0.5, 2 ** 53, NaN, Infinity]) {
    assert.throws(() => new ByteWriter().natural(value), /natural/);
  }
});

Deno.test("ByteReader.latin1() reverses ByteWriter.latin1() for texts of every length and character", () => {
  const all = String.fromCharCode(...Array.from({ length: 256 }, (_, i) => i));
  for (const length of [0, 1, 63, 64, 65, 256, 4096, 10_000]) {
    const text = all.repeat(40).slice(3, 3 + length);
    const bytes = encode((writer) => writer.u8(9).latin1(text).u8(8));
    assert.equal(bytes.length, length + 2);
    const reader = new ByteReader(bytes, 1);
    assert.equal(reader.latin1(length), text);
    assert.equal(reader.u8(), 8);
    assert.throws(() => reader.latin1(1), MalformedBytesError);
  }
});
