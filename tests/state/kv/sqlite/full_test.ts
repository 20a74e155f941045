import assert from "node:assert/strict";
import { HiqliteError } from "../../../../src/errors.ts";
import { FileSpace } from "../../../../src/state/kv/snapshot/files.ts";
import { SMALL_DISKS, testNeeding } from "../../../cluster/requirements.ts";
import { SmallDisk } from "../../../cluster/small_disk.ts";
import { cacheOf, checkpoint, entryOf, positionAt } from "../store_subject.ts";
import { closeStore, openStore, ready, withFolder } from "./folder.ts";

const onSmallDisks = await testNeeding(SMALL_DISKS);

function isFull(error: unknown): boolean {
  return error instanceof HiqliteError && error.code === "disk_full";
}

onSmallDisks(
  "a full disk refuses a batch, everything is as it was before it, and it goes on once there is room",
  () =>
    withFolder(async (dir) => {
      await using disk = await SmallDisk.mount(dir, 40);
      let store = openStore(`${dir}/state`, { walMax: 4 * 1024 * 1024 });
      let index = 0;
      const write = (): void => {
        store.begin();
        if (index === 0) store.saveCache(cacheOf(1));
        for (let i = 0; i < 50; i++) {
          const bytes = new Uint8Array(10_000).fill(index);
          const version = index * 50 + i + 1;
          const deadlineMs = index === 0 ? 5_000 : 1 + i;
          const entry = { ...entryOf("", version, deadlineMs), bytes };
          store.putEntry(1, `key ${index * 50 + i}`, entry);
        }
        store.saveCache(cacheOf(2 + index));
        store.commit(positionAt(index + 1));
        index++;
      };
      write();
      await checkpoint(store);
      await ready(store);
      assert.equal(store.nextDueMs, 5_000);
      await disk.fill();
      assert.throws(() => {
        for (let i = 0; i < 100; i++) write();
      }, isFull);
      const refused = index;
      assert.ok(refused < 100);
      assert.throws(write, isFull);
      const asBefore = (): void => {
        assert.equal(store.position?.applied.index, refused);
        assert.equal([...store.caches()].length, refused + 1);
        assert.equal(store.entry(1, `key ${refused * 50}`), null);
        const last = store.entry(1, `key ${refused * 50 - 1}`);
        assert.equal(last?.bytes[0], refused - 1);
        if (refused === 1) assert.equal(store.nextDueMs, 5_000);
      };
      asBefore();
      // What is in the WAL is durable there, though the file has no room for it.
      await checkpoint(store);
      await ready(store);
      await closeStore(store);
      store = openStore(`${dir}/state`);
      asBefore();
      await disk.clear();
      write();
      await checkpoint(store);
      await closeStore(store);
    }),
);

onSmallDisks(
  "a transaction larger than the disk is undone as a whole, and a snapshot tells that it has no room",
  () =>
    withFolder(async (dir) => {
      await using _ = await SmallDisk.mount(dir, 30);
      const store = openStore(`${dir}/state`);
      store.begin();
      store.saveCache(cacheOf(1));
      store.putEntry(1, "k", entryOf("before", 1));
      store.commit(positionAt(1));
      store.begin();
      const value = new Uint8Array(1024 * 1024);
      assert.throws(() => {
        for (let i = 0; i < 80; i++) {
          store.putEntry(1, `k${i}`, { ...entryOf("", i + 2), bytes: value });
        }
        store.commit(positionAt(2));
      }, isFull);
      assert.deepEqual(store.position, positionAt(1));
      assert.equal(store.entry(1, "k0"), null);
      assert.notEqual(store.entry(1, "k"), null);
      const bytes = new FileSpace(`${dir}/snapshots`).open();
      assert.throws(() => {
        for (let i = 0; i < 80; i++) bytes.append(value);
      }, isFull);
      bytes.release();
      await closeStore(store);
    }),
);
