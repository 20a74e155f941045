import assert from "node:assert/strict";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { stateFailure } from "../../../src/state/sqlite/failure.ts";
import { Direct } from "./direct.ts";
import { command, execute } from "./subject.ts";

const ROWS = 40;
const INSERT = execute("INSERT INTO t (body) VALUES (hex(zeroblob(2000)))");

/** Entries that follow what was applied; each inserts 4 KB and is written once, by its session. */
function batch(direct: Direct): Entry[] {
  const first = direct.next;
  return Array.from({ length: ROWS }, (_, i) => ({
    index: first + i,
    term: 1,
    kind: EntryKind.command,
    payload: command(INSERT),
  }));
}

function prepared(schema: string): Direct {
  const direct = new Direct();
  for (const sql of schema.split(";")) direct.ok(sql);
  return direct;
}

/** Lets the database grow by so many pages from now on. */
function limit(direct: Direct, pages: number): void {
  const [[now]] = direct.rows("PRAGMA page_count") as [[number]];
  direct.exec(`PRAGMA max_page_count = ${now + pages}`);
}

const SCHEMAS = {
  "as one transaction": "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)",
  "entry by entry":
    "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT, p REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
};

for (const [how, schema] of Object.entries(SCHEMAS)) {
  Deno.test(`apply() of a batch ${how} that found no room applies it once, with the same answers, when there is some`, () => {
    using roomy = prepared(schema);
    const expected = roomy.applier.apply(batch(roomy));
    using tight = prepared(schema);
    const entries = batch(tight);
    limit(tight, 10);
    for (let attempt = 0; attempt < 3; attempt++) {
      assert.throws(
        () => tight.applier.apply(entries),
        (error) =>
          (stateFailure(error) as { code: string }).code === "disk_full",
      );
      tight.applier.giveUp();
    }
    limit(tight, 10 * ROWS);
    assert.deepEqual(tight.applier.apply(entries), expected);
    assert.equal(tight.dump(), roomy.dump());
    assert.equal(tight.applier.position.hash, roomy.applier.position.hash);
  });
}
