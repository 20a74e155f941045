import assert from "node:assert/strict";
import { join } from "node:path";
import {
  COPIED_PAGES,
  NO_BINDINGS,
  type SqliteConnection,
} from "../../../src/state/sqlite/driver/driver.ts";
import {
  blockFor,
  copyInSlices,
} from "../../../src/state/sqlite/files/copy_in_slices.ts";
import { presentDriver, test } from "./drivers.ts";

const PAGE_BYTES = 512;
const SLICES = 3;

/** A database of three slices and a bit, in WAL mode, and one connection that writes it. */
function filled(folder: string): { path: string; writer: SqliteConnection } {
  const path = join(folder, "source.db");
  const writer = presentDriver().open(path, { readOnly: false });
  writer.exec(
    `PRAGMA page_size = ${PAGE_BYTES}; PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER PRIMARY KEY, pad BLOB)`,
  );
  writer.exec(
    `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${
      SLICES * COPIED_PAGES
    }) INSERT INTO t SELECT i, randomblob(${PAGE_BYTES - 60}) FROM c`,
  );
  return { path, writer };
}

function countIn(path: string): unknown {
  const connection = presentDriver().open(path, { readOnly: true });
  try {
    const [[found]] = connection.prepare("PRAGMA quick_check")!
      .all(NO_BINDINGS) as [[string]];
    assert.equal(found, "ok");
    return connection.prepare("SELECT count(*) FROM t")!.all(
      NO_BINDINGS,
    )[0]![0];
  } finally {
    connection.close();
  }
}

async function inFolder(
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hiqlite-slices-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A source of so many slices, each of which takes so long. */
function source(slices: number, ms: number, rests: number[]): SqliteConnection {
  const backup = (_target: string, between = () => {}): Promise<void> => {
    for (let at = 0; at < slices; at++) {
      blockFor(ms);
      const begin = performance.now();
      between();
      rests.push(performance.now() - begin);
    }
    return Promise.resolve();
  };
  return { backup } as unknown as SqliteConnection;
}

test("what is written between the slices of a copy is not in it, and makes it neither begin again nor end early", () =>
  inFolder(async (folder) => {
    const { path, writer } = filled(folder);
    const reader = presentDriver().open(path, { readOnly: true });
    reader.exec("BEGIN; SELECT count(*) FROM t");
    const before = countIn(path);
    let between = 0;
    const target = join(folder, "copy.db");
    await reader.backup(target, () => {
      between++;
      writer.exec("UPDATE t SET pad = x'00' WHERE n % 7 = 0");
      writer.exec("INSERT INTO t SELECT max(n) + 1, x'01' FROM t");
      writer.exec("PRAGMA wal_checkpoint(PASSIVE)");
    });
    reader.close();
    writer.close();
    assert.ok(between >= SLICES && between < 2 * SLICES, `${between} times`);
    assert.equal(countIn(target), before);
    assert.equal(countIn(path), Number(before) + between);
  }));

test("a database of less than a slice is copied in one go", () =>
  inFolder(async (folder) => {
    const path = join(folder, "small.db");
    const connection = presentDriver().open(path, { readOnly: false });
    connection.exec("CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (1)");
    let between = 0;
    await connection.backup(join(folder, "copy.db"), () => between++);
    connection.close();
    assert.equal(between, 0);
    assert.equal(countIn(join(folder, "copy.db")), 1);
  }));

test("copyInSlices() copies what the open transaction sees", () =>
  inFolder(async (folder) => {
    const { path, writer } = filled(folder);
    const reader = presentDriver().open(path, { readOnly: true });
    reader.exec("BEGIN; SELECT count(*) FROM t");
    writer.exec("DELETE FROM t");
    const target = join(folder, "copy.db");
    await copyInSlices(reader, target);
    reader.close();
    writer.close();
    assert.equal(countIn(target), SLICES * COPIED_PAGES);
  }));

Deno.test("a copy rests after each slice for as long as the slice took", () =>
  inFolder(async (folder) => {
    const target = join(folder, "copy.db");
    await Deno.writeTextFile(target, "");
    const rests: number[] = [];
    await copyInSlices(source(3, 40, rests), target);
    assert.equal(rests.length, 3);
    for (const ms of rests) assert.ok(ms >= 40, `${ms}`);
  }));

Deno.test("a slice that cannot be made durable is an error of the copy, once the driver is done", () =>
  inFolder(async (folder) => {
    const rests: number[] = [];
    await assert.rejects(
      copyInSlices(source(3, 1, rests), join(folder, "missing.db")),
      { code: "ENOENT" },
    );
    assert.equal(rests.length, 3);
  }));
