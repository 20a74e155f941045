import assert from "node:assert/strict";
import fc from "fast-check";
import {
  describeStatement,
  isBlank,
  splitStatements,
} from "../../../../src/state/sqlite/statement/text.ts";
import { presentDriver, test } from "../drivers.ts";

test("splitStatements() ends statements where SQLite does", () => {
  const statements = [
    'CREATE TABLE t (a, [b;c], `d;`, "e;""f");',
    " -- ; not here\nINSERT INTO t VALUES ('x;''y', 1, 2, 3);",
    "\nCREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT 1; SELECT CASE WHEN 1 THEN 2 END; END;",
    "/* ; */ SELECT 1.5e+3, x'00', 0x1F ;",
    'CREATE TABLE "trigger" (a);',
    "SELECT 'unfinished; text",
  ];
  assert.deepEqual([...splitStatements(statements.join(""))], statements);
  assert.deepEqual([...splitStatements(";; -- nothing\n /* else */ ;")], []);
});

test("describeStatement() reads keywords past comments, and parameters past strings", () => {
  assert.deepEqual(
    describeStatement("/* ? */ ; explain -- :x\n query PLAN SELECT ?, ':y'"),
    { keywords: ["EXPLAIN", "QUERY", "PLAN"], slots: [null] },
  );
  assert.deepEqual(
    describeStatement('SELECT :a, ?, ?4, $b::c(d), @a, :a, a$b, "?", [?]')
      .slots,
    [":a", null, null, null, "$b::c(d)", "@a"],
  );
});

const piece = fc.constantFrom(
  ..."SELECT|1|'|''|\"|`|[|]|--|\n|/*|*/|/|*|;|?|?2|:a|@b|$c|(|)|x'|é|\ufeff| |\t|.|1e|+|,|CREATE|TRIGGER|BEGIN|END|AS|$|:|::|#|\\"
    .split("|"),
);

test("isBlank(), splitStatements() and describeStatement() agree with SQLite on any text", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const sql = "SELECT 1, " + pieces.join("");
      for (const text of splitStatements(sql)) {
        let statement;
        try {
          statement = connection.prepare(text);
        } catch {
          continue; // not SQL: nothing to agree on
        }
        assert.ok(statement !== null);
        assert.ok(isBlank(text, statement.source.length), text);
        const { keywords, slots } = describeStatement(text);
        if (keywords[0] !== "SELECT") continue; // END, BEGIN: not to be run
        const named: Record<string, null> = {};
        const anonymous: null[] = [];
        for (const slot of slots) {
          if (slot === null) anonymous.push(null);
          else named[slot] = null;
        }
        const all = (list: null[]) =>
          statement.all({
            anonymous: list,
            named: Object.keys(named).length > 0 ? named : null,
          });
        all(anonymous);
        assert.throws(() => all([...anonymous, null]), /out of range/, text);
      }
    }),
    { numRuns: 3000 },
  );
  connection.close();
});
