import assert from "node:assert/strict";
import { EventFeed } from "../../../src/group/event_feed.ts";
import type { Entry } from "../../../src/raft/types.ts";
import type { Snapshot } from "../../../src/state/port.ts";
import { SqlEvent, tablesIn } from "../../../src/state/sql/events.ts";
import { Direct } from "./direct.ts";
import { command, execute, Subject, txn } from "./subject.ts";
import { test } from "./drivers.ts";

/** A member with all kinds of tables. */
function member(): Direct {
  const member = new Direct();
  for (
    const sql of [
      'CREATE TABLE "Par""ent" (id INTEGER PRIMARY KEY, v UNIQUE)',
      'CREATE TABLE Child (id INTEGER PRIMARY KEY, p REFERENCES "Par""ent" ON DELETE CASCADE ON UPDATE CASCADE)',
      'CREATE TABLE Weak (p REFERENCES "Par""ent" ON DELETE SET NULL)',
      "CREATE TABLE plain (k PRIMARY KEY, n) WITHOUT ROWID",
      "CREATE TABLE log (what)",
      "CREATE TRIGGER logged AFTER INSERT ON Child BEGIN INSERT INTO log VALUES (new.id); END",
      "CREATE TABLE seq (id INTEGER PRIMARY KEY AUTOINCREMENT)",
      "CREATE VIEW seen AS SELECT * FROM plain",
      "CREATE TRIGGER through INSTEAD OF DELETE ON seen BEGIN DELETE FROM plain WHERE k = old.k; END",
      "CREATE VIRTUAL TABLE Text USING fts5(body)",
      "CREATE VIRTUAL TABLE places USING rtree(id, x0, x1)",
    ]
  ) member.ok(sql);
  member.events.length = 0;
  return member;
}

/** What the entries told that `work` applied, without their indexes. */
function told(on: Direct, work: () => void): string[] {
  on.events.length = 0;
  work();
  return on.events.map((event) => event.replace(/^\d+\./, ""));
}

test("apply() tells which tables each statement wrote, also through triggers, foreign keys and views", () => {
  using on = member();
  on.ok(`INSERT INTO "par""ent" VALUES (1, 'a'), (2, 'b')`);
  for (
    const [sql, expected] of [
      ["INSERT INTO PLAIN VALUES (1, 2)", "plain"],
      ["INSERT OR IGNORE INTO plain VALUES (1, 3)", null],
      ["INSERT OR REPLACE INTO plain VALUES (1, 3)", "plain"],
      [
        "INSERT INTO plain VALUES (1, 1) ON CONFLICT DO UPDATE SET n = 4",
        "plain",
      ],
      ["UPDATE plain SET n = 5 WHERE k = 99", null],
      ["UPDATE plain SET n = 5 RETURNING k", "plain"],
      ["UPDATE plain SET n = 5 WHERE k = 99 RETURNING k", null],
      ["SELECT * FROM plain", null],
      ["DELETE FROM seen", "plain"],
      ["INSERT INTO child VALUES (1, 1)", "Child log"],
      [`UPDATE "par""ent" SET id = 7 WHERE id = 1`, 'Child Par"ent'],
      [`DELETE FROM "par""ent" WHERE id = 99`, null],
      [`DELETE FROM "par""ent"`, 'Child Par"ent Weak'],
      ["DELETE FROM log", "log"],
      ["DELETE FROM log", null],
      ["INSERT INTO seq DEFAULT VALUES", "seq"],
      ["INSERT INTO text VALUES ('words')", "Text"],
      ["INSERT INTO text(text) VALUES ('rebuild')", "Text"],
      ["DELETE FROM Text", "Text"],
      ["SELECT * FROM places", null],
      ["INSERT INTO places VALUES (1, 0, 1)", "places"],
      ["WITH x AS (SELECT 3) INSERT INTO log SELECT * FROM x", "log"],
    ] as const
  ) {
    const events = told(on, () => void on.ok(sql));
    const wanted = expected === null ? [] : [`0 tables ${expected}`];
    assert.deepEqual(events, wanted, sql);
  }
});

