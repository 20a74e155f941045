import assert from "node:assert/strict";
import fc from "fast-check";
import {
  changeStatements,
  conflictOf,
  type RowChange,
  statementOf,
} from "../../dashboard/rows/changes.ts";
import { filledIn } from "../../dashboard/rows/filled.ts";
import { identityOf } from "../../dashboard/rows/identity.ts";
import {
  type ExactValue,
  exactValue,
} from "../../dashboard/values/exact_value.ts";
import { literalOf } from "../../dashboard/values/literal.ts";
import { statementFromJson } from "../../src/api/statement.ts";
import { fieldsOf } from "../../src/api/fields.ts";
import { HiqliteError } from "../../src/errors.ts";
import type { LocalClient } from "../../src/client/local.ts";
import { withMember } from "../client/one_member.ts";
import { Database } from "./database.ts";
import { anyValue } from "./values.ts";

const integer = (value: bigint): ExactValue => ({ type: "integer", value });
const text = (value: string): ExactValue => ({ type: "text", value });
const TABLE = { table: "t", key: [{ name: "id", collation: null }] };

/** Writes changes as the page does; the place of the change that came too late, or null. */
async function write(
  db: LocalClient,
  rows: readonly RowChange[],
): Promise<number | null> {
  const changes = changeStatements(TABLE, rows);
  try {
    await db.txn(
      changes.statements.map((statement) =>
        statementFromJson(
          fieldsOf(statement, ["sql", "params"], "s"),
          "s.",
          true,
        )
      ),
    );
    return null;
  } catch (error) {
    assert.ok(error instanceof HiqliteError, `${error}`);
    const conflict = conflictOf(changes, { message: error.message });
    assert.notEqual(conflict, null, error.message);
    return conflict;
  }
}

function update(
  id: bigint,
  column: string,
  seen: ExactValue,
  value: ExactValue,
): RowChange {
  return {
    kind: "update",
    key: [integer(id)],
    changes: [{ column, seen, value }],
  };
}

Deno.test("a change that comes too late changes nothing, and neither do those beside it", () =>
  withMember(async (db) => {
    await db.execute(
      "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b)",
    );
    await db.execute(
      "INSERT INTO t VALUES (1, 'x', 2), (2, 'y', NULL), (3, 'z', 0)",
    );
    const rows = async () =>
      (await db.queryRaw("SELECT id, a, quote(b) FROM t")).rows;
    // Different cells of one row: both succeed.
    assert.equal(
      await write(db, [update(1n, "a", text("x"), text("X"))]),
      null,
    );
    assert.equal(
      await write(db, [
        update(1n, "b", integer(2n), { type: "real", value: 2 }),
      ]),
      null,
    );
    // NOCASE would not see the first, and equality not the second.
    assert.equal(
      await write(db, [update(1n, "a", text("x"), text("late"))]),
      0,
    );
    assert.equal(
      await write(db, [update(1n, "b", integer(2n), text("late"))]),
      0,
    );
    // The last of three is too late: nothing of them is left.
    const three: RowChange[] = [
      { kind: "insert", values: [{ column: "a", value: text("new") }] },
      update(2n, "b", { type: "null" }, text("set")),
      {
        kind: "delete",
        key: [integer(3n)],
        seen: [{ column: "b", seen: integer(1n) }],
      },
    ];
    assert.equal(await write(db, three), 2);
    assert.deepEqual(await rows(), [[1, "X", "2.0"], [2, "y", "NULL"], [
      3,
      "z",
      "0",
    ]]);
    const right = [
      ...three.slice(0, 2),
      {
        kind: "delete",
        key: [integer(3n)],
        seen: [{ column: "b", seen: integer(0n) }],
      } as const,
      { kind: "insert", values: [] } as const,
    ];
    assert.equal(await write(db, right), null);
    assert.deepEqual(await rows(), [
      [1, "X", "2.0"],
      [2, "y", "'set'"],
      [4, "new", "NULL"],
      [5, null, "NULL"],
    ]);
    // A row that is gone is a change that came too late.
    assert.equal(
      await write(db, [update(3n, "b", integer(0n), text("late"))]),
      0,
    );
  }));

