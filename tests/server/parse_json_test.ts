import assert from "node:assert/strict";
import { parseJson } from "../../src/server/parse_json.ts";

const EQUAL: readonly [string, unknown][] = [
  ["9007199254740993", 9007199254740993n],
  ["-9007199254740993", -9007199254740993n],
  ["9007199254740991", 9007199254740991],
  ["[1234567890123456]", [1234567890123456]],
  ["0.12345678901234567890", 0.12345678901234567890],
  ["12345678901234567890.5", 12345678901234567890.5],
  ["1e20", 1e20],
  ["12345678901234567890e2", 12345678901234567890e2],
  ['{"a": "9007199254740993"}', { a: "9007199254740993" }],
  ['["\\"", 9007199254740993]', ['"', 9007199254740993n]],
  ['["\\\\", 9007199254740993]', ["\\", 9007199254740993n]],
  ['["\\\\\\"9007199254740993", 1]', ['\\"9007199254740993', 1]],
  ['{"9007199254740993": 5}', { "9007199254740993": 5 }],
];
for (const [text, value] of EQUAL) {
  Deno.test(`parseJson() reads ${text}`, () => {
    assert.deepEqual(parseJson(text), value);
  });
}

for (const text of ["", "{", '"9007199254740993', '["\\"9007199254740993]']) {
  Deno.test(`parseJson() refuses ${text || "nothing"}`, () => {
    assert.throws(() => parseJson(text), { code: "invalid" });
  });
}

Deno.test("parseJson() does what JSON.parse() does on random documents", () => {
  const seed = Date.now() % 2 ** 32;
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  // No key is a lone backslash: after one, V8 15.0 itself misreads other keys.
  const keys = ['"', '\\"', "1234567890123456789", "x", "😀", "\n", ""];
  const strings = ['"', "\\", '\\"', "1234567890123456789", "x", "😀", "\n"];
  const value = (depth: number): unknown => {
    switch (next(depth > 0 ? 5 : 3)) {
      case 0:
        return next(2 ** 31) * (next(2) === 0 ? 1 : -0.5);
      case 1:
        return Array.from({ length: next(4) }, () => strings[next(7)]).join("");
      case 2:
        return [null, true, false][next(3)];
      case 3:
        return Array.from({ length: next(5) }, () => value(depth - 1));
      default:
        return Object.fromEntries(
          Array.from({ length: next(4) }, () => [
            keys[next(7)]!,
            value(depth - 1),
          ]),
        );
    }
  };
  for (let round = 0; round < 500; round++) {
    const document = { big: 0, value: value(4) };
    const text = JSON.stringify(document)
      .replace('"big":0', '"big":9007199254740993');
    assert.deepEqual(
      parseJson(text),
      { ...document, big: 9007199254740993n },
      `seed ${seed}: ${text}`,
    );
  }
});
