import type { Random } from "./random.ts";

/** A table that statements can be made for. */
export interface Target {
  readonly name: string;
  /** Columns that can be written. */
  readonly columns: readonly string[];
  /** The column that is the rowid, or the key. */
  readonly key: string;
  readonly kind: "table" | "fts5" | "fts4" | "rtree" | "view";
}

/** The schema that a history begins with. */
export interface Schema {
  readonly statements: readonly string[];
  readonly targets: readonly Target[];
}

const DEFAULTS = [
  "(changes())",
  "(last_insert_rowid())",
  "(random())",
  "(hex(randomblob(3)))",
  "CURRENT_TIMESTAMP",
  "(strftime('%s', 'now'))",
  "(json_array(changes(), 2))",
  "7",
];
const ACTIONS = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];
const CONFLICTS = ["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"];
const GENERATED = [
  "b + 1",
  "json_extract(c, '$.x')",
  "upper(coalesce(b, '') || 'x')",
  "date(b)",
  "strftime('%Y', b)",
];

/** Tables of every kind, with indexes, views and triggers over them. */
export function drawSchema(random: Random): Schema {
  const targets: Target[] = [];
  const statements = [
    ...plain(random, targets),
    ...keyed(random, targets),
    ...relatives(random, targets),
    ...virtual(random, targets),
    ...views(random, targets),
    ...indexes(random),
    ...random.several(1, 5, () => trigger(random, targets)),
  ];
  return { statements, targets };
}

function plain(random: Random, targets: Target[]): string[] {
  const auto = random.once(3) ? " AUTOINCREMENT" : "";
  const unique = random.once(3)
    ? ` UNIQUE${random.once(2) ? ` ON CONFLICT ${random.pick(CONFLICTS)}` : ""}`
    : "";
  const generated = random.once(2)
    ? `, g AS (${random.pick(GENERATED)})${random.once(2) ? " STORED" : ""}`
    : "";
  const check = random.once(4) ? ", CHECK (a IS NULL OR a <> 13)" : "";
  const strict = random.once(5);
  const type = strict ? " ANY" : "";
  targets.push(
    { name: "t", columns: ["id", "a", "b", "c"], key: "id", kind: "table" },
    { name: "log", columns: ["x", "y"], key: "n", kind: "table" },
  );
  return [
    `CREATE TABLE t (id INTEGER PRIMARY KEY${auto}, a${type}${unique}, b${type}, c${type} DEFAULT ${
      random.pick(DEFAULTS)
    }${generated}${check})${strict ? " STRICT" : ""}`,
    `CREATE TABLE log (n INTEGER PRIMARY KEY, x${
      random.once(2) ? " NOT NULL" : ""
    } DEFAULT ${random.pick(DEFAULTS)}, y DEFAULT ${random.pick(DEFAULTS)})`,
  ];
}

function keyed(random: Random, targets: Target[]): string[] {
  const without = random.once(2) ? " WITHOUT ROWID" : "";
  targets.push({
    name: "w",
    columns: ["k", "n"],
    key: "k",
    kind: "table",
  });
  const conflict = random.once(3)
    ? ` ON CONFLICT ${random.pick(CONFLICTS)}`
    : "";
  return [
    `CREATE TABLE w (k TEXT PRIMARY KEY${conflict}, n INT DEFAULT ${
      random.pick(DEFAULTS)
    })${without}`,
  ];
}

function relatives(random: Random, targets: Target[]): string[] {
  if (random.once(3)) return [];
  targets.push(
    { name: "p", columns: ["k", "v"], key: "k", kind: "table" },
    { name: "kid", columns: ["id", "p", "v"], key: "id", kind: "table" },
  );
  const deferred = random.once(5) ? " DEFERRABLE INITIALLY DEFERRED" : "";
  const actions = `ON UPDATE ${random.pick(ACTIONS)} ON DELETE ${
    random.pick(ACTIONS)
  }${deferred}`;
  const onKey = random.once(3);
  return [
    `CREATE TABLE p (k INTEGER ${
      random.once(2) ? "PRIMARY KEY" : "UNIQUE"
    }, v)`,
    onKey
      ? `CREATE TABLE kid (id INTEGER PRIMARY KEY REFERENCES p(k) ${actions}, p, v)`
      : `CREATE TABLE kid (id INTEGER PRIMARY KEY, p DEFAULT 1 REFERENCES p(k) ${actions}, v)`,
  ];
}

function virtual(random: Random, targets: Target[]): string[] {
  const made: string[] = [];
  if (!random.once(4)) {
    const options = random.pick([
      "",
      ", content='t', content_rowid='id'",
      ", content='v', content_rowid='id'",
      ", content=''",
      ", content='', contentless_delete=1",
      ", prefix='1 2'",
      ", detail=none",
      ", detail=column",
      ", columnsize=0",
    ]);
    made.push(`CREATE VIRTUAL TABLE f USING fts5(a, b${options})`);
    targets.push({
      name: "f",
      columns: ["rowid", "a", "b"],
      key: "rowid",
      kind: "fts5",
    });
  }
  if (random.once(3)) {
    const options = random.pick([
      "",
      ', content="t"',
      ', content=""',
      ", order=desc",
    ]);
    made.push(`CREATE VIRTUAL TABLE f4 USING fts4(a, b${options})`);
    targets.push({
      name: "f4",
      columns: ["docid", "a", "b"],
      key: "docid",
      kind: "fts4",
    });
  }
  if (random.once(2)) {
    const kind = random.pick(["rtree", "rtree_i32"]);
    made.push(`CREATE VIRTUAL TABLE r USING ${kind}(id, x0, x1, +aux)`);
    targets.push({
      name: "r",
      columns: ["id", "x0", "x1", "aux"],
      key: "id",
      kind: "rtree",
    });
  }
  return made;
}

