import assert from "node:assert/strict";
import fc from "fast-check";
import type { CommandBody } from "../../../src/state/sql/types.ts";
import { Direct } from "./direct.ts";
import { answered, command, execute, START_MS, txn } from "./subject.ts";
import { test } from "./drivers.ts";

const SCHEMA = [
  "CREATE TABLE t (id INTEGER PRIMARY KEY, v UNIQUE, w DEFAULT (random()), at DEFAULT CURRENT_TIMESTAMP)",
  "CREATE TABLE log (n INTEGER PRIMARY KEY AUTOINCREMENT, what, r DEFAULT (hex(randomblob(4))))",
  "CREATE TABLE child (id INTEGER PRIMARY KEY, t REFERENCES t(id))",
  "CREATE TABLE strict (k TEXT PRIMARY KEY ON CONFLICT FAIL, n INT CHECK (n < 5)) WITHOUT ROWID",
  "CREATE TABLE harsh (k PRIMARY KEY ON CONFLICT ROLLBACK)",
  "CREATE TRIGGER audit AFTER INSERT ON t BEGIN INSERT INTO log (what) VALUES ('t ' || new.id || ' ' || last_insert_rowid() || ' ' || changes()); END",
  "CREATE TRIGGER bomb AFTER INSERT ON log WHEN new.what = 'boom' BEGIN SELECT RAISE(ROLLBACK, 'rolled back by trigger'); END",
  "CREATE TRIGGER stop AFTER INSERT ON log WHEN new.what = 'fail' BEGIN SELECT RAISE(FAIL, 'failed by trigger'); END",
];

/** Statements that end in every way a statement can end. */
const STATEMENTS = [
  "INSERT INTO t (v) VALUES (1)",
  "INSERT INTO t (v) VALUES (2), (3), (1)",
  "INSERT OR FAIL INTO t (v) VALUES (4), (5), (4), (6)",
  "INSERT OR ROLLBACK INTO t (v) VALUES (7), (7)",
  "INSERT OR IGNORE INTO t (v) VALUES (8), (8), (9)",
  "INSERT OR REPLACE INTO t (v) VALUES (1)",
  "INSERT INTO t (id, v) VALUES (3, 'x') ON CONFLICT (id) DO UPDATE SET v = 'y'",
  "INSERT INTO t (v) VALUES (random()) RETURNING id, v, w",
  "INSERT INTO t (v) SELECT random() FROM t",
  "INSERT INTO t (v) SELECT last_insert_rowid() + 100 * changes()",
  "UPDATE t SET w = random() WHERE id % 2 = 0 RETURNING id",
  "UPDATE t SET v = v",
  "UPDATE OR FAIL t SET v = 1 WHERE id > 1",
  "DELETE FROM t WHERE id = (SELECT id FROM t ORDER BY random() LIMIT 1)",
  "DELETE FROM t WHERE id > 20",
  "INSERT INTO log (what) VALUES ('boom')",
  "INSERT INTO log (what) VALUES ('a'), ('fail')",
  "INSERT INTO log (what) VALUES (strftime('%s', 'now'))",
  "INSERT INTO child (t) VALUES (1)",
  "INSERT INTO child (t) VALUES (999)",
  "INSERT INTO strict VALUES ('a', 1)",
  "INSERT INTO strict VALUES ('b', 1), ('c', 9)",
  "INSERT INTO strict VALUES ('d', 2), ('a', 2)",
  "INSERT INTO harsh VALUES (1)",
  "INSERT INTO harsh VALUES (2), (1)",
  "INSERT INTO t (id) VALUES (9223372036854775807)",
  "UPDATE t SET id = 9223372036854775807 WHERE id = 2",
  "INSERT INTO nowhere VALUES (1)",
  "SELECT changes(), last_insert_rowid(), random()",
  "SELECT abs(-9223372036854775807 - 1)",
  "CREATE TABLE IF NOT EXISTS late (a, b REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)",
  "INSERT INTO late VALUES (1, 555)",
  "INSERT INTO late VALUES (1, (SELECT max(id) FROM t))",
  "DROP TABLE IF EXISTS late",
  "PRAGMA defer_foreign_keys = ON",
  "CREATE INDEX IF NOT EXISTS byw ON t (w)",
  "DROP INDEX IF EXISTS byw",
  "ALTER TABLE t ADD COLUMN extra DEFAULT 7",
];

