import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { WorkerHandle } from "../../../../src/state/sqlite/thread/worker_handle.ts";
import { CacheDatabase } from "../../../../src/state/kv/sqlite/database.ts";
import type { KvStore } from "../../../../src/state/kv/store.ts";
import { cacheOf, checkpoint, entryOf, positionAt } from "../store_subject.ts";
import {
  closeStore,
  DATA,
  openStore,
  ready,
  WAL,
  withFolder,
  writeRound,
} from "./folder.ts";

const WAL_MAX = 1024 * 1024;
/** What one transaction of these tests adds. */
const BATCH = 300 * 1024;

function write(store: KvStore, index: number): void {
  store.begin();
  if (index === 1) store.saveCache(cacheOf(1));
  const bytes = new Uint8Array(BATCH - 40_000).fill(index);
  store.putEntry(1, `k${index % 7}`, { ...entryOf("", index), bytes });
  store.commit(positionAt(index));
}

Deno.test("the WAL stays bounded while one transaction follows the other, and none waits for a checkpoint in vain", async () => {
  await withFolder(async (dir) => {
    const store = openStore(dir, { walMax: WAL_MAX });
    let largest = 0;
    let waited = 0;
    for (let index = 1; index <= 200; index++) {
      let begun = false;
      store.ready!(() => begun = true);
      if (!begun) waited++;
      await ready(store);
      write(store, index);
      largest = Math.max(largest, fs.statSync(join(dir, WAL)).size);
      // Other turns, as between two batches of a member.
      await new Promise((resolve) => setTimeout(resolve));
    }
    assert.ok(waited > 0, "no transaction had to wait");
    assert.ok(largest > WAL_MAX, `${largest}`);
    assert.ok(largest <= 4 * WAL_MAX + 2 * BATCH, `${largest}`);
    assert.equal(store.entry(1, "k4")!.bytes[0], 200);
    await closeStore(store);
  });
});

Deno.test("a checkpoint is a request to a Worker, which answers when this thread has a turn", async () => {
  const requests: number[] = [];
  const { request } = WorkerHandle.prototype;
  WorkerHandle.prototype.request = function (message, done) {
    requests.push(message[0] ?? -1);
    request.call(this, message, done);
  };
  try {
    await withFolder(async (dir) => {
      const store = openStore(dir);
      writeRound(store, 1);
      let done = false;
      const made = checkpoint(store).then(() => done = true);
      assert.deepEqual(requests, [0]);
      for (let round = 2; round < 50; round++) writeRound(store, round);
      assert.equal(done, false);
      await made;
      await closeStore(store);
    });
  } finally {
    WorkerHandle.prototype.request = request;
  }
});

Deno.test("there is a Worker from the first checkpoint on, and at the end without one: its connection is the last", async () => {
  const { Worker } = globalThis;
  let started = 0;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      started++;
    }
  };
  try {
    await withFolder(async (dir) => {
      const store = openStore(dir);
      writeRound(store, 1);
      assert.equal(started, 0);
      await checkpoint(store);
      await checkpoint(store);
      assert.equal(started, 1);
      await closeStore(store);
      assert.equal(started, 1);
    });
    await withFolder(async (dir) => {
      const store = openStore(dir);
      writeRound(store, 1);
      await closeStore(store);
      assert.equal(started, 2);
      assert.equal(fs.existsSync(join(dir, WAL)), false);
      const again = openStore(dir);
      assert.deepEqual(again.position, positionAt(1));
      await closeStore(again);
    });
  } finally {
    globalThis.Worker = Worker;
  }
});

Deno.test("what a checkpoint has told of is in the file, and the WAL begins anew", async () => {
  await withFolder(async (dir) => {
    const store = openStore(dir);
    for (let round = 1; round <= 5; round++) writeRound(store, round);
    await checkpoint(store);
    await ready(store);
    const copy = join(dir, "copy.db");
    fs.copyFileSync(join(dir, DATA), copy);
    const database = new CacheDatabase(copy);
    assert.equal(database.value("SELECT count(*) > 0 FROM entries"), 1);
    database.close();
    const before = fs.statSync(join(dir, WAL)).size;
    writeRound(store, 6);
    assert.equal(fs.statSync(join(dir, WAL)).size, before);
    await closeStore(store);
    assert.equal(fs.existsSync(join(dir, WAL)), false);
  });
});

