import assert from "node:assert/strict";
import { KeyRing, parseKeyLine } from "../../src/backup/key_ring.ts";

const KEY = new Uint8Array(32).fill(255);
const TEXT = KEY.toBase64();

Deno.test("parseKeyLine() reads an id and 32 bytes; a slash may stand in the key", () => {
  assert(TEXT.includes("/"));
  assert.deepEqual(parseKeyLine(`q6u26onRvXVG4427/${TEXT}`), {
    id: "q6u26onRvXVG4427",
    key: KEY,
  });
});

Deno.test("parseKeyLine() refuses other lengths, ids that cryptr cannot read, and what is no line", () => {
  const short = KEY.subarray(1).toBase64();
  const long = new Uint8Array(33).toBase64();
  for (
    const line of [
      `id/${short}`,
      `id/${long}`,
      "id/",
      `i/${TEXT}`,
      `${"i".repeat(21)}/${TEXT}`,
      `i d/${TEXT}`,
      `/${TEXT}`,
      "",
      "id",
      "id/not base64!",
    ]
  ) assert.equal(parseKeyLine(line), undefined, line);
});

Deno.test("KeyRing needs its active key, and derives another key for each purpose", () => {
  assert.throws(() => new KeyRing([{ id: "k1", key: KEY }], "k2"), RangeError);
  const ring = new KeyRing([{ id: "k1", key: KEY }], "k1");
  assert.deepEqual(ring.keyOf("k1"), KEY);
  const [a, b] = ["a", "b"].map((purpose) => ring.keyOf("k1", purpose)!);
  assert.equal(a!.length, 32);
  assert.notDeepEqual(a, b);
  assert.notDeepEqual(a, KEY);
  assert.deepEqual(ring.keyOf("k1", "a"), a);
  assert.equal(ring.keyOf("k2"), undefined);
});
