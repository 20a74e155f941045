// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Both SQLite drivers in turns: µs per row, medians, and their ratio.
 *
 *     deno task bench:drivers
 */
import { LIBRARY } from "../native/library.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriverSpec,
} from "../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../src/state/sqlite/driver/open_driver.ts";

const ROUNDS = 5;
const ROWS = 50_000;
const SPECS: readonly SqliteDriverSpec[] = [
  { kind: "node" },
  { kind: "ffi", library: LIBRARY },
];

/** A measured step: the rows that it handled. */
type Step = (connection: SqliteConnection) => number;

function inTransaction(
  connection: SqliteConnection,
  rows: number,
  sql: string,
): number {
  const statement = connection.prepare(sql)!;
  connection.command("BEGIN IMMEDIATE");
  for (let i = 0; i < rows; i++) {
    statement.run({
      anonymous: [BigInt(i), `name of row ${i}`, i + 0.5],
      named: null,
    });
  }
  connection.command("COMMIT");
  return rows;
}

const INSERT = "INSERT INTO t (n, name, x) VALUES (?, ?, ?)";

const STEPS: Readonly<Record<string, Step>> = {
  "insert, one transaction": (c) => inTransaction(c, ROWS, INSERT),
  "transaction of 10,000": (c) => inTransaction(c, 10_000, INSERT),
  "insert, RETURNING": (connection) => {
    const statement = connection.prepare(`${INSERT} RETURNING id`)!;
    connection.command("BEGIN IMMEDIATE");
    for (let i = 0; i < ROWS; i++) {
      const anonymous = [BigInt(i), "name", i + 0.5];
      for (const _ of statement.rows({ anonymous, named: null })) continue;
    }
    connection.command("COMMIT");
    return ROWS;
  },
  "insert with a function as default": (connection) => {
    const statement = connection.prepare("INSERT INTO d (n) VALUES (?)")!;
    connection.command("BEGIN IMMEDIATE");
    for (let i = 0; i < ROWS; i++) {
      statement.run({ anonymous: [BigInt(i)], named: null });
    }
    connection.command("COMMIT");
    return ROWS;
  },
  "select by key": (connection) => {
    const statement = connection.prepare(
      "SELECT id, n, name, x FROM t WHERE id = ?",
    )!;
    for (let i = 1; i <= ROWS; i++) {
      statement.all({ anonymous: [BigInt(i)], named: null });
    }
    return ROWS;
  },
  "scan": (connection) =>
    connection.prepare(`SELECT id, n, name, x FROM t LIMIT ${ROWS}`)!
      .all(NO_BINDINGS).length,
  "scan, row by row": (connection) => {
    let rows = 0;
    const statement = connection.prepare(
      `SELECT id, n, name, x FROM t LIMIT ${ROWS}`,
    )!;
    for (const _ of statement.rows(NO_BINDINGS)) rows++;
    return rows;
  },
  "compile": (connection) => {
    for (let i = 0; i < 5000; i++) {
      connection.prepare(`SELECT id, n, name, x FROM t WHERE id = ${i}`);
    }
    return 5000;
  },
};

function measure(spec: SqliteDriverSpec): Map<string, number> {
  const path = Deno.makeTempFileSync({ prefix: "hql-drivers-" });
  const connection = openDriver(spec).open(path, { readOnly: false });
  connection.exec(
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name TEXT, x REAL); CREATE TABLE d (n, at TEXT DEFAULT (stamp()))",
  );
  const taken = new Map<string, number>();
  connection.define("stamp", false, () => "2024-01-01 00:00:00");
  connection.authorize(() => true);
  for (const [name, step] of Object.entries(STEPS)) {
    const begun = performance.now();
    const rows = step(connection);
    taken.set(name, (performance.now() - begun) * 1000 / rows);
  }
  connection.close();
  for (const suffix of ["", "-wal", "-shm"]) {
    try {
      Deno.removeSync(path + suffix);
    } catch {
      // It was not made.
    }
  }
  return taken;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

for (const spec of SPECS) {
  const { name, version } = openDriver(spec);
  console.log(`${spec.kind}: ${name} ${version}`);
  measure(spec);
}
const rounds = SPECS.map((): Map<string, number>[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [at, spec] of SPECS.entries()) rounds[at]!.push(measure(spec));
}
console.log(`µs per row, medians of ${ROUNDS}`);
for (const name of Object.keys(STEPS)) {
  const [node, ffi] = rounds.map((each) =>
    median(each.map((m) => m.get(name)!))
  );
  console.log(
    `${name.padEnd(36)} node ${node!.toFixed(2).padStart(6)}  ffi ${
      ffi!.toFixed(2).padStart(6)
    }  node/ffi ${(node! / ffi!).toFixed(2)}`,
  );
}