test("apply() tells of a changed schema, and once of all tables that an entry wrote", () => {
  using on = member();
  on.ok(`INSERT INTO "par""ent" VALUES (1, 'a')`);
  for (
    const [sql, touched] of [
      ["CREATE TABLE Copy AS SELECT 1 AS a FROM plain", "Copy"],
      ["CREATE INDEX i ON copy (a)", "Copy"],
      [
        "CREATE TRIGGER t AFTER INSERT ON copy BEGIN DELETE FROM log; END",
        "Copy",
      ],
      ["DROP TRIGGER t", "Copy"],
      ["DROP INDEX i", "Copy"],
      ['ALTER TABLE copy RENAME TO "Kept one"', "Copy Kept one"],
      ['ALTER TABLE "kept one" ADD COLUMN b', "Kept one"],
      ['ALTER TABLE "kept one" DROP COLUMN b', "Kept one"],
      ['DROP TABLE "KEPT ONE"', "Kept one"],
      ["CREATE VIEW Some AS SELECT * FROM plain", "Some"],
      ["DROP VIEW some", "Some"],
      ["CREATE VIRTUAL TABLE more USING fts5(x)", "more"],
      ["ALTER TABLE more RENAME TO less", "less more"],
      ["DROP TABLE less", "less"],
      ['DROP TABLE "par""ent"', 'Child Par"ent Weak'],
    ]
  ) {
    const expected = ["0 schema", `1 tables ${touched}`];
    assert.deepEqual(told(on, () => void on.ok(sql!)), expected, sql);
  }
  const events = told(on, () => {
    on.run(txn(
      "INSERT INTO log VALUES (1)",
      "INSERT INTO plain VALUES (1, 1)",
      "CREATE TABLE late (x)",
      "INSERT INTO late VALUES (1)",
      "INSERT INTO log VALUES (2)",
    ));
    on.run({ kind: "batch", sql: "DELETE FROM log; DELETE FROM plain" });
    on.run({
      kind: "migrate",
      migrations: [{ id: 1, name: "m", sql: "CREATE TABLE m (x)" }],
    });
    on.ok("INSERT INTO late VALUES (1)");
    on.ok("INSERT INTO m VALUES (1)");
  });
  assert.deepEqual(events, [
    "0 schema",
    "1 tables late log plain",
    "0 tables log plain",
    "0 schema",
    "1 tables _hql_migrations m",
    "0 tables late",
    "0 tables m",
  ]);
});

Deno.test("apply() tells of the rows that went with a table that was dropped", () => {
  using on = member();
  on.ok(`INSERT INTO "par""ent" VALUES (1, 'a')`);
  on.ok("INSERT INTO weak VALUES (1)");
  const events = told(on, () => void on.ok('DROP TABLE "par""ent"'));
  assert.deepEqual(events, ["0 schema", '1 tables Child Par"ent Weak']);
});

test("apply() tells nothing of what failed or was undone, and keeps what stayed", () => {
  using on = member();
  on.ok("INSERT INTO plain VALUES (1, 1)");
  const events = told(on, () => {
    on.fail("INSERT INTO plain VALUES (1, 1)");
    on.fail("INSERT INTO nowhere VALUES (1)");
    on.fail("INSERT OR ROLLBACK INTO plain VALUES (2, 1), (1, 1)");
    on.fail("INSERT OR FAIL INTO plain VALUES (3, 1), (1, 1)");
    on.fail("CREATE TABLE log (x)");
    on.run(txn("INSERT INTO log VALUES (1)", "INSERT INTO nowhere VALUES (1)"));
    on.run(txn("CREATE TABLE x (a)", "INSERT INTO plain VALUES (1, 1)"));
    on.run({
      kind: "batch",
      sql: "INSERT INTO log VALUES (1); INSERT INTO plain VALUES (1, 1)",
    });
    on.run({
      kind: "batch",
      sql:
        "INSERT INTO log VALUES (1); INSERT OR ROLLBACK INTO plain VALUES (1, 1)",
    });
  });
  assert.deepEqual(events, ["0 tables log", "0 tables log"]);
});

test("apply() tells once of a batch that had to be applied again, one entry at a time", () => {
  const bodies = [
    execute("INSERT INTO log VALUES (1)"),
    execute("INSERT INTO seq DEFAULT VALUES"),
    execute("INSERT OR ROLLBACK INTO plain VALUES (9, 1), (9, 1)"),
    execute("INSERT INTO log VALUES (2)"),
    txn(
      "PRAGMA defer_foreign_keys = ON",
      "INSERT INTO Child VALUES (1, 99)",
    ),
    execute("INSERT INTO plain VALUES (9, 1)"),
  ];
  using on = member();
  const first = on.next;
  on.batch(bodies.map((body) => command(body)));
  assert.deepEqual(on.events, [
    `${first}.0 tables log`,
    `${first + 1}.0 tables seq`,
    `${first + 3}.0 tables log`,
    `${first + 5}.0 tables plain`,
  ]);
});

test("apply() tells of repeated writes only when they were applied", () => {
  using on = member();
  on.run({ kind: "openSession" });
  const session = on.next - 1;
  const write = command(execute("INSERT INTO log VALUES (1)"), {
    session,
    sequence: 1,
    answeredBelow: 1,
  });
  assert.deepEqual(told(on, () => void on.batch([write, write])), [
    "0 tables log",
  ]);
  assert.deepEqual(told(on, () => void on.batch([write])), []);
});

