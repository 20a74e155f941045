import assert from "node:assert/strict";
import { Direct } from "../direct.ts";
import { test } from "../drivers.ts";

const LARGEST = "9223372036854775807";

/** Kinds of virtual tables, and what would take the row under the largest rowid away again. */
const REMOVALS: Readonly<Record<string, readonly string[]>> = {
  "fts5(b)": [
    `DELETE FROM f WHERE rowid = ${LARGEST}`,
    `UPDATE f SET rowid = 7 WHERE rowid = ${LARGEST}`,
    `UPDATE OR REPLACE f SET rowid = 1 WHERE rowid = ${LARGEST}`,
  ],
  "fts5(b, columnsize=0)": [
    `DELETE FROM f WHERE rowid = ${LARGEST}`,
    `UPDATE f SET rowid = 7 WHERE rowid = ${LARGEST}`,
  ],
  "fts5(b, content='')": [
    `INSERT INTO f(f, rowid, b) VALUES('delete', ${LARGEST}, 'a')`,
    "INSERT INTO f(f) VALUES('delete-all')",
  ],
  "fts5(b, content='', contentless_delete=1)": [
    `DELETE FROM f WHERE rowid = ${LARGEST}`,
    "INSERT INTO f(f) VALUES('delete-all')",
  ],
  "fts4(b)": [
    `DELETE FROM f WHERE rowid = ${LARGEST}`,
    `UPDATE f SET docid = 7 WHERE rowid = ${LARGEST}`,
    "DELETE FROM f",
  ],
  "fts3(b)": [`DELETE FROM f WHERE rowid = ${LARGEST}`, "DELETE FROM f"],
  "rtree(id, b, c)": [
    `DELETE FROM f WHERE id = ${LARGEST}`,
    `UPDATE f SET id = 7 WHERE id = ${LARGEST}`,
  ],
};

for (const [kind, removals] of Object.entries(REMOVALS)) {
  const key = kind.startsWith("rtree") ? "id" : "rowid";
  test(`the largest rowid does not come and go within a statement: ${kind}`, () => {
    for (const removal of removals) {
      for (const conflict of ["", "OR IGNORE", "OR REPLACE", "OR FAIL"]) {
        using member = new Direct();
        member.ok("CREATE TABLE s (x)");
        member.ok(`CREATE VIRTUAL TABLE f USING ${kind}`);
        member.ok(
          `CREATE TRIGGER g AFTER INSERT ON s BEGIN
             INSERT INTO f(${key}, b) VALUES (${LARGEST}, 'a');
             INSERT INTO f(b) VALUES ('b');
             ${removal};
           END`,
        );
        const before = member.dump();
        const { code, message } = member.fail(
          `INSERT ${conflict} INTO s VALUES (1)`,
        );
        assert.equal(code, "constraint", removal);
        assert.match(message, /is reserved/);
        assert.equal(member.dump(), before);
      }
    }
  });
}

test("the largest rowid does not come and go by commands among the rows of a statement", () => {
  for (const conflict of ["", "OR IGNORE", "OR REPLACE"]) {
    using member = new Direct();
    member.ok("CREATE VIRTUAL TABLE f USING fts5(b, content='')");
    const { message } = member.fail(
      `INSERT ${conflict} INTO f(f, rowid, b)
       VALUES (NULL, ${LARGEST}, 'a'), (NULL, NULL, 'b'), ('delete', ${LARGEST}, 'a')`,
    );
    assert.match(message, /is reserved/);
    assert.deepEqual(member.rows("SELECT rowid FROM f"), []);
  }
});

test("rows of one statement go into one part of a full-text index, of every kind and with every engine", () => {
  for (const kind of ["fts5(b)", "fts4(b)", "fts3(b)"]) {
    using member = new Direct();
    member.ok(`CREATE VIRTUAL TABLE f USING ${kind}`);
    member.ok("INSERT INTO f(b) VALUES ('x'), ('y'), ('z'), ('w')");
    const [[parts]] = member.rows(
      kind.startsWith("fts5")
        ? "SELECT count(DISTINCT segid) FROM f_idx"
        : "SELECT count(*) FROM f_segdir",
    ) as [[number]];
    assert.equal(parts, 1, kind);
  }
});
