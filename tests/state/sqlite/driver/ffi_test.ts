import assert from "node:assert/strict";
import { join } from "node:path";
import { LIBRARY } from "../../../../native/library.ts";
import {
  type SqliteConnection,
  SqliteError,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../../../../src/state/sqlite/driver/open_driver.ts";
import { SQLITE_LIBRARY, testNeeding } from "../../../cluster/requirements.ts";

const NONE = { anonymous: [], named: null };
/**
 * A library of this file's own: what SQLite holds, and may hold, is counted for a whole
 * library, and other tests that run in this process use it too.
 */
const folder = Deno.makeTempDirSync({ prefix: "hiqlite-ffi-" });
const OWN_LIBRARY = join(folder, "libsqlite3.so");
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const spec = { kind: "ffi", library: OWN_LIBRARY } as const;
if (await SQLITE_LIBRARY.obstacle() === "") {
  Deno.copyFileSync(LIBRARY, OWN_LIBRARY);
  openDriver(spec);
}

const ffiTest = await testNeeding(SQLITE_LIBRARY);

/** Bytes that SQLite holds in this process. */
function bytesUsed(): number {
  const library = Deno.dlopen(OWN_LIBRARY, {
    sqlite3_memory_used: { parameters: [], result: "i64" },
  });
  const used = Number(library.symbols.sqlite3_memory_used());
  library.close();
  return used;
}

function open(): SqliteConnection {
  return openDriver(spec).open(":memory:", { readOnly: false });
}

ffiTest(
  "10,000 statements that nobody frees keep their connection within its bounds",
  () => {
    const before = bytesUsed();
    const connection = open();
    const kept = connection.prepare("SELECT 'kept', ?1")!;
    for (let i = 0; i < 10_000; i++) {
      const statement = connection.prepare(`SELECT ${i} + ?1`)!;
      assert.deepEqual(statement.all({ anonymous: [1n], named: null }), [[
        i + 1,
      ]]);
    }
    assert.ok(
      bytesUsed() - before < 40_000_000,
      `${bytesUsed() - before} bytes`,
    );
    // It was freed meanwhile, and nobody sees it.
    assert.deepEqual(kept.all({ anonymous: [2n], named: null }), [["kept", 2]]);
    for (let i = 0; i < 100; i++) {
      connection.prepare(`SELECT ${i}, '${"x".repeat(900_000)}'`)!.all(NONE);
    }
    assert.ok(
      bytesUsed() - before < 40_000_000,
      `${bytesUsed() - before} bytes`,
    );
    connection.close();
    assert.equal(bytesUsed(), before);
  },
);

ffiTest(
  "200 connections with functions and an authorizer leave nothing behind",
  () => {
    open().close();
    const before = bytesUsed();
    for (let i = 0; i < 200; i++) {
      const connection = open();
      connection.define("f", true, (x) => x!);
      connection.authorize(() => true);
      const statement = connection.prepare("SELECT f(?1)")!;
      statement.all({ anonymous: ["x"], named: null });
      connection.command("BEGIN");
      connection.close();
      assert.throws(() => statement.all(NONE), /is closed/);
      connection.close();
    }
    assert.equal(bytesUsed(), before);
  },
);

ffiTest("interrupt() ends what another thread runs", async () => {
  const code = `
    import { openDriver } from ${
    JSON.stringify(
      import.meta.resolve("../../../../src/state/sqlite/driver/open_driver.ts"),
    )
  };
    const connection = openDriver(${
    JSON.stringify(spec)
  }).open(":memory:", { readOnly: false });
    const endless = connection.prepare("WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT count(*) FROM c");
    self.postMessage(connection.handle);
    try {
      endless.all({ anonymous: [], named: null });
    } catch (error) {
      self.postMessage(error.code);
    }
    connection.close();`;
  const worker = new Worker(
    `data:application/javascript,${encodeURIComponent(code)}`,
    { type: "module" },
  );
  const message = (): Promise<unknown> =>
    new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const handle = await message() as bigint;
  const ended = message();
  const { interrupt } = openDriver(spec);
  const timer = setInterval(() => interrupt!(handle), 20);
  assert.equal(await ended, 9);
  clearInterval(timer);
  worker.terminate();
});

ffiTest(
  "limitHeap() makes a statement that needs too much fail, and nothing else",
  () => {
    const driver = openDriver(spec);
    const connection = open();
    driver.limitHeap!(bytesUsed() + 8_000_000);
    try {
      assert.throws(
        () => connection.prepare("SELECT hex(zeroblob(20000000))")!.all(NONE),
        (error) => error instanceof SqliteError && error.code === 7,
      );
      assert.deepEqual(connection.prepare("SELECT 1")!.all(NONE), [[1]]);
    } finally {
      driver.limitHeap!(0);
    }
    connection.close();
  },
);

ffiTest("rows() throws what ends it", () => {
  const connection = open();
  const statement = connection.prepare(
    "SELECT abs(column1) FROM (VALUES (1), (-9223372036854775808), (2))",
  )!;
  const rows = [];
  assert.throws(() => {
    for (const row of statement.rows(NONE)) rows.push(row);
  }, /integer overflow/);
  assert.equal(rows.length, 1);
  for (const _ of statement.rows(NONE)) break;
  assert.throws(() => statement.all(NONE), /integer overflow/);
  connection.close();
});

ffiTest(
  "owesForeignKeys(), readOnly and declaredTypes() tell what SQLite knows",
  () => {
    const connection = open();
    connection.exec(
      `CREATE TABLE p (id INTEGER PRIMARY KEY);
     CREATE TABLE c (p BIGINT REFERENCES p DEFERRABLE INITIALLY DEFERRED);
     BEGIN; INSERT INTO c VALUES (1)`,
    );
    assert.equal(connection.owesForeignKeys!(), true);
    connection.exec("INSERT INTO p VALUES (1)");
    assert.equal(connection.owesForeignKeys!(), false);
    const query = connection.prepare("SELECT p, p + 1 FROM c")!;
    assert.equal(query.readOnly, true);
    assert.deepEqual(query.declaredTypes!(), ["BIGINT", null]);
    assert.equal(connection.prepare("DELETE FROM c")!.readOnly, false);
    connection.close();
  },
);

ffiTest(
  "a library that is none, or is too old, is refused in words",
  () => {
    const library = "/nowhere/libsqlite3.so";
    assert.throws(
      () => openDriver({ kind: "ffi", library }),
      /The SQLite library \/nowhere\/libsqlite3.so cannot be loaded: /,
    );
    assert.throws(
      () => open().prepare("SELECT nothing"),
      (error) => error instanceof SqliteError && error.code === 1,
    );
  },
);
