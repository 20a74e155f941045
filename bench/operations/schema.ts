// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import { join } from "node:path";
import { openDriver } from "../../src/state/sqlite/driver/open_driver.ts";
import { Direct } from "../../tests/state/sqlite/direct.ts";
import { machine, ms, quantile, table } from "./figures.ts";

const HELP = `Usage: deno run -A bench/operations/schema.ts [options]

Makes, indexes, writes and drops tables beside others with an index each, on
the writer's code alone, and in bare SQLite: the median of each.

  --tables <list>  how many others there are (default 0,400,10000)
  --times <n>      tables made, 1 to 1000 (default 50)
  --help           this text
`;

const STATEMENTS: readonly (readonly [string, (i: number) => string])[] = [
  ["CREATE TABLE", (i) => `CREATE TABLE t${i} (a INTEGER PRIMARY KEY, b)`],
  ["CREATE INDEX", (i) => `CREATE INDEX i${i} ON t${i} (b)`],
  ["first INSERT", (i) => `INSERT INTO t${i} (b) VALUES (1)`],
  ["DROP TABLE", (i) => `DROP TABLE t${i}`],
];

const { values } = parseArgs({
  options: {
    tables: { type: "string", default: "0,400,10000" },
    times: { type: "string", default: "50" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const lines: string[][] = [];
  for (const tables of values.tables.split(",").map(Number)) {
    const dir = await Deno.makeTempDir();
    try {
      lines.push(
        [`${tables} tables`, ...measureMember(join(dir, "member"), tables)],
        [`bare, ${tables}`, ...measureBare(join(dir, "bare"), tables)],
      );
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  }
  console.log(`${machine()}\n`);
  console.log(table(["beside", ...STATEMENTS.map(([name]) => name)], lines));
}

function measureMember(path: string, tables: number): string[] {
  using member = new Direct(path, (connection) => {
    fill((sql) => connection.exec(sql), tables);
    return connection;
  });
  member.ok("CREATE TABLE before (x)");
  return measure((sql) => member.ok(sql));
}

function measureBare(path: string, tables: number): string[] {
  const connection = openDriver({ kind: "node" }).open(path, {
    readOnly: false,
  });
  connection.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  fill((sql) => connection.exec(sql), tables);
  const figures = measure((sql) => connection.exec(sql));
  connection.close();
  return figures;
}

function fill(exec: (sql: string) => void, tables: number): void {
  exec("BEGIN");
  for (let i = 0; i < tables; i++) {
    exec(
      `CREATE TABLE other${i} (a INTEGER PRIMARY KEY, b); CREATE INDEX other_i${i} ON other${i} (b)`,
    );
  }
  exec("COMMIT");
}

function measure(run: (sql: string) => unknown): string[] {
  return STATEMENTS.map(([, sql]) => {
    const times: number[] = [];
    for (let i = 0; i < Number(values.times); i++) {
      const began = performance.now();
      run(sql(i));
      times.push(performance.now() - began);
    }
    return ms(quantile(times, 0.5));
  });
}
