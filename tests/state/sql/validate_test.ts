import assert from "node:assert/strict";
import fc from "fast-check";
import { validateCommand } from "../../../src/state/sql/validate.ts";
import {
  COMMAND_LIMITS,
  type CommandBody,
} from "../../../src/state/sql/types.ts";
import { type ErrorCode, HiqliteError } from "../../../src/errors.ts";

function execute(sql: unknown, params?: unknown): CommandBody {
  return { kind: "execute", statement: { sql, params } } as CommandBody;
}

function refused(body: CommandBody, code: ErrorCode, message: RegExp): void {
  assert.throws(() => validateCommand(body), (error) => {
    assert.ok(error instanceof HiqliteError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  });
}

const reference = (statement: number, column: number | string = 0) => ({
  $ref: { statement, column },
});

Deno.test("validateCommand() accepts every kind of value", () => {
  const params = [null, 1, 1.5, 2n ** 63n - 1n, "é", new Uint8Array(1), true];
  validateCommand(execute("SELECT 1"));
  validateCommand(execute("SELECT ?", params));
  validateCommand(execute("SELECT :a", { a: 1 }));
});

const data = { kind: "text", bytes: new Uint8Array(1) } as const;

Deno.test("validateCommand() accepts what publishes", () => {
  const statement = { sql: "x" };
  validateCommand({ kind: "notify", notices: [{ topic: "a.b_c-9", data }] });
  const referring = { topic: "t", data: reference(0, "id") };
  const notify = [{ topic: "t", data }, referring];
  validateCommand({ kind: "execute", statement, notify });
  validateCommand({ kind: "txn", statements: [statement], notify });
});

/** A command that publishes this. */
function publishing(...notices: unknown[]): CommandBody {
  return { kind: "notify", notices } as CommandBody;
}

const WRONG: readonly [string, CommandBody, ErrorCode, RegExp][] = [
  ["no SQL", execute(undefined), "invalid", /must be a string: undefined/],
  ["empty SQL", execute(" \n"), "invalid", /empty/],
  ["a NUL in SQL", execute("SELECT '\0'"), "invalid", /NUL/],
  [
    "long SQL",
    execute("x".repeat(COMMAND_LIMITS.sqlBytes + 1)),
    "too_large",
    /1048577 bytes, the limit is 1048576/,
  ],
  [
    "long SQL in UTF-8",
    execute("é".repeat(COMMAND_LIMITS.sqlBytes / 2 + 1)),
    "too_large",
    /the limit is 1048576/,
  ],
  ["a bigint of 65 bits", execute("?", [2n ** 63n]), "invalid", /64 bits/],
  ["a function", execute("?", [() => 1]), "invalid", /Parameter 1 .*function/],
  ["a date", execute("?", [new Date()]), "invalid", /Date/],
  ["undefined", execute("?", [undefined]), "invalid", /undefined/],
  ["a typed array", execute("?", [new Float32Array(1)]), "invalid", /Float32/],
  ["scalar parameters", execute("?", 5), "invalid", /list or an object/],
  ["byte parameters", execute("?", new Uint8Array(2)), "invalid", /Uint8Array/],
  ["a NUL in text", execute("?", ["a\0b"]), "invalid", /NUL/],
  ["half a surrogate", execute("?", ["\ud800"]), "invalid", /Unicode/],
  [
    "a big blob",
    execute("?", [new Uint8Array(COMMAND_LIMITS.valueBytes + 1)]),
    "too_large",
    /Parameter 1/,
  ],
  [
    "too many parameters",
    execute("?", new Array(COMMAND_LIMITS.parameters + 1).fill(1)),
    "too_large",
    /32767 parameters/,
  ],
  [
    "a reference outside of a transaction",
    execute("?", [reference(0)]),
    "invalid",
    /only a transaction/,
  ],
  [
    "a reference to itself",
    { kind: "txn", statements: [{ sql: "?", params: [reference(0)] }] },
    "invalid",
    /Statement 0: Parameter 1 refers to statement 0/,
  ],
  [
    "a reference to column -1",
    {
      kind: "txn",
      statements: [{ sql: "x" }, { sql: "?", params: [reference(0, -1)] }],
    },
    "invalid",
    /no column/,
  ],
  ["an empty transaction", { kind: "txn", statements: [] }, "invalid", /empty/],
  [
    "a gap between migrations",
    {
      kind: "migrate",
      migrations: [{ id: 1, name: "a", sql: "x" }, {
        id: 3,
        name: "b",
        sql: "x",
      }],
    },
    "invalid",
    /Migration 2 is missing/,
  ],
  [
    "a migration without a name",
    { kind: "migrate", migrations: [{ id: 1, name: "", sql: "x" }] },
    "invalid",
    /name/,
  ],
  ["nothing to publish", publishing(), "invalid", /nothing to publish/],
  [
    "an event without a topic",
    publishing({ data }),
    "invalid",
    /notify\[0\]: Not a topic: undefined/,
  ],
  [
    "a topic with a space",
    publishing({ topic: "t", data }, { topic: "a b", data }),
    "invalid",
    /notify\[1\]: Not a topic: "a b"/,
  ],
  [
    "a topic of 65 characters",
    publishing({ topic: "x".repeat(65), data }),
    "invalid",
    /1 to 64/,
  ],
  [
    "an event without data",
    publishing({ topic: "t" }),
    "invalid",
    /no data to publish/,
  ],
  [
    "data that are too large",
    publishing({
      topic: "t",
      data: { kind: "bytes", bytes: new Uint8Array(256 * 1024 + 1) },
    }),
    "too_large",
    /262145 bytes, the limit is 262144/,
  ],
  [
    "more than a thousand events",
    publishing(...Array(1001).fill({ topic: "t", data })),
    "too_large",
    /1001 events, the limit is 1000/,
  ],
  [
    "more than 4 MiB of events",
    publishing(
      ...Array(17).fill({
        topic: "t",
        data: { kind: "bytes", bytes: new Uint8Array(256 * 1024) },
      }),
    ),
    "too_large",
    /the limit is 4194304/,
  ],
  [
    "an event that refers to no statement",
    publishing({ topic: "t", data: reference(0) }),
    "invalid",
    /refers to statement 0/,
  ],
  [
    "an event that refers to a later statement",
    {
      kind: "txn",
      statements: [{ sql: "x" }],
      notify: [{ topic: "t", data: reference(1) }],
    },
    "invalid",
    /refers to statement 1/,
  ],
  [
    "an unknown kind",
    { kind: "format" } as unknown as CommandBody,
    "invalid",
    /Unknown kind of command: format/,
  ],
];

for (const [what, body, code, message] of WRONG) {
  Deno.test(`validateCommand() refuses ${what}`, () => {
    refused(body, code, message);
  });
}

Deno.test("validateCommand() throws nothing but HiqliteError, whatever it is given", () => {
  const junk = fc.anything({ withBigInt: true, withTypedArray: true });
  const kinds = fc.constantFrom("execute", "txn", "batch", "migrate", "notify");
  fc.assert(
    fc.property(kinds, junk, junk, junk, (kind, sql, params, list) => {
      const bodies = [
        { kind, statement: { sql, params }, statements: list, sql },
        { kind, statement: list, statements: [{ sql, params }, list] },
        { kind, statement: { sql: "x", params }, migrations: [list, params] },
        { kind, sql, migrations: list },
        { kind, statement: { sql: "x" }, notify: list, notices: list },
        {
          kind,
          statements: [{ sql: "x" }],
          notify: [{ topic: "t", data: { $ref: params, kind: sql } }],
          notices: [{ topic: "t", data: params }, list],
        },
      ];
      for (const body of bodies) {
        try {
          validateCommand(body as unknown as CommandBody);
        } catch (error) {
          assert.ok(error instanceof HiqliteError, String(error));
        }
      }
    }),
    { numRuns: 500 },
  );
});