Deno.test("an UPDATE changes its row and no other, for every kind of key and value", () => {
  const tables = [
    "CREATE TABLE t (k, v, id INTEGER PRIMARY KEY)",
    "CREATE TABLE t (k, v COLLATE NOCASE, rowid)",
    "CREATE TABLE t (k NOT NULL, v, w, PRIMARY KEY (k, w)) WITHOUT ROWID",
    "CREATE TABLE t (k TEXT COLLATE NOCASE PRIMARY KEY, v, w) WITHOUT ROWID",
  ];
  const rows = fc.array(
    fc.tuple(anyValue, anyValue, fc.constantFrom(integer(1n), integer(2n))),
    {
      minLength: 1,
      maxLength: 8,
    },
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...tables),
      rows,
      anyValue,
      (ddl, rows, value) => {
        using db = new Database(ddl);
        for (const row of rows) {
          db.exec(
            `INSERT OR IGNORE INTO t VALUES (${row.map(literalOf).join(", ")})`,
          );
        }
        const identity = identityOf(db.object("t"));
        assert.ok(identity.kind === "key");
        const keys = identity.parts.map((part) => `quote(${part.name})`).join(
          " || '|' || ",
        );
        const whole = () =>
          db.rows(`SELECT ${keys}, k, typeof(v), quote(v) FROM t ORDER BY 1`);
        for (const [name, , type, quoted] of whole()) {
          const key = keyValues(
            db,
            identity.parts.map((part) => part.name),
            `${keys} = ${literalOf(text(name as string))}`,
          );
          const seen = keyValues(
            db,
            ["v"],
            `${keys} = ${literalOf(text(name as string))}`,
          )[0]!;
          assert.equal(seen.type, type, `${quoted}`);
          const before = whole();
          const { sql, params } = statementOf(
            { table: "t", key: identity.parts },
            { kind: "update", key, changes: [{ column: "v", seen, value }] },
          );
          assert.deepEqual(db.query({ sql, params }), [[1]]);
          const changed = whole().filter((row, at) =>
            JSON.stringify(row) !== JSON.stringify(before[at])
          );
          assert.ok(changed.every((row) => row[0] === name));
          assert.deepEqual(
            whole().find((row) => row[0] === name)!.slice(2),
            [value.type, db.rows(`SELECT quote(${literalOf(value)})`)[0]![0]],
          );
        }
      },
    ),
    { numRuns: 60 },
  );
});

function keyValues(
  db: Database,
  names: readonly string[],
  where: string,
): ExactValue[] {
  return names.map((name) => {
    const [row] = db.rows(
      `SELECT ${name}, typeof(${name}) FROM t WHERE ${where}`,
    );
    return exactValue(row![0], row![1] as ExactValue["type"]);
  });
}

Deno.test("a statement is shown with its values, and nothing in a text is taken for a place", () => {
  const { sql, params } = statementOf(
    { table: 'a"b', key: [{ name: "id", collation: "NOCASE" }] },
    update(7n, 'c?"', text("it's ?"), { type: "null" }),
  );
  assert.equal(
    filledIn({ sql, params }),
    `UPDATE "a""b"\nSET "c?""" = NULL\nWHERE "id" COLLATE "NOCASE" IS 7\n  AND typeof("c?""") = 'text' AND "c?""" COLLATE BINARY = 'it''s ?'\nRETURNING 1 AS hit`,
  );
  const long = statementOf(TABLE, {
    kind: "insert",
    values: [{ column: "a", value: text("y".repeat(5_000)) }],
  });
  assert.match(
    filledIn(long),
    /^INSERT INTO "t" \("a"\)\nVALUES \('y{199}…\)$/,
  );
});
