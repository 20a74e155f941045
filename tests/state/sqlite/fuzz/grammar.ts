import { Random } from "./random.ts";
import {
  drawSchema,
  restartNames,
  type Schema,
  type Target,
  trigger,
} from "./schema.ts";

/** One entry of a history: statements, and how they are sent. */
export interface Step {
  readonly kind: "execute" | "txn" | "batch";
  readonly statements: readonly string[];
}

/** What is applied, in order. */
export type History = readonly Step[];

const INT64_MAX = "9223372036854775807";
const INT64_MIN = "(-9223372036854775807 - 1)";
const WORDS = ["'one'", "'two words'", "'three of them'", "'now'", "'deep'"];

/** The history of a seed. */
export function drawHistory(seed: number): History {
  restartNames();
  const random = new Random(seed);
  const schema = drawSchema(random);
  const steps: Step[] = schema.statements.map((sql) => ({
    kind: "execute",
    statements: [sql],
  }));
  const length = 6 + random.below(24);
  for (let i = 0; i < length; i++) steps.push(drawStep(random, schema));
  return steps;
}

function drawStep(random: Random, schema: Schema): Step {
  const one = () => statement(random, schema);
  switch (random.below(6)) {
    case 0:
      return { kind: "txn", statements: random.several(2, 4, one) };
    case 1:
      return { kind: "batch", statements: random.several(2, 4, one) };
    default:
      return { kind: "execute", statements: [one()] };
  }
}

function statement(random: Random, schema: Schema): string {
  const target = random.pick(schema.targets);
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return insert(random, schema, target);
    case 6:
    case 7:
    case 8:
      return update(random, target);
    case 9:
    case 10:
      return remove(random, target);
    case 11:
      return ask(random, schema);
    case 12:
      return counters(random);
    case 13:
      return special(random, schema);
    case 14:
      return random.once(2)
        ? change(random, schema)
        : insert(random, schema, target);
    default:
      return random.once(3)
        ? "PRAGMA defer_foreign_keys = ON"
        : update(random, target);
  }
}

function value(random: Random): string {
  switch (random.below(14)) {
    case 0:
      return "NULL";
    case 1:
      return random.pick([
        INT64_MAX,
        INT64_MIN,
        "9223372036854775806",
        "1e300",
      ]);
    case 2:
    case 3:
    case 4:
      return random.pick(WORDS);
    case 5:
      return random.pick(["random()", "hex(randomblob(2))", "changes()"]);
    case 6:
      return random.pick([
        "last_insert_rowid()",
        "date('now')",
        "strftime('%Y', 'now')",
        "CURRENT_TIMESTAMP",
        "'2024-02-29'",
      ]);
    case 7:
      return random.pick([
        `'{"x": ${random.below(9)}}'`,
        "x'00ff'",
        "1.5",
        "''",
      ]);
    case 8:
      return "(SELECT max(id) FROM t)";
    default:
      return String(random.below(12));
  }
}

function key(random: Random): string {
  if (random.once(3)) return "NULL";
  return random.once(6) ? value(random) : String(random.below(9));
}

function insert(random: Random, schema: Schema, target: Target): string {
  const { name } = target;
  const columns = target.columns.filter(() => !random.once(3));
  if (columns.length === 0) columns.push(target.columns[0]!);
  const verb = random.pick([
    "INSERT",
    "INSERT",
    "INSERT",
    "REPLACE",
    "INSERT OR IGNORE",
    "INSERT OR REPLACE",
    "INSERT OR FAIL",
    "INSERT OR ROLLBACK",
  ]);
  const row = () =>
    columns.map((column) => column === target.key ? key(random) : value(random))
      .join(", ");
  const rows = random.once(4)
    ? source(random, schema, columns.length)
    : `VALUES ${random.several(1, 3, row).map((row) => `(${row})`).join(", ")}`;
  const upsert = target.kind === "table" && random.once(3)
    ? conflict(random, target)
    : "";
  return `${verb} INTO ${name}(${columns.join(", ")}) ${rows}${upsert}${
    returning(random, target)
  }`;
}