function views(random: Random, targets: Target[]): string[] {
  const view = `CREATE VIEW v AS SELECT id, a, b${
    random.once(4) ? " || changes()" : ""
  }${random.once(2) ? " AS b" : ""} FROM t`;
  targets.push({
    name: "v",
    columns: ["id", "a", "b"],
    key: "id",
    kind: "view",
  });
  const doing = random.pick([
    "INSERT INTO t(a, b) VALUES (new.a, last_insert_rowid())",
    "INSERT OR REPLACE INTO t(id, a) VALUES (new.id, changes())",
    "INSERT INTO log(x) VALUES (changes())",
  ]);
  return [
    view,
    `CREATE TRIGGER vi INSTEAD OF INSERT ON v BEGIN ${doing}; END`,
    `CREATE TRIGGER vu INSTEAD OF UPDATE ON v BEGIN UPDATE t SET a = new.a WHERE id = old.id; END`,
  ];
}

function indexes(random: Random): string[] {
  return random.several(0, 3, () =>
    random.pick([
      "CREATE INDEX IF NOT EXISTS ia ON t(a)",
      "CREATE UNIQUE INDEX IF NOT EXISTS ub ON t(b) WHERE b > 5",
      "CREATE INDEX IF NOT EXISTS idate ON t(date(b))",
      "CREATE INDEX IF NOT EXISTS iyear ON t(strftime('%Y', b, '+1 day'), a DESC)",
      "CREATE INDEX IF NOT EXISTS ij ON t(json_extract(c, '$.x'))",
      "CREATE INDEX IF NOT EXISTS wn ON w(n COLLATE NOCASE)",
    ]));
}

let made = 0;

/** A trigger whose body writes elsewhere, also into virtual tables. */
export function trigger(random: Random, targets: readonly Target[]): string {
  const has = (name: string) => targets.some((target) => target.name === name);
  // What refers to a table that is dropped is deleted, and that fires.
  const on = has("kid") && random.once(5)
    ? "kid"
    : random.pick(["t", "log", "w", "t"]);
  const event = on === "kid"
    ? random.pick(["DELETE", "DELETE", "UPDATE"])
    : random.pick(["INSERT", "UPDATE", "DELETE", "INSERT"]);
  const row = event === "DELETE" ? "old" : "new";
  const a = `${row}.${{ t: "a", w: "n", log: "x", kid: "v" }[on]}`;
  const bodies = [
    "INSERT INTO log(x, y) VALUES (changes(), last_insert_rowid())",
    `INSERT INTO log(x) SELECT ${a} WHERE ${a} <> 'deep'`,
    `UPDATE t SET b = ${a} WHERE id = 3`,
    "DELETE FROM log WHERE n % 3 = 0",
    `UPDATE OR REPLACE w SET n = changes() WHERE k = ${a}`,
    `INSERT OR IGNORE INTO w VALUES (${a}, last_insert_rowid())`,
    "SELECT RAISE(ABORT, 'stop') WHERE last_insert_rowid() % 7 = 6",
    "SELECT RAISE(IGNORE) WHERE changes() % 5 = 4",
    "SELECT RAISE(FAIL, 'fail') WHERE last_insert_rowid() % 11 = 6",
    "SELECT RAISE(ROLLBACK, 'back') WHERE last_insert_rowid() % 13 = 6",
    "UPDATE t SET id = id + 1000 WHERE id = 2",
    "UPDATE t SET id = 9223372036854775807 WHERE id = 5",
  ];
  if (has("f")) {
    bodies.push(
      `INSERT INTO f(a, b) VALUES (${a}, changes())`,
      `INSERT INTO f(rowid, a) VALUES (last_insert_rowid(), ${a})`,
      "DELETE FROM f WHERE rowid = 2",
      "INSERT INTO f(f, rank) VALUES ('secure-delete', 1)",
      "INSERT INTO log(x) SELECT count(*) FROM f WHERE f MATCH 'one'",
    );
  }
  if (has("f4")) bodies.push(`INSERT INTO f4(a, b) VALUES (${a}, changes())`);
  if (has("r")) bodies.push("INSERT INTO r(x0, x1) VALUES (changes(), 100)");
  const body = random.several(1, 2, () => random.pick(bodies)).join("; ");
  return `CREATE TRIGGER g${made++} ${
    random.pick(["AFTER", "BEFORE"])
  } ${event} ON ${on} BEGIN ${body}; END`;
}

/** Begins to count triggers again, with each history. */
export function restartNames(): void {
  made = 0;
}
