import assert from "node:assert/strict";
import { join } from "node:path";
import { KeyRing } from "../../src/backup/key_ring.ts";
import { sealedBytes } from "../../src/backup/seal.ts";
import { FolderStore } from "../../src/backup/stores/folder_store.ts";
import { LocalStore } from "../../src/backup/stores/local_store.ts";
import { SealedStore } from "../../src/backup/stores/sealed_store.ts";
import { bytesOf, collected, randomBytes } from "./bytes.ts";
import { rejects, storeContract } from "./store_contract.ts";

const K1 = { id: "k1", key: new Uint8Array(32).fill(1) };
const K2 = { id: "k2", key: new Uint8Array(32).fill(2) };
const RING = new KeyRing([K1], "k1");
const TEXT = new TextEncoder().encode("SQLite format 3\0 and what follows");

async function openFolder() {
  const path = await Deno.makeTempDir();
  return {
    path,
    folder: new FolderStore(path),
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}

storeContract("SealedStore on a folder", async () => {
  const opened = await openFolder();
  return { ...opened, store: new SealedStore(opened.folder, RING) };
}, {
  large: 3_000_000,
  raced: 1000,
  sealed: (bytes) => sealedBytes(bytes, "k1"),
});

Deno.test("SealedStore stores nothing that can be read, and gives back nothing that was not sealed", async () => {
  await using opened = await openFolder();
  const { folder, path } = opened;
  const store = new SealedStore(folder, RING);
  await store.put("backup", bytesOf(TEXT));
  const stored = await Deno.readFile(join(path, "backup"));
  assert(!new TextDecoder().decode(stored).includes("format"));
  assert.deepEqual(await collected(await store.get("backup")), TEXT);
  await folder.put("plain", bytesOf(TEXT));
  await rejects(
    store.get("plain").then((stream) => collected(stream)),
    "storage",
  );
});

Deno.test("SealedStore names the object that it cannot open, and says that the key may be wrong", async () => {
  await using opened = await openFolder();
  const { folder, path } = opened;
  await new SealedStore(folder, RING).put("backup", bytesOf(TEXT));
  const other = new KeyRing([{ ...K2, id: "k1" }], "k1");
  const read = async (ring: KeyRing) =>
    await collected(await new SealedStore(folder, ring).get("backup"));
  await assert.rejects(read(other), {
    code: "storage",
    message: /^backup: .*chunk 0 .*the key k1 of ENC_KEYS is another/,
  });
  const whole = await Deno.readFile(join(path, "backup"));
  await Deno.writeFile(join(path, "backup"), whole.subarray(0, 3));
  await assert.rejects(read(RING), { message: /^backup: .*its header/ });
});

Deno.test("SealedStore opens what any of its keys sealed, and says which one is needed", async () => {
  await using opened = await openFolder();
  const { folder } = opened;
  await new SealedStore(folder, RING).put("old", bytesOf(TEXT));
  const rotated = new SealedStore(folder, new KeyRing([K1, K2], "k2"));
  await rotated.put("new", bytesOf(TEXT));
  for (const name of ["old", "new"]) {
    assert.deepEqual(await collected(await rotated.get(name)), TEXT);
  }
  assert.equal(await rotated.keyOf("old"), "k1");
  assert.equal(await rotated.keyOf("new"), "k2");
  const old = new SealedStore(folder, RING);
  await assert.rejects(
    old.get("new").then((stream) => collected(stream)),
    /key k2, which is not in ENC_KEYS/,
  );
  // Sealed again with the other key, in its place.
  const { etag } = (await rotated.head("old"))!;
  await rotated.put("old", await rotated.get("old"), { replaces: etag });
  assert.equal(await rotated.keyOf("old"), "k2");
  assert.deepEqual(await collected(await rotated.get("old")), TEXT);
});

Deno.test("SealedStore seals each part of the log with a key of its own, and backups so that cryptr opens them", async () => {
  await using opened = await openFolder();
  const { folder, path } = opened;
  const store = new SealedStore(folder, RING);
  await store.put("log/a/1", bytesOf(TEXT));
  await store.put("backup", bytesOf(TEXT));
  await Deno.rename(join(path, "log/a/1"), join(path, "log/a/2"));
  assert.equal(await store.keyOf("log/a/2"), "k1");
  await rejects(
    store.get("log/a/2").then((stream) => collected(stream)),
    "storage",
  );
  // Backups are sealed with the key itself, wherever they are.
  await Deno.rename(join(path, "backup"), join(path, "renamed"));
  assert.deepEqual(await collected(await store.get("renamed")), TEXT);
});

Deno.test("LocalStore keeps copies as they are without keys, and reads old and new ones with them", async () => {
  await using opened = await openFolder();
  const { folder, path } = opened;
  const plain = new LocalStore(folder, null);
  await plain.put("a", bytesOf(TEXT));
  assert.deepEqual(await Deno.readFile(join(path, "a")), TEXT);
  assert.equal(await plain.keyOf("a"), null);
  const sealing = new LocalStore(folder, RING);
  await sealing.put("b", bytesOf(TEXT));
  assert.equal(await sealing.keyOf("b"), "k1");
  for (const name of ["a", "b"]) {
    assert.deepEqual(await collected(await sealing.get(name)), TEXT);
  }
  await assert.rejects(plain.get("b"), /sealed with the key k1/);
  await rejects(plain.get("c"), "not_found");
});

Deno.test("a part that is damaged on the disk does not come out", async () => {
  await using opened = await openFolder();
  const { folder, path } = opened;
  const store = new SealedStore(folder, RING);
  await store.put("large", bytesOf(randomBytes(600_000, 1)));
  const bytes = await Deno.readFile(join(path, "large"));
  bytes[400_000]! ^= 1;
  await Deno.writeFile(join(path, "large"), bytes);
  let received = 0;
  await assert.rejects(async () => {
    for await (const piece of await store.get("large")) {
      received += piece.length;
    }
  }, /chunk 3/);
  assert(received <= 3 * 131_072, `${received}`);
});
