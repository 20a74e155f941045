import assert from "node:assert/strict";
import { join } from "node:path";
import { FolderStore } from "../../src/backup/stores/folder_store.ts";
import { bytesOf, randomBytes } from "./bytes.ts";
import { rejects, storeContract } from "./store_contract.ts";

async function openFolder() {
  const folder = await Deno.makeTempDir();
  return {
    folder,
    store: new FolderStore(join(folder, "backups")),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

storeContract("FolderStore", openFolder, {
  large: 3_000_000,
  raced: 1000,
  sealed: null,
});

Deno.test("FolderStore keeps what is not whole under no name, until it is stale", async () => {
  await using opened = await openFolder();
  const { store, folder } = opened;
  const begun = Promise.withResolvers<void>();
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(randomBytes(10, 1)),
    pull: () => begun.resolve(),
  });
  const giveUp = new AbortController();
  const put = store.put("slow", source, { signal: giveUp.signal });
  await begun.promise;
  const names = () => [...Deno.readDirSync(join(folder, "backups"))];
  while (names().length === 0) await new Promise((next) => setTimeout(next, 1));
  assert.deepEqual((await store.list("")).objects, []);
  assert.equal(await store.abortStale(Date.now() - 3_600_000), 0);
  assert.equal(await store.abortStale(Date.now() + 3_600_000), 1);
  assert.deepEqual(names(), []);
  giveUp.abort(new Error("enough"));
  await assert.rejects(put, /enough/);
});

Deno.test("FolderStore's files and folders are their owner's alone", async () => {
  await using opened = await openFolder();
  const { store, folder } = opened;
  await store.put("log/x", bytesOf(randomBytes(10, 1)));
  const modeOf = (path: string) =>
    Deno.statSync(join(folder, path)).mode! & 0o777;
  assert.equal(modeOf("backups"), 0o700);
  assert.equal(modeOf("backups/log"), 0o700);
  assert.equal(modeOf("backups/log/x"), 0o600);
});

Deno.test("FolderStore says so where it may not write, and where a file is in the way", async () => {
  await using opened = await openFolder();
  const { folder } = opened;
  await Deno.writeTextFile(join(folder, "file"), "");
  const blocked = new FolderStore(join(folder, "file", "backups"));
  await rejects(blocked.put("a", bytesOf(randomBytes(1, 1))), "storage");
  // What has the name is no object: nobody stored it.
  const store = new FolderStore(folder);
  await Deno.mkdir(join(folder, "taken"));
  for (const name of ["taken", "file/a"]) {
    await rejects(store.put(name, bytesOf(randomBytes(1, 1))), "storage");
  }
});