/** Pages of the WAL, and those of them that are in the file, as SQLite tells. */
function frames(dir: string): readonly [number, number] {
  const database = new CacheDatabase(join(dir, DATA));
  const row = database.prepare("PRAGMA wal_checkpoint(NOOP)").get()!;
  database.close();
  return [Number(row[1]), Number(row[2])];
}

function isReady(store: KvStore): boolean {
  let answer = false;
  store.ready!(() => answer = true);
  return answer;
}

Deno.test("a transaction that is open ends before the WAL begins anew, and the next one waits", async () => {
  await withFolder(async (dir) => {
    const store = openStore(dir, { walMax: WAL_MAX });
    for (let index = 1; index <= 5; index++) write(store, index);
    assert.ok(frames(dir)[0] > 200);
    store.begin();
    store.putEntry(1, "open", entryOf("whole", 4));
    for (let turns = 0; isReady(store); turns++) {
      assert.ok(turns < 2000, "the WAL is not begun anew");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    store.commit(positionAt(6));
    assert.equal(isReady(store), false);
    await ready(store);
    // Begun anew by the Worker, so that no commit of this thread has to wait for the disk.
    assert.deepEqual(frames(dir), [1, 0]);
    write(store, 7);
    assert.notEqual(store.entry(1, "open"), null);
    await closeStore(store);
  });
});

Deno.test("while the WAL is far too long no transaction begins beside a checkpoint", async () => {
  await withFolder(async (dir) => {
    const store = openStore(dir, { walMax: WAL_MAX });
    for (let index = 1; index <= 10; index++) write(store, index);
    assert.equal(isReady(store), true);
    for (let index = 11; index <= 30; index++) write(store, index);
    assert.equal(isReady(store), false);
    await ready(store);
    assert.equal(isReady(store), true);
    await closeStore(store);
  });
});

Deno.test("a checkpoint that fails is told, those that wait go on, and nothing begins any more", async () => {
  await withFolder(async (dir) => {
    const store = openStore(dir);
    writeRound(store, 1);
    await checkpoint(store);
    await ready(store);
    const { request } = WorkerHandle.prototype;
    let fail: (() => void) | undefined;
    WorkerHandle.prototype.request = function (message, done) {
      if (message.length === 0) return request.call(this, message, done);
      fail = () =>
        request.call(this, message, (_, answer) => {
          done(new Error("The disk failed"), answer);
        });
    };
    try {
      const made = checkpoint(store);
      const queued = checkpoint(store);
      fail!();
      await assert.rejects(made, /The disk failed/);
      await assert.rejects(queued, /The disk failed/);
    } finally {
      WorkerHandle.prototype.request = request;
    }
    await ready(store);
    assert.throws(() => store.begin(), /The disk failed/);
    await assert.rejects(checkpoint(store), /The disk failed/);
    assert.deepEqual(store.position, positionAt(1));
    await closeStore(store);
  });
});

Deno.test("a Worker that cannot be loaded ends the caches with the reason, instead of asking for another attempt", async () => {
  const Real = globalThis.Worker;
  globalThis.Worker = class extends Real {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(new URL("./no_such_worker.ts", url), options);
    }
  };
  try {
    await withFolder(async (dir) => {
      const store = openStore(dir);
      const lost = {
        name: "HiqliteError",
        code: "storage",
        message: /cannot run \(.*no_such_worker/,
      };
      await assert.rejects(checkpoint(store), lost);
      assert.throws(() => store.begin(), lost);
      await closeStore(store);
    });
  } finally {
    globalThis.Worker = Real;
  }
});
