import assert from "node:assert/strict";
import {
  FAIL,
  requireSqlite,
  SqliteError,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { driverArgument, presentDriver, test } from "../drivers.ts";

const NONE = { anonymous: [], named: null };

test("§1.5 requireSqlite() refuses versions with the WAL-reset bug", () => {
  for (const version of ["3.51.3", "3.52.0", "3.51.10", "4.0.0"]) {
    requireSqlite(version);
  }
  for (const version of ["3.51.2", "3.40.1", "3.9.0", "unknown"]) {
    assert.throws(() => requireSqlite(version), /3\.51\.3 or newer/);
  }
  requireSqlite(presentDriver().version);
});

test("prepare() answers null for a text without a statement", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  for (const sql of ["", " ", ";", "-- x", "/* x */ ;", "\0SELECT 1"]) {
    assert.equal(connection.prepare(sql), null, JSON.stringify(sql));
  }
  connection.close();
});

test("a function that returns FAIL fails its statement, in any row", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  connection.define("picky", false, (x) => x === 2n ? FAIL : x!);
  const statement = connection.prepare(
    "SELECT picky(column1) FROM (VALUES (1), (2), (3))",
  )!;
  assert.throws(() => statement.all(NONE), SqliteError);
  connection.close();
});

test("the code of what failed within a function is its statement's", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  connection.define("torn", false, () => {
    throw new SqliteError("disk I/O error", 266);
  });
  assert.throws(
    () => connection.prepare("SELECT torn()")!.all(NONE),
    (error) =>
      error instanceof SqliteError && error.code === 266 &&
      error.message === "disk I/O error",
  );
  connection.close();
});

test("errors of command() carry SQLite's extended result code", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  connection.exec(
    `PRAGMA foreign_keys = ON; CREATE TABLE p (id INTEGER PRIMARY KEY);
     CREATE TABLE c (p REFERENCES p DEFERRABLE INITIALLY DEFERRED);
     BEGIN; INSERT INTO c VALUES (1)`,
  );
  // A full disk, too, is only seen in the extended code, when the WAL's index cannot grow.
  for (let again = 0; again < 2; again++) {
    assert.throws(
      () => connection.command("COMMIT"),
      (error) => error instanceof SqliteError && error.code === 787,
    );
  }
  connection.command("ROLLBACK");
  connection.close();
});

test("errors carry SQLite's extended result code", () => {
  const connection = presentDriver().open(":memory:", { readOnly: false });
  connection.exec("CREATE TABLE t (a UNIQUE); INSERT INTO t VALUES (1)");
  assert.throws(
    () => connection.prepare("INSERT INTO t VALUES (1)")!.run(NONE),
    (error) =>
      error instanceof SqliteError && error.code === 2067 &&
      error.primary === 19,
  );
  connection.close();
});

test("what the functions of a connection know is forgotten when it is closed", async () => {
  const { stdout, stderr, success } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--v8-flags=--expose-gc",
      "--allow-read",
      "--allow-ffi",
      "--allow-env",
      new URL("./forgetting.ts", import.meta.url).pathname,
      driverArgument(),
    ],
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stderr));
  // The last one may still be in a register.
  assert.ok(Number(decoder.decode(stdout)) <= 1, decoder.decode(stdout));
});
