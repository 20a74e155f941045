import assert from "node:assert/strict";
import { join } from "node:path";
import { SqliteStores } from "../../../../src/state/kv/sqlite/stores.ts";
import { FileSpace } from "../../../../src/state/kv/snapshot/files.ts";
import { add, Caches, put } from "../caches.ts";
import { withFolder } from "./folder.ts";

Deno.test("a snapshot of caches on the disk makes another member's disk the same, also after a restart", async () => {
  await withFolder(async (dir) => {
    const open = (name: string) => {
      const stores = new SqliteStores(join(dir, name));
      const space = new FileSpace(join(dir, `${name}-snapshots`));
      return { stores, parts: { stores, space, store: stores.store } };
    };
    const first = open("first");
    const second = open("second");
    let dump: unknown;
    {
      await using caches = new Caches(first.parts);
      for (let i = 0; i < 300; i++) {
        await caches.unit([put(`k${i}`), add(`n${i}`, BigInt(i))]);
      }
      await using copy = await caches.copy(second.parts);
      dump = caches.dump();
      assert.deepEqual(copy.dump(), dump);
    }
    await first.stores.idle();
    await second.stores.idle();
    const again = open("second");
    {
      await using caches = new Caches(again.parts);
      assert.deepEqual(caches.dump(), dump);
    }
    await again.stores.idle();
  });
});
