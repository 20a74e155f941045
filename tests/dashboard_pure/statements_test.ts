import assert from "node:assert/strict";
import {
  statementsOf,
  statementToRun,
} from "../../dashboard/statements/at_cursor.ts";
import { type PlanStep, planTree } from "../../dashboard/statements/plan.ts";
import type { JsonPlanRow } from "../../src/api/dashboard/analysis.ts";
import { Database } from "./database.ts";

/** The statement that runs with the cursor at `|`, or with what stands between two of them selected. */
function run(marked: string): unknown {
  const from = marked.indexOf("|");
  const to = marked.lastIndexOf("|");
  const found = statementToRun(marked.replaceAll("|", ""), {
    from,
    to: to > from ? to - 1 : from,
  });
  return found && [found.sql, found.number, found.of];
}

Deno.test("the statement at the cursor is run, and a selection before it", () => {
  const b = "SELECT ';--', \"a;b\" -- c; d\n, 2;";
  assert.deepEqual(
    run(`SELECT 1;\n${b.slice(0, 12)}|${b.slice(12)}\nSELECT 3`),
    [b, 2, 3],
  );
  assert.deepEqual(run("SELECT 1|;\nSELECT 2"), ["SELECT 1;", 1, 2]);
  assert.deepEqual(run("SELECT 1;|\nSELECT 2"), ["SELECT 1;", 1, 2]);
  assert.deepEqual(run("SELECT 1; |  \nSELECT 2"), ["SELECT 1;", 1, 2]);
  assert.deepEqual(run("SELECT 1;\n|\nSELECT 2"), ["SELECT 2", 2, 2]);
  assert.deepEqual(run("SELECT 1;\nSELECT 2;\n\n|"), ["SELECT 2;", 2, 2]);
  assert.deepEqual(run("SELECT |1 + 1|, 2; SELECT 3"), ["1 + 1", null, 2]);
  assert.deepEqual(run("SELECT 1|  |; SELECT 3"), ["SELECT 1  ;", 1, 2]);
  const trigger =
    "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; SELECT 1; END;";
  assert.deepEqual(run(`${trigger.replace("SELECT", "SEL|ECT")} SELECT 2`), [
    trigger,
    1,
    2,
  ]);
  assert.equal(run(" -- nothing; here\n;|"), null);
  assert.equal(run("|"), null);
});

Deno.test("statements are found where they stand, also behind what looks like them", () => {
  const text = "/* SELECT 1; */; SELECT 1; -- SELECT 1;\nSELECT 1";
  assert.deepEqual(statementsOf(text).map(({ start, end }) => [start, end]), [[
    17,
    26,
  ], [40, 48]]);
});

function plan(db: Database, sql: string): PlanStep[] {
  const rows = db.rows(`EXPLAIN QUERY PLAN ${sql}`).map((
    [id, parent, , detail],
  ) => ({ id, parent, detail }) as JsonPlanRow);
  return planTree(rows);
}

const costs = (steps: readonly PlanStep[]): unknown[] =>
  steps.map((step) => [step.cost, step.table, ...costs(step.steps)]);

Deno.test("a plan is a tree that says what reads everything and what does not", () => {
  using db = new Database(
    "CREATE TABLE a (id INTEGER PRIMARY KEY, x, y)",
    "CREATE TABLE b (x)",
  );
  const [scan, sort] = plan(
    db,
    "SELECT * FROM a AS one WHERE y = 1 ORDER BY x",
  );
  assert.deepEqual([scan!.cost, scan!.table, scan!.meaning], [
    "scan",
    "one",
    "Reads every row.",
  ]);
  assert.equal(sort!.cost, "sort");
  assert.match(sort!.meaning, /sorted for ORDER BY/);
  db.exec("CREATE INDEX a_y ON a (y, x)");
  const [search, ...more] = plan(db, "SELECT * FROM a WHERE y = 1 ORDER BY x");
  assert.deepEqual(more, []);
  assert.deepEqual([search!.cost, search!.meaning], [
    "search",
    "Finds rows by the index a_y.",
  ]);
  assert.match(
    plan(db, "SELECT * FROM a WHERE id = 1")[0]!.meaning,
    /primary key/,
  );
  assert.match(
    plan(db, "SELECT y FROM a ORDER BY y")[0]!.meaning,
    /whole index a_y/,
  );
  assert.match(
    plan(db, "SELECT * FROM b JOIN b AS c ON b.x = c.x").find((step) =>
      step.cost === "search"
    )!.meaning,
    /Builds an index/,
  );
  assert.deepEqual(
    costs(plan(db, "SELECT x FROM b UNION ALL SELECT y FROM a WHERE id = 1")),
    [["other", null, ["other", null, ["scan", "b"]], ["other", null, [
      "search",
      "a",
    ]]]],
  );
  assert.deepEqual(plan(db, "SELECT 1")[0]!.cost, "other");
});
