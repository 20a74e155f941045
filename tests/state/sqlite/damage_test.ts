import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { StateDamagedError } from "../../../src/state/port.ts";
import { HiqliteError } from "../../../src/errors.ts";
import { DatabaseFiles } from "../../../src/state/sqlite/files/files.ts";
import { openSqliteMachine } from "../../../src/state/sqlite/open_machine.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { scribble } from "../../cluster/damage.ts";
import { command, execute } from "./subject.ts";
import { EntryKind } from "../../../src/raft/types.ts";
import { presentSpec, test } from "./drivers.ts";

const options = () => ({
  filename: "a.db",
  readPoolSize: 1,
  driver: presentSpec(),
  logger: silentLogger,
});

type Machine = Awaited<ReturnType<typeof openSqliteMachine>>["machine"];

const close = (machine: Machine): Promise<void> =>
  new Promise((resolve) => machine.close(resolve));

/** Gives a folder with a closed database of some hundred pages. */
async function withDatabase(
  test: (dir: string, path: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-damage-" });
  try {
    const { machine } = await openSqliteMachine({ dir, ...options() });
    const statements = [
      "CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)",
      "INSERT INTO t WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 2000) SELECT n, hex(zeroblob(200)) FROM c",
    ];
    const entries = statements.map((sql, i) => ({
      index: i + 1,
      term: 1,
      kind: EntryKind.command,
      payload: command(execute(sql)),
    }));
    await new Promise<void>((resolve, reject) =>
      machine.apply(
        entries,
        false,
        (error) => error === null ? resolve() : reject(error),
      )
    );
    await close(machine);
    await test(dir, join(dir, "db-00000001", "a.db"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const cannotOpen: readonly (readonly [
  string,
  (dir: string, path: string) => void,
  RegExp,
])[] = [
  ["its header is damaged", (_, path) => scribble(path, 0, 100), /not a data/],
  ["half of it is missing", (_, path) => fs.truncateSync(path, 100_000), /mal/],
  [
    "its folder is missing",
    (dir) => fs.rmSync(join(dir, "db-00000001"), { recursive: true }),
    /db-00000001 is missing/,
  ],
  [
    "nothing says which one it is",
    (dir) => fs.rmSync(join(dir, "current")),
    /current is missing/,
  ],
  [
    "what says which one it is makes no sense",
    (dir) => fs.writeFileSync(join(dir, "current"), "?"),
    /names no database folder: "\?"/,
  ],
];
for (const [what, harm, message] of cannotOpen) {
  test(`openSqliteMachine() calls a database damaged if ${what}, and leaves everything as it is`, () =>
    withDatabase(async (dir, path) => {
      harm(dir, path);
      const before = fs.readdirSync(dir).sort();
      await assert.rejects(
        openSqliteMachine({ dir, ...options() }),
        (error) =>
          error instanceof StateDamagedError && message.test(error.message),
      );
      const after = fs.readdirSync(dir).sort();
      assert.ok(before.every((name) => after.includes(name)));
    }));
}

for (const hurry of [true, false]) {
  test(`check() finds a damaged page, ${hurry ? "in a hurry" : "at leisure"}`, () =>
    withDatabase(async (dir, path) => {
      const { machine } = await openSqliteMachine({ dir, ...options() });
      await machine.check(hurry);
      const pages = fs.statSync(path).size / 4096;
      scribble(path, 4096 * Math.floor(pages / 2), 4096);
      await assert.rejects(machine.check(hurry), {
        name: "StateDamagedError",
        message: /^The database is damaged/,
      });
      await close(machine);
    }));
}

test("query() that meets a damaged page says so", () =>
  withDatabase(async (dir, path) => {
    const { machine } = await openSqliteMachine({ dir, ...options() });
    const pages = fs.statSync(path).size / 4096;
    scribble(path, 4096 * Math.floor(pages / 2), 4096);
    const query = { sql: "SELECT sum(length(body)) FROM t" };
    for (const guarded of [false, true]) {
      await assert.rejects(machine.query({ ...query, guarded }), {
        name: "StateDamagedError",
      });
    }
    await close(machine);
  }));

test("a database under another name is neither replaced nor taken for damage", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-name-" });
  try {
    const files = new DatabaseFiles(dir, "a.db");
    fs.writeFileSync(files.path, "");
    assert.throws(
      () => new DatabaseFiles(dir, "b.db"),
      (error) =>
        error instanceof HiqliteError && error.code === "storage" &&
        /is a\.db, not b\.db: set filename_db/.test(error.message),
    );
    assert.equal(new DatabaseFiles(dir, "a.db").path, files.path);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