test("apply() tells of ten thousand different sets of tables without keeping them all", () => {
  using on = new Direct();
  const names = Array.from({ length: 13 }, (_, i) => `t${10 + i}`);
  for (const name of names) on.ok(`CREATE TABLE ${name} (x)`);
  on.events.length = 0;
  for (let set = 1; set < 2 ** names.length; set += 100) {
    const sets = Array.from({ length: 100 }, (_, i) => set + i)
      .filter((bits) => bits < 2 ** names.length);
    const first = on.next;
    on.batch(sets.map((bits) =>
      command(txn(
        ...names.filter((_, i) => (bits >> i & 1) === 1)
          .map((name) => `INSERT INTO ${name} VALUES (1)`),
      ))
    ));
    const expected = sets.map((bits, i) => {
      const tables = names.filter((_, n) => (bits >> n & 1) === 1);
      return `${first + i}.0 tables ${tables.join(" ")}`;
    });
    assert.deepEqual(on.events.splice(0), expected);
  }
  assert.ok(!on.applier.events.tables.full);
});

/** A member's feed, on a machine of its own. */
class Fed {
  readonly subject: Subject;
  readonly feed = new EventFeed(0);
  readonly cursor = this.feed.cursor();

  constructor(subject: Subject) {
    this.subject = subject;
  }

  apply(entries: readonly Entry[], answers: boolean): Promise<void> {
    return new Promise((resolve, reject) =>
      this.subject.machine.apply(entries, answers, (error, _, events) => {
        if (error !== null) return reject(error);
        this.feed.append(events, entries.at(-1)!.index);
        resolve();
      })
    );
  }

  read(): string[] {
    const items: string[] = [];
    for (let item; (item = this.cursor.next()) !== null;) {
      items.push(
        "gap" in item
          ? `${item.gap} ${item.from}-${item.to}`
          : `${item.index}.${item.seq} ${item.kind} ${
            item.kind === SqlEvent.tables ? tablesIn(item.bytes) : ""
          }`,
      );
    }
    return items;
  }
}

test("three machines tell of the same events, with answers or without, across a snapshot and a restart", async () => {
  await using first = await Subject.open();
  await using second = await Subject.open();
  await using third = await Subject.open();
  const members = [first, second, third].map((subject) => new Fed(subject));
  const round = (n: number) =>
    [
      execute(`CREATE TABLE t${n} (x UNIQUE)`),
      execute(`INSERT INTO t${n} VALUES (1), (2)`),
      execute(`INSERT INTO t${n} VALUES (1)`),
      txn(`INSERT INTO t${n} VALUES (3)`, `DELETE FROM t0`),
      execute(`INSERT OR ROLLBACK INTO t${n} VALUES (3)`),
      execute(`DELETE FROM t${n}`),
    ].map((body) => command(body));
  const told: string[][] = [[], [], []];
  for (let n = 0; n < 6; n++) {
    const entries = first.entries(round(n));
    const [one, two, three] = members;
    await one!.apply(entries, true);
    for (const entry of entries) await two!.apply([entry], false);
    if (n === 3) {
      const snapshot = await first.snapshot();
      await install(snapshot, third);
      three!.feed.jump(snapshot.last.index);
    } else if (n !== 2) await three!.apply(entries, false);
    if (n === 4) await second.restart();
    members.forEach((member, i) => told[i]!.push(...member.read()));
  }
  assert.equal(told[0]!.length, 31);
  assert.deepEqual(told[1], told[0]);
  const at = told[2]!.indexOf("jump 12-24");
  assert.ok(at > 0);
  const outside = told[0]!.filter((line) =>
    parseInt(line) <= 12 || parseInt(line) > 24
  );
  assert.deepEqual(told[2]!.toSpliced(at, 1), outside);
});

async function install(snapshot: Snapshot, to: Subject): Promise<void> {
  const bytes = await new Promise<Uint8Array>((resolve, reject) =>
    snapshot.read(
      0,
      snapshot.size,
      (error, bytes) => error === null ? resolve(bytes) : reject(error),
    )
  );
  const step = (start: (done: (error: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) =>
      start((error) => error === null ? resolve() : reject(error))
    );
  await step((done) =>
    to.machine.receive(snapshot.last, (error, sink) => {
      if (error !== null) return done(error);
      sink!.write(bytes, (error) => {
        if (error !== null) return done(error);
        sink!.finish(snapshot, done);
      });
    })
  );
  await step((done) => to.machine.install(snapshot.last, done));
  snapshot.release();
}