function source(random: Random, schema: Schema, width: number): string {
  const from = random.pick(schema.targets);
  const columns = Array.from(
    { length: width },
    () => random.once(2) ? random.pick(from.columns) : value(random),
  ).join(", ");
  const also = random.once(2)
    ? ` UNION ALL SELECT ${
      Array.from({ length: width }, () => value(random)).join(", ")
    }`
    : "";
  return `SELECT ${columns} FROM ${from.name} WHERE true${also}`;
}

function conflict(random: Random, { columns, key }: Target): string {
  const set = random.once(3)
    ? `${key} = CASE ${key} WHEN ${random.below(5)} THEN ${
      random.pick([INT64_MAX, "7", "NULL"])
    } ELSE ${random.below(9)} END`
    : `${random.pick(columns)} = ${value(random)}`;
  return random.pick([
    " ON CONFLICT DO NOTHING",
    ` ON CONFLICT(${key}) DO UPDATE SET ${set}`,
    ` ON CONFLICT DO UPDATE SET ${set}`,
  ]);
}

function returning(random: Random, target: Target): string {
  if (!random.once(5)) return "";
  const what = random.pick(["*", target.key, "changes()", "random()"]);
  return ` RETURNING ${what}`;
}

function where(random: Random, { kind, name, key, columns }: Target): string {
  if (kind.startsWith("fts") && random.once(3)) {
    return ` WHERE ${name} MATCH 'one'`;
  }
  return random.pick([
    "",
    ` WHERE ${key} = ${random.below(6)}`,
    ` WHERE ${key} % 2 = 0`,
    ` WHERE ${random.pick(columns)} > ${value(random)}`,
    ` WHERE ${random.pick(columns)} IS NULL`,
  ]);
}

function update(random: Random, target: Target): string {
  const verb = random.pick([
    "UPDATE",
    "UPDATE",
    "UPDATE OR IGNORE",
    "UPDATE OR REPLACE",
    "UPDATE OR FAIL",
    "UPDATE OR ROLLBACK",
  ]);
  const keyed = random.once(4);
  const column = keyed ? target.key : random.pick(target.columns);
  const set = random.once(4)
    ? `${column} = ${column} + ${
      random.pick(["1", INT64_MAX, "-3", "changes()"])
    }`
    : `${column} = ${keyed ? key(random) : value(random)}`;
  return `${verb} ${target.name} SET ${set}${where(random, target)}${
    returning(random, target)
  }`;
}

function remove(random: Random, target: Target): string {
  return `DELETE FROM ${target.name}${where(random, target)}${
    returning(random, target)
  }`;
}

/** A read whose answer is part of the state's checksum. */
function ask(random: Random, { targets }: Schema): string {
  const target = random.pick(targets);
  return random.pick([
    `SELECT * FROM ${target.name} ORDER BY ${target.key} LIMIT 5`,
    `SELECT count(*), max(${target.key}) FROM ${target.name}`,
    "SELECT changes(), last_insert_rowid(), random()",
    "SELECT * FROM f WHERE f MATCH 'one OR two' ORDER BY rank",
    "SELECT snippet(f, 0, '[', ']', '', 3) FROM f WHERE f MATCH 'words'",
    "SELECT id FROM r WHERE x0 < 50 AND x1 > 2",
    "SELECT json_group_array(a) FROM t",
    "SELECT name FROM sqlite_schema ORDER BY name",
    "SELECT * FROM sqlite_sequence",
    "SELECT * FROM pragma_table_info('t')",
  ]);
}