const statement = fc.constantFrom(...STATEMENTS);
const body: fc.Arbitrary<CommandBody> = fc.oneof(
  { weight: 5, arbitrary: statement.map((sql) => execute(sql)) },
  {
    weight: 2,
    arbitrary: fc.array(statement, { minLength: 1, maxLength: 4 })
      .map((list) => txn(...list)),
  },
  {
    weight: 2,
    arbitrary: fc.array(statement, { minLength: 1, maxLength: 4 })
      .map((list) => ({ kind: "batch" as const, sql: list.join(";\n") })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), statement)
      .map(([id, sql]) => ({
        kind: "migrate" as const,
        migrations: [{ id, name: `m${id}`, sql }],
      })),
  },
);

interface Step {
  readonly body: CommandBody;
  readonly seed: [number, number];
  readonly laterMs: number;
  readonly session: boolean;
  readonly repeat: boolean;
  readonly key: string;
}

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const step: fc.Arbitrary<Step> = fc.record({
  body,
  seed: fc.tuple(u32, u32),
  laterMs: fc.oneof(
    fc.integer({ min: -50, max: 1000 }),
    fc.constant(50 * 60 * 1000),
  ),
  session: fc.boolean(),
  repeat: fc.boolean(),
  key: fc.constantFrom("", "", "", "k1", "k2"),
});

/** One session, opened by the last entry of the schema; some writes are sent twice. */
function payloadsOf(steps: readonly Step[], session: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  let timeMs = START_MS;
  let sequence = 0;
  for (const step of steps) {
    timeMs += step.laterMs;
    if (step.session && !step.repeat) sequence++;
    const identity = step.session && sequence > 0
      ? { session, sequence, answeredBelow: Math.max(1, sequence - 2) }
      : {};
    payloads.push(command(step.body, {
      timeMs,
      clockMs: Math.max(0, timeMs - START_MS),
      seed: step.seed,
      idempotencyKey: step.key,
      ...identity,
    }));
  }
  return payloads;
}

function prepared(path?: string): Direct {
  const member = new Direct(path);
  for (const sql of SCHEMA) member.ok(sql);
  member.run({ kind: "openSession" });
  return member;
}

test("§1.5 apply() gives the same data, answers and events whatever the batches and restarts", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-equal-" });
  let run = 0;
  try {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 25 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.boolean()), {
          minLength: 1,
          maxLength: 25,
        }),
        (steps, cuts) => {
          using whole = prepared();
          using single = prepared();
          using mixed = prepared(`${dir}/${run++}.db`);
          const payloads = payloadsOf(steps, whole.next - 1);
          const answers = whole.batch(payloads);
          const singles = payloads.flatMap((payload) =>
            single.batch([payload])
          );
          const mixtures: Uint8Array[] = [];
          let at = 0;
          for (let cut = 0; at < payloads.length; cut++) {
            const [size, restart] = cuts[cut % cuts.length]!;
            mixtures.push(...mixed.batch(payloads.slice(at, at + size)));
            at += size;
            if (restart) mixed.restart();
          }
          assert.deepEqual(
            answers.map(answered),
            singles.map(answered),
          );
          assert.deepEqual(
            answers.map(answered),
            mixtures.map(answered),
          );
          assert.deepEqual(whole.events, single.events);
          assert.deepEqual(mixed.events, single.events);
          assert.equal(single.dump(), whole.dump());
          assert.equal(mixed.dump(), whole.dump());
        },
      ),
      { numRuns: 60 },
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
