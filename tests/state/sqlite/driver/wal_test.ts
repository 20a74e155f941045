import assert from "node:assert/strict";
import { join } from "node:path";
import {
  NO_BINDINGS,
  type SqliteConnection,
} from "../../../../src/state/sqlite/driver/driver.ts";
import { trimWal } from "../../../../src/state/sqlite/driver/wal.ts";
import { presentDriver, test } from "../drivers.ts";

const MIB = 1024 * 1024;

/** A database in a folder, with a large transaction open beside what is committed. */
class Story implements Disposable {
  readonly dir: string = Deno.makeTempDirSync({ prefix: "hql-wal-" });
  readonly path: string = join(this.dir, "a.db");
  readonly connection: SqliteConnection = open(this.path);

  constructor() {
    this.connection.exec(
      `PRAGMA journal_mode = WAL; PRAGMA cache_size = 10;
       CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000))`,
    );
    this.connection.exec("BEGIN");
    for (let i = 0; i < 8; i++) {
      this.connection.exec("INSERT INTO t VALUES (zeroblob(1000000))");
    }
  }

  /** What is on the disk if the process dies now, in a folder of its own. */
  crash(): string {
    const after = join(this.dir, "after");
    Deno.mkdirSync(after);
    for (const name of ["a.db", "a.db-wal"]) {
      Deno.copyFileSync(join(this.dir, name), join(after, name));
    }
    return join(after, "a.db");
  }

  [Symbol.dispose](): void {
    this.connection.close();
    Deno.removeSync(this.dir, { recursive: true });
  }
}

function open(path: string): SqliteConnection {
  return presentDriver().open(path, { readOnly: false });
}

const walOf = (path: string): number => Deno.statSync(`${path}-wal`).size;

function rowsIn(connection: SqliteConnection): number {
  return connection.prepare("SELECT count(*) FROM t")!
    .all(NO_BINDINGS)[0]![0] as number;
}

test("trimWal() cuts off what a crash left of a transaction, and nothing that is committed", () => {
  using story = new Story();
  const path = story.crash();
  const left = walOf(path);
  assert.ok(left > 7 * MIB, `${left} bytes`);
  const connection = open(path);
  trimWal(connection, path, left);
  assert.equal(walOf(path), left, "it is spared");
  trimWal(connection, path, 0);
  const kept = walOf(path);
  assert.ok(kept > 100_000 && kept < MIB, `${kept} bytes`);
  assert.equal(rowsIn(connection), 1);
  connection.exec("INSERT INTO t VALUES (2)");
  trimWal(connection, path, 0);
  connection.close();
  const again = open(path);
  assert.equal(rowsIn(again), 2);
  again.close();
});

test("trimWal() after a rollback leaves readers what they see", () => {
  using story = new Story();
  const reader = open(story.path);
  reader.exec("BEGIN");
  assert.equal(rowsIn(reader), 1);
  story.connection.exec("ROLLBACK");
  trimWal(story.connection, story.path, 0);
  assert.ok(walOf(story.path) < MIB);
  assert.equal(rowsIn(reader), 1);
  reader.exec("COMMIT");
  story.connection.exec("INSERT INTO t VALUES (2)");
  assert.equal(rowsIn(reader), 2);
  reader.close();
});

test("trimWal() waits for another writer rather than cut off what it writes", () => {
  using story = new Story();
  const other = open(story.path);
  assert.throws(() => trimWal(other, story.path, 0), /locked/);
  story.connection.exec("COMMIT");
  trimWal(other, story.path, 0);
  assert.equal(rowsIn(other), 9);
  other.close();
});

test("trimWal() of a database without a WAL does nothing", () => {
  using story = new Story();
  story.connection.exec("ROLLBACK");
  story.connection.prepare("PRAGMA wal_checkpoint(TRUNCATE)")!.all(NO_BINDINGS);
  trimWal(story.connection, story.path, 0);
  assert.equal(rowsIn(story.connection), 1);
});