function counters(random: Random): string {
  return random.pick([
    "INSERT INTO log(x) SELECT changes() UNION ALL SELECT 7",
    "INSERT INTO log(x, y) VALUES (changes(), last_insert_rowid())",
    "INSERT INTO log(x) SELECT changes() FROM t",
    "INSERT INTO log(x) SELECT last_insert_rowid() FROM f",
    "UPDATE log SET y = changes() RETURNING y",
    "INSERT INTO log(x) SELECT changes() FROM f WHERE f MATCH 'one'",
    "INSERT INTO log(x) SELECT rank FROM f WHERE f MATCH 'one'",
  ]);
}

function special(random: Random, { targets }: Schema): string {
  const f =
    targets.find(({ name }) => name === random.pick(["f", "f4"]))?.name ??
      "f";
  const word = random.pick([
    "rebuild",
    "optimize",
    "integrity-check",
    "delete-all",
  ]);
  const rank = random.pick([
    "'merge', 4",
    "'merge', -4",
    "'automerge', 2",
    "'automerge', 0",
    "'crisismerge', 1000",
    "'crisis' || 'merge', 1000",
    "'usermerge', 2",
    "'pgsz', 64",
    "'hashsize', 100",
    "'secure-delete', 1",
    "'rank', 'bm25(10.0, 1.0)'",
    "'insttoken', 1",
    "'deletemerge', 5",
  ]);
  return random.pick([
    `INSERT INTO ${f}(${f}) VALUES ('${word}')`,
    `INSERT INTO f(f, rank) VALUES (${rank})`,
    `INSERT OR IGNORE INTO f(f, rank) VALUES (${rank})`,
    `INSERT INTO f(f, rowid, a, b) VALUES ('delete', ${
      random.below(5)
    }, 'one', 1)`,
    "INSERT INTO f4(f4) VALUES ('merge=4,2')",
    "INSERT INTO f4(f4) VALUES ('automerge=2')",
    "UPDATE sqlite_sequence SET seq = 9223372036854775806",
    "DELETE FROM sqlite_sequence",
    `UPDATE sqlite_sequence SET seq = ${INT64_MAX}`,
  ]);
}

/** A change of the schema. */
function change(random: Random, { targets }: Schema): string {
  return random.pick([
    "ALTER TABLE t ADD COLUMN d DEFAULT 3",
    "ALTER TABLE log ADD COLUMN z DEFAULT (1 + 1)",
    "ALTER TABLE t RENAME TO t2",
    "ALTER TABLE t2 RENAME TO t",
    "ALTER TABLE t RENAME COLUMN a TO aa",
    "ALTER TABLE t RENAME COLUMN aa TO a",
    "ALTER TABLE log DROP COLUMN y",
    "ALTER TABLE f RENAME TO f2",
    "ALTER TABLE f2 RENAME TO f",
    "ALTER TABLE f4 RENAME TO f5",
    "ALTER TABLE r RENAME TO r2",
    "DROP TABLE f",
    "DROP TABLE IF EXISTS r",
    "CREATE VIRTUAL TABLE IF NOT EXISTS f USING fts5(a, b)",
    "DROP VIEW v",
    "CREATE VIEW IF NOT EXISTS v AS SELECT id, a, last_insert_rowid() AS b FROM t",
    "CREATE TABLE copy AS SELECT *, changes() AS n FROM t",
    "DROP TABLE IF EXISTS copy",
    "DROP TABLE w",
    "DROP TABLE IF EXISTS p",
    "DROP TABLE IF EXISTS p",
    "CREATE TABLE IF NOT EXISTS p (k INTEGER PRIMARY KEY, v)",
    "CREATE TABLE IF NOT EXISTS w (k TEXT PRIMARY KEY, n)",
    "CREATE INDEX IF NOT EXISTS ix ON t(b, datetime(a))",
    "DROP INDEX IF EXISTS idate",
    "REINDEX",
    trigger(random, targets),
    trigger(random, targets),
    "DROP TRIGGER IF EXISTS g0",
  ]);
}
