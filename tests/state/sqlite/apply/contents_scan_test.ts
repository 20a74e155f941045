import assert from "node:assert/strict";
import { Direct } from "../direct.ts";
import { command, execute } from "../subject.ts";

/** Entries between two looks at the contents. */
const LOOK = 256;

const SCHEMA = [
  "CREATE TABLE a (id INTEGER PRIMARY KEY, x, g AS (json(x)))",
  "CREATE TABLE empty (x)",
  "CREATE TABLE k (p TEXT, q REAL, v, PRIMARY KEY (q, p)) WITHOUT ROWID",
  'CREATE TABLE "odd name" (rowid, x)',
  "CREATE VIRTUAL TABLE f USING fts5(x)",
  "INSERT INTO a (x) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i * 1.5 FROM n",
  "INSERT INTO k SELECT 'p' || id, id % 7, x FROM a",
  "INSERT INTO \"odd name\" VALUES (1, x'00'), (2, NULL)",
  "INSERT INTO f SELECT 'word ' || id FROM a LIMIT 100",
];

function prepared(path?: string): Direct {
  const member = new Direct(path);
  for (const sql of SCHEMA) member.ok(sql);
  return member;
}

const TICK = command(execute("SELECT 1"));

/** Applies entries until the contents were looked at `times` more; answers the hashes and tables. */
function look(member: Direct, times: number, batch: number): unknown[] {
  const seen: unknown[] = [];
  const end = (Math.floor(member.next / LOOK) + times) * LOOK;
  while (member.next <= end) {
    const count = Math.min(batch, end + 1 - member.next);
    member.batch(Array.from({ length: count }, () => TICK));
    seen.push(...member.applier.agreement.takeHashes(member.next));
  }
  return seen;
}

Deno.test("every member sums up the same rows at the same index, whatever the batches, also after a restart", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-scan-" });
  try {
    using one = prepared();
    using other = prepared(`${dir}/a.db`);
    for (const batch of [100, 7, 256]) {
      assert.deepEqual(look(other, 7, batch), look(one, 7, 64));
      other.restart();
    }
    const tables = look(one, 45, 256).map((seen) =>
      (seen as { table: string }).table
    );
    const all = ["a", "empty", "f_content", "f_docsize", "k", "odd name"];
    assert.deepEqual([...new Set(tables)].filter(Boolean).sort(), all);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

for (
  const change of [
    "UPDATE a SET x = 7 WHERE id = 299",
    "UPDATE k SET v = 7 WHERE p = 'p7'",
    "DELETE FROM a WHERE id = 120",
    "UPDATE \"odd name\" SET x = x'01' WHERE x IS NOT NULL",
    "UPDATE f_content SET c0 = 'other' WHERE id = 99",
    "INSERT INTO empty VALUES (NULL)",
  ]
) {
  Deno.test(`a difference that no answer shows is found: ${change}`, () => {
    using one = prepared();
    using other = prepared();
    other.exec(change);
    assert.notDeepEqual(look(other, 45, 256), look(one, 45, 256));
  });
}

Deno.test("a piece of large rows is short, and the walk ends in a table that is dropped", () => {
  using member = new Direct();
  member.ok("CREATE TABLE big (x)");
  for (let i = 0; i < 8; i++) {
    member.ok("INSERT INTO big VALUES (zeroblob(100000))");
  }
  const tables = (times: number) =>
    look(member, times, 256).map((seen) => (seen as { table: string }).table);
  assert.deepEqual(tables(4), ["big", "big", "big", ""]);
  assert.deepEqual(tables(1), ["big"]);
  member.ok("DROP TABLE big");
  member.ok("CREATE TABLE a (x)");
  assert.deepEqual(tables(3), ["", "a", ""]);
});

Deno.test("a leader that runs entries before they are committed sums up the same rows as those who apply them", () => {
  using leader = prepared();
  using follower = prepared();
  assert.equal(leader.next, follower.next);
  for (let round = 0; round < 3; round++) {
    const ticks = Array.from({ length: LOOK }, () => TICK);
    leader.prepare(ticks);
    leader.rollbackPrepared();
    leader.prepare(ticks);
    leader.commitPrepared();
    follower.batch(ticks);
    const { position, agreement } = leader.applier;
    assert.equal(position.hash, follower.applier.position.hash);
    const seen = agreement.takeHashes(position.applied.index);
    assert.deepEqual(
      seen.at(-1),
      follower.applier.agreement.takeHashes(position.applied.index).at(-1),
    );
  }
  assert.equal(leader.dump(), follower.dump());
});

Deno.test("entries that nobody waits for take the walk further", () => {
  using one = prepared();
  using other = prepared();
  other.exec("UPDATE a SET x = 7 WHERE id = 299");
  const hashes = [one, other].map((member) => {
    for (let i = 0; i < 3; i++) member.batch([command({ kind: "clock" })]);
    const { position, agreement } = member.applier;
    return agreement.takeHashes(position.applied.index);
  });
  assert.deepEqual(hashes[0]!.map(({ table }) => table), [
    "a",
    "empty",
    "f_content",
  ]);
  assert.notDeepEqual(hashes[0], hashes[1]);
});
