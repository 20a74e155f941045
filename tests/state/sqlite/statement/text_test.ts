import assert from "node:assert/strict";
import fc from "fast-check";
import {
  describeStatement,
  isBlank,
  namesIn,
  splitStatements,
  wordsOf,
} from "../../../../src/state/sqlite/statement/text.ts";
import { Direct } from "../direct.ts";
import { execute } from "../subject.ts";
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

/** A text that counts the characters that were looked at in it. */
function counted(text: string): { sql: string; looked: () => number } {
  let looked = 0;
  const methods: Record<string, (...args: number[]) => unknown> = {
    charCodeAt: (at) => (looked++, text.charCodeAt(at!)),
    slice: (start, end) => {
      const part = text.slice(start, end);
      looked += part.length;
      return part;
    },
    indexOf: (part: unknown, from) => {
      const found = text.indexOf(part as string, from);
      looked += (found < 0 ? text.length : found) - from!;
      return found;
    },
  };
  const proxy = new Proxy({}, {
    get(_, key) {
      if (key === "length") return text.length;
      if (Object.hasOwn(methods, key)) return methods[key as string];
      const at = Number(String(key));
      assert.ok(Number.isInteger(at), `${String(key)} is not counted`);
      looked++;
      return text[at];
    },
  });
  return { sql: proxy as unknown as string, looked: () => looked };
}

const READERS: Readonly<Record<string, (sql: string) => unknown>> = {
  describeStatement,
  isBlank,
  splitStatements: (sql) => [...splitStatements(sql)],
  namesIn: (sql) => [...namesIn(sql)],
  wordsOf: (sql) => [...wordsOf(sql)],
};

/** Looks at every character a few times, however the text goes on. */
function assertLinear(text: string): void {
  for (const [name, read] of Object.entries(READERS)) {
    const { sql, looked } = counted(text);
    read(sql);
    assert.ok(
      looked() <= 12 * text.length + 100,
      `${name}() looked at ${looked()} characters of ${text.length}: ${
        JSON.stringify(text.slice(0, 60))
      }`,
    );
  }
}

Deno.test("M2 reading SQL takes as long as the text is, whatever it holds", () => {
  assertLinear("SELECT 1 " + "$a(".repeat(20_000) + " x");
  assertLinear("SELECT 1 " + "$a(".repeat(20_000));
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.array(piece, { maxLength: 2 }),
      (unit, end) => assertLinear(unit.join("").repeat(300) + end.join("")),
    ),
    { numRuns: 300 },
  );
});

Deno.test("M2 the input itself: a megabyte of parentheses is an error at once, and a short one", () => {
  using member = new Direct();
  const began = performance.now();
  const sql = "SELECT 1 " + "$a(".repeat(349_000) + " x";
  for (const body of [execute(sql), { kind: "batch", sql } as const]) {
    const result = member.run(body);
    assert.ok(!result.ok);
    assert.ok(result.error.message.length < 300, result.error.message);
  }
  // It was 14 s each time; no machine is that slow.
  assert.ok(performance.now() - began < 10_000);
});

Deno.test("M2 messages echo at most 200 characters of what was sent", () => {
  using member = new Direct();
  const long = "x".repeat(100_000);
  for (
    const sql of [
      `SELECT ${long}`,
      `SELECT 1 ${long} 2`,
      `PRAGMA ${long}`,
      `SELECT * FROM _hql_${long}`,
      `CREATE VIRTUAL TABLE v USING ${long}`,
      `SELECT ${long}()`,
      `SELECT '${"x ".repeat(100_000)}`,
    ]
  ) {
    const { message } = member.fail(sql);
    assert.ok(message.length <= 330, `${message.length}`);
    assert.ok((message.match(/x/g) ?? []).length <= 210, message);
  }
  member.ok("CREATE TABLE t (a)");
  member.ok(
    `CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, '${
      long.slice(0, 1000)
    }'); END`,
  );
  // What the schema's author wrote is told as it is, within reason.
  assert.equal(member.fail("INSERT INTO t VALUES (1)").message.length, 1000);
});
