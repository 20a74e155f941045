import assert from "node:assert/strict";
import fc from "fast-check";
import { parseJson } from "../../src/server/parse_json.ts";
import {
  type DocumentLimits,
  JsonStream,
} from "../../src/server/json_stream.ts";

const LIMITS = { values: Infinity, depth: 1000 };

/** Parses a text that arrives in parts of `size` characters. */
async function parseParts(
  text: string,
  limits: DocumentLimits,
  size = Infinity,
  pause = () => Promise.resolve(),
): Promise<unknown> {
  const stream = new JsonStream(limits, pause);
  for (let at = 0; at < text.length; at += size) {
    await stream.push(text.slice(at, at + size));
  }
  return await stream.end();
}

/** Both ways to parse, which must not differ. */
async function parseBoth(text: string): Promise<unknown> {
  const whole = outcome(() => parseJson(text));
  const size = 1 + text.length % 7;
  const sliced = await parseParts(text, LIMITS, size).catch((error) => error);
  assert.deepEqual(kindOf(sliced), kindOf(whole), text);
  return sliced;
}

function outcome(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

/** The words of a refusal may differ. */
function kindOf(value: unknown): unknown {
  return value instanceof Error ? (value as { code?: string }).code : value;
}

/** An independent parser: JSON.parse, which looks at the text of every number. */
function oracle(text: string): unknown {
  return JSON.parse(text, (_key, value, context?: { source?: string }) => {
    const source = context?.source;
    return typeof value === "number" && source !== undefined &&
        !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value;
  });
}

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

/** Numbers as texts: short, long, broken, with exponents. */
const numberText = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n }).map(String),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) =>
    value.toExponential()
  ),
  fc.tuple(fc.integer(), fc.integer({ min: -400, max: 400 }))
    .map(([mantissa, exponent]) => `${mantissa}e${exponent}`),
  fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.nat())
    .map(([whole, part]) => `${whole}.${part}`),
);

/** Strings as texts, with every kind of escape. */
const stringText = fc.array(fc.oneof(
  fc.constantFrom(
    '\\"',
    "\\\\",
    "\\/",
    "\\n",
    "\\u0041",
    "\\ud83d",
    "\\ude00",
    "1234567890123456789",
    "😀",
    "]",
    "}",
    ",",
    ":",
  ),
  fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text).slice(1, -1)),
)).map((parts) => `"${parts.join("")}"`);

const space = fc.constantFrom("", " ", "\n\t", "\r ");

/** Documents as texts; no key is a lone backslash: after one, V8 15.0 itself misreads others. */
const { document } = fc.letrec<{ document: string }>((tie) => ({
  document: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    numberText,
    stringText,
    fc.constantFrom("null", "true", "false"),
    fc.tuple(fc.array(tie("document"), { maxLength: 5 }), space)
      .map(([items, gap]) => `[${gap}${items.join(`,${gap}`)}${gap}]`),
    fc.tuple(
      fc.array(
        fc.tuple(
          fc.constantFrom(
            "a",
            "b",
            "",
            "12",
            "__proto__",
            "9223372036854775807",
          ),
          tie("document"),
        ),
        { maxLength: 5 },
      ),
      space,
    ).map(([pairs, gap]) =>
      `{${gap}${
        pairs.map(([key, value]) => `"${key}"${gap}:${gap}${value}`)
          .join(`${gap},`)
      }${gap}}`
    ),
  ),
}));

Deno.test("both parsers do what JSON.parse() does, and keep integers", async () => {
  await fc.assert(
    fc.asyncProperty(document, async (text) => {
      assert.deepEqual(await parseBoth(text), oracle(text));
    }),
    { numRuns: 3000 },
  );
});

Deno.test("both parsers refuse what JSON.parse() refuses", async () => {
  const broken = fc.tuple(
    document,
    fc.nat(),
    fc.constantFrom(
      "",
      "x",
      '"',
      "\\",
      ",",
      "]",
      "}",
      "0",
      "-",
      ".",
      "e",
      "\u0001",
    ),
    fc.boolean(),
  ).map(([text, at, part, cut]) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + part + (cut ? "" : text.slice(place));
  });
  await fc.assert(
    fc.asyncProperty(broken, async (text) => {
      const value = await parseBoth(text);
      const expected = outcome(() => oracle(text));
      if (expected instanceof SyntaxError) {
        assert.equal(kindOf(value), "invalid", text);
      } else if (kindOf(value) !== "invalid") assert.deepEqual(value, expected);
      // What is left is an integer beyond 20 characters, which is refused in words.
      else assert.match((value as Error).message, /does not fit into 64 bits/);
    }),
    { numRuns: 5000 },
  );
});

Deno.test("strings are read in pieces without cutting an escape or a character", async () => {
  const pieces = ["\\u00e4", "\\\\", '\\"', "😀", "a", "\\ud83d\\ude00"];
  for (let shift = 0; shift < 14; shift++) {
    for (const piece of pieces) {
      const text = `["${"b".repeat(shift)}${piece.repeat(40_000)}", 1]`;
      assert.deepEqual(
        await parseParts(text, LIMITS, 50_000 + shift),
        JSON.parse(text),
        `${shift} ${piece}`,
      );
    }
  }
});

Deno.test("a document in slices lets others run between them", async () => {
  const text = `["${"\\n".repeat(4_000_000)}"]`;
  let turns = 0;
  await parseParts(text, LIMITS, Infinity, () => {
    turns++;
    return Promise.resolve();
  });
  assert(turns > 1, `${turns} turns`);
});

Deno.test("a document in slices ends at its limits", async () => {
  const limits = { values: 10, depth: 3 };
  await assert.rejects(parseParts(`[${"1,".repeat(20)}`, limits), {
    code: "too_large",
    message: /more than 10 values/,
  });
  await assert.rejects(parseParts("[[[[", limits), {
    code: "invalid",
    message: /nests more than 3/,
  });
  await assert.rejects(parseParts("1".repeat(2000), limits), {
    code: "invalid",
    message: /a number of more than 1024 characters/,
  });
  const value = await parseParts(`[[1,2,3],[4,5,6,7]]`, limits);
  assert.deepEqual(value, [[1, 2, 3], [4, 5, 6, 7]]);
});
