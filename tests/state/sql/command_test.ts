import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeCommand, writeCommand } from "../../../src/state/sql/command.ts";
import { decodeResult, writeResult } from "../../../src/state/sql/result.ts";
import type {
  CommandBody,
  CommandResult,
  SqlValue,
} from "../../../src/state/sql/types.ts";
import type { ValueKind } from "../../../src/state/stored_value.ts";
import { HiqliteError } from "../../../src/errors.ts";
import { encodeShared, MalformedBytesError } from "../../../src/util/bytes.ts";
import { damaged } from "../damaged.ts";

const encodeCommand = (body: CommandBody): Uint8Array<ArrayBuffer> =>
  encodeShared((writer) => writeCommand(writer, body));
const encodeResult = (result: CommandResult): Uint8Array<ArrayBuffer> =>
  encodeShared((writer) => writeResult(writer, result));

/** Like `fc.record`, with ordinary objects. */
function record<T>(
  model: { [K in keyof T]: fc.Arbitrary<T[K]> },
  constraints: { requiredKeys?: (keyof T)[] } = {},
): fc.Arbitrary<T> {
  return fc.record(model, {
    ...constraints,
    noNullPrototype: true,
  } as never) as fc.Arbitrary<T>;
}

const text = fc.string({ unit: "binary" });
const integer = fc.maxSafeInteger();
const big = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .filter((value) => !Number.isSafeInteger(Number(value)));
const value: fc.Arbitrary<SqlValue> = fc.oneof(
  fc.constant(null),
  integer,
  big,
  fc.double({ noNaN: true }).filter((v) => !Object.is(v, -0)),
  text,
  fc.uint8Array(),
);
const reference = record({
  $ref: record({
    statement: fc.nat(),
    column: fc.oneof(fc.nat(), text),
  }),
});
const parameter = fc.oneof(value, reference);
const statement = record({
  sql: text,
  params: fc.oneof(
    fc.array(parameter),
    fc.dictionary(text, parameter, { noNullPrototype: true }),
  ),
}, { requiredKeys: ["sql"] });
const data = record({
  kind: fc.constantFrom<ValueKind>("bytes", "text", "json"),
  bytes: fc.uint8Array(),
});
const notify = fc.array(
  record({ topic: text, data: fc.oneof(data, reference) }),
  { minLength: 1 },
);
const body: fc.Arbitrary<CommandBody> = fc.oneof(
  record(
    { kind: fc.constant("execute" as const), statement, notify },
    { requiredKeys: ["kind", "statement"] },
  ),
  record({
    kind: fc.constant("notify" as const),
    notices: fc.array(record({ topic: text, data })),
  }),
  record({
    kind: fc.constant("txn" as const),
    statements: fc.array(statement),
  }),
  record({ kind: fc.constant("batch" as const), sql: text }),
  record({
    kind: fc.constant("migrate" as const),
    migrations: fc.array(record({ id: fc.nat(), name: text, sql: text })),
  }),
);
const natural = fc.maxSafeNat();

const statementResult = fc.integer({ min: 1, max: 4 }).chain((width) =>
  record({
    rowsAffected: natural,
    lastInsertRowid: fc.oneof(fc.constant(null), integer, big),
    columns: fc.array(text, { minLength: width, maxLength: width }),
    rows: fc.array(
      fc.array(value, { minLength: width, maxLength: width }),
    ),
  })
);
const result: fc.Arbitrary<CommandResult> = fc.oneof(
  record({
    ok: fc.constant(true as const),
    results: fc.array(statementResult),
  }),
  record({
    ok: fc.constant(false as const),
    error: record({
      code: fc.constantFrom("sql" as const, "conflict" as const),
      message: text,
      statement: fc.nat(),
    }, { requiredKeys: ["code", "message"] }),
    results: fc.array(statementResult),
  }),
);

Deno.test("decodeCommand() reverses writeCommand()", () => {
  fc.assert(fc.property(body, (original) => {
    assert.deepEqual(decodeCommand(encodeCommand(original)), original);
  }));
});

Deno.test("decodeResult() reverses writeResult()", () => {
  fc.assert(fc.property(result, (original) => {
    assert.deepEqual(decodeResult(encodeResult(original)), original);
  }));
});

Deno.test("decodeCommand() and decodeResult() throw only their own errors for any bytes", () => {
  const own = (error: unknown) =>
    error instanceof MalformedBytesError || error instanceof HiqliteError;
  const survives = (decode: (bytes: Uint8Array) => unknown) =>
  (
    bytes: Uint8Array,
  ) => {
    try {
      decode(bytes);
    } catch (error) {
      assert.ok(own(error), String(error));
    }
  };
  const mutated = damaged(
    fc.oneof(body.map(encodeCommand), result.map(encodeResult)),
  );
  for (const decode of [survives(decodeCommand), survives(decodeResult)]) {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), decode));
    fc.assert(fc.property(mutated, decode), { numRuns: 500 });
  }
});

Deno.test("writeCommand() stores booleans as 1 and 0, NaN as NULL, -0 as 0", () => {
  const bytes = encodeCommand({
    kind: "execute",
    statement: { sql: "x", params: [true, false, NaN, -0, 2 ** 53] },
  });
  const body = decodeCommand(bytes);
  assert.ok(body.kind === "execute");
  assert.deepEqual(body.statement.params, [1, 0, null, 0, 2 ** 53]);
});

Deno.test("writeCommand() refuses a command above the limit", () => {
  const statements = Array.from({ length: 5 }, () => ({
    sql: "x",
    params: [new Uint8Array(8 * 1024 * 1024)],
  }));
  assert.throws(
    () => encodeCommand({ kind: "txn", statements }),
    (error) => error instanceof HiqliteError && error.code === "too_large",
  );
});
