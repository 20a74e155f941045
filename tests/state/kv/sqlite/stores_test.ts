import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { HiqliteError } from "../../../../src/errors.ts";
import { SqliteStores } from "../../../../src/state/kv/sqlite/stores.ts";
import { StateDamagedError } from "../../../../src/state/port.ts";
import { CacheDatabase } from "../../../../src/state/kv/sqlite/database.ts";
import { cacheOf, checkpoint, entryOf, positionAt } from "../store_subject.ts";
import {
  closeStore,
  DATA,
  openStore,
  withFolder,
  writeRound,
} from "./folder.ts";

function folders(dir: string): string[] {
  return fs.readdirSync(dir).filter((name) => name.startsWith("store-"))
    .sort();
}

Deno.test("a replacement takes the place of the store in use once it is adopted, and not before", async () => {
  await withFolder(async (dir) => {
    let stores = new SqliteStores(dir);
    writeRound(stores.store, 1);
    const dropped = stores.replacement();
    writeRound(dropped, 1);
    await checkpoint(dropped);
    // As a crash in the middle of an installation leaves it, but for the removal.
    dropped.close();
    stores.store.close();
    await stores.idle();
    assert.deepEqual(folders(dir), ["store-00000001"]);

    stores = new SqliteStores(dir);
    assert.deepEqual(stores.store.position, positionAt(1));
    const adopted = stores.replacement();
    adopted.begin();
    adopted.saveCache(cacheOf(1));
    adopted.putEntry(1, "k", entryOf("of the snapshot", 1));
    for (let i = 0; i < 10_000; i++) {
      adopted.putEntry(1, `more ${i}`, entryOf("", i + 2));
    }
    adopted.commit(positionAt(77));
    assert.throws(() => stores.adopt(adopted), /without a checkpoint/);
    await checkpoint(adopted);
    stores.adopt(adopted);
    stores.store.close();
    writeRound(adopted, 78);
    adopted.close();
    await stores.idle();
    assert.equal(folders(dir).length, 1);

    stores = new SqliteStores(dir);
    assert.deepEqual(stores.store.position, positionAt(78));
    assert.notEqual(stores.store.entry(1, "k"), null);
    assert.notEqual(stores.store.entry(1, "more 9999"), null);
    stores.store.close();
    await stores.idle();
  });
});

Deno.test("what an installation left that did not end is removed at the next start", async () => {
  await withFolder(async (dir) => {
    await closeStore(openStore(dir));
    fs.mkdirSync(join(dir, "store-00000009"));
    fs.writeFileSync(join(dir, "store-00000009", "caches.db"), "anything");
    const stores = new SqliteStores(dir);
    const replacement = stores.replacement();
    assert.deepEqual(folders(dir).at(-1), "store-00000010");
    replacement.close();
    stores.store.close();
    await stores.idle();
    assert.deepEqual(folders(dir), ["store-00000001"]);
  });
});

Deno.test("what a first start left that did not end is begun anew", async () => {
  await withFolder(async (dir) => {
    fs.mkdirSync(join(dir, "store-00000001"));
    fs.writeFileSync(join(dir, "store-00000001", "caches.db"), "");
    const store = openStore(dir);
    writeRound(store, 1);
    await closeStore(store);
    assert.deepEqual(folders(dir), ["store-00000002"]);
  });
});

Deno.test("the rows of removed numbers go slice by slice, also after a restart, and others stay", async () => {
  await withFolder(async (dir) => {
    let store = openStore(dir);
    store.begin();
    for (const id of [1, 2, 3]) {
      store.saveCache(cacheOf(id));
      for (let i = 0; i < 200; i++) {
        store.putEntry(id, `k${i}`, entryOf("", i + 1));
        store.putCounter(id, `k${i}`, { value: 1n, deadlineMs: 0 });
      }
    }
    store.commit(positionAt(1));
    store.begin();
    store.removeCache(1);
    store.removeCache(3);
    store.commit(positionAt(2));
    const rows = (): number => {
      const database = new CacheDatabase(join(dir, DATA));
      const count = database.value(
        "SELECT (SELECT count(*) FROM entries) + (SELECT count(*) FROM counters)",
      );
      database.close();
      return Number(count);
    };
    const counts = [];
    for (let index = 3; index < 20; index++) {
      await closeStore(store);
      counts.push(rows());
      store = openStore(dir);
      store.begin();
      store.commit(positionAt(index));
    }
    // A transaction that writes more sweeps more, so that the first one took 68.
    assert.equal(counts[0], 1200 - 64 - 2 * 3);
    for (let i = 1; i < counts.length; i++) {
      assert.equal(counts[i], Math.max(400, counts[i - 1]! - 66));
    }
    assert.equal(counts.at(-1), 400);
    assert.equal(
      [...store.range(2, {
        start: "",
        end: null,
        reverse: false,
        limit: 1000,
      })].length,
      200,
    );
    await closeStore(store);
  });
});

Deno.test("a store of a format to come is refused in words", async () => {
  await withFolder(async (dir) => {
    await closeStore(openStore(dir));
    const database = new CacheDatabase(join(dir, DATA));
    database.exec("PRAGMA user_version = 9");
    database.close();
    assert.throws(
      () => openStore(dir),
      (error: Error) =>
        error instanceof HiqliteError && error.code === "storage" &&
        /has format 9, this release reads format 1: start the release/.test(
          error.message,
        ),
    );
  });
});

Deno.test("a store whose file is gone, or whose name is unreadable, is told", async () => {
  await withFolder(async (dir) => {
    await closeStore(openStore(dir));
    fs.writeFileSync(join(dir, "current"), "???");
    assert.throws(() => openStore(dir), StateDamagedError);
    fs.writeFileSync(join(dir, "current"), "store-00000001\n");
    fs.unlinkSync(join(dir, DATA));
    assert.throws(() => openStore(dir), StateDamagedError);
    assert.equal(fs.existsSync(join(dir, DATA)), false);
  });
});
