import assert from "node:assert/strict";
import fc from "fast-check";
import {
  SHORT_TEXT,
  shortAscii,
  shortAsciiBytes,
} from "../../src/util/latin1.ts";

const ascii = fc.string({
  unit: "binary-ascii",
  maxLength: SHORT_TEXT,
  size: "max",
});

Deno.test("bytes of short texts stay what they are, whatever is made after them", () => {
  // More than share one buffer.
  fc.assert(
    fc.property(
      fc.array(ascii, { minLength: 600, maxLength: 700 }),
      (texts) => {
        const made = texts.map((text) => shortAsciiBytes(text)!);
        assert.deepEqual(made.map((bytes) => shortAscii(bytes)), texts);
        const encoded = texts.map((text) => new TextEncoder().encode(text));
        assert.deepEqual(made.map((bytes) => Uint8Array.from(bytes)), encoded);
      },
    ),
    { numRuns: 5 },
  );
});

Deno.test("a text that is long or not ASCII has no such bytes, and leaves the others alone", () => {
  const before = shortAsciiBytes("before")!;
  for (const text of ["é", "a€", "\u0100", "x".repeat(SHORT_TEXT + 1)]) {
    assert.equal(shortAsciiBytes(text), null);
  }
  const after = shortAsciiBytes("after")!;
  assert.deepEqual([before, after].map((bytes) => shortAscii(bytes)), [
    "before",
    "after",
  ]);
});
