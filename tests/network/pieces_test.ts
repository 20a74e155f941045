import assert from "node:assert/strict";
import fc from "fast-check";
import {
  announce,
  Assembly,
  cut,
  KEEPALIVE,
} from "../../src/network/pieces.ts";
import { MalformedBytesError } from "../../src/util/bytes.ts";

Deno.test("Assembly puts together what cut() cut, between other messages and keepalives", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 100 })),
      fc.integer({ min: 1, max: 30 }),
      (messages, pieceBytes) => {
        const assembly = new Assembly(100);
        const out: Uint8Array[] = [];
        const take = (bytes: Uint8Array): void => {
          const message = assembly.binary(bytes);
          if (message !== null) out.push(message);
        };
        for (const message of messages) {
          if (message.length <= pieceBytes) {
            take(message);
            continue;
          }
          assembly.text(announce(message.length));
          for (const piece of cut(message, pieceBytes)) {
            assert.ok(piece.length <= pieceBytes);
            assembly.text(KEEPALIVE);
            take(piece);
          }
        }
        assert.deepEqual(out, messages);
      },
    ),
  );
});

Deno.test("Assembly refuses a message above its limit, announced or whole", () => {
  const assembly = new Assembly(100);
  assert.throws(
    () => assembly.text("m101"),
    /at most 100 bytes, announced 101/,
  );
  assert.throws(
    () => assembly.binary(new Uint8Array(101)),
    /at most 100 bytes, found 101/,
  );
});

Deno.test("Assembly refuses a piece that is empty or too long, and a message inside another", () => {
  const begun = (): Assembly => {
    const assembly = new Assembly(100);
    assembly.text("m10");
    return assembly;
  };
  const refusals = [
    () => begun().binary(new Uint8Array(11)),
    () => begun().binary(new Uint8Array(0)),
    () => begun().text("m5"),
  ];
  for (const refusal of refusals) {
    assert.throws(refusal, MalformedBytesError);
  }
});

Deno.test("Assembly refuses every text but its own words", () => {
  for (
    const text of ["", "m", "m0", "m-1", "m1e3", "m99999999999", "x", "kk"]
  ) {
    assert.throws(
      () => new Assembly(100).text(text),
      MalformedBytesError,
      `took ${JSON.stringify(text)}`,
    );
  }
});
