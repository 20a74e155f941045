import assert from "node:assert/strict";
import * as fs from "node:fs";
import { FileSpace } from "../../../src/state/kv/snapshot/files.ts";
import type { SnapshotBytes } from "../../../src/state/kv/snapshot/bytes.ts";

function read(
  bytes: SnapshotBytes,
  offset: number,
  length: number,
): Promise<number[]> {
  return new Promise((resolve, reject) =>
    bytes.read(
      offset,
      length,
      (error, chunk) => error === null ? resolve([...chunk]) : reject(error),
    )
  );
}

async function withSpace(
  run: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-snapshots-" });
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("snapshots in files are read by offset, apart from each other, and are gone once they are released", async () => {
  await withSpace(async (dir) => {
    const space = new FileSpace(dir);
    const [one, two] = [space.open(), space.open()];
    one.append(Uint8Array.of(1, 2, 3));
    two.append(Uint8Array.of(7));
    one.append(Uint8Array.of(4, 5));
    assert.equal(one.size, 5);
    assert.deepEqual(await read(one, 1, 3), [2, 3, 4]);
    assert.deepEqual(await read(one, 3, 100), [4, 5]);
    assert.deepEqual(await read(one, 5, 100), []);
    assert.deepEqual(await read(two, 0, 100), [7]);
    assert.equal(fs.readdirSync(dir).length, 2);
    const reading = read(one, 0, 5);
    one.release();
    one.release();
    assert.deepEqual(await reading, [1, 2, 3, 4, 5]);
    assert.deepEqual(await read(one, 0, 5), []);
    assert.equal(fs.readdirSync(dir).length, 1);
    two.release();
    assert.deepEqual(fs.readdirSync(dir), []);
  });
});

Deno.test("snapshots that an earlier process left are removed, and nothing else", async () => {
  await withSpace(async (dir) => {
    fs.writeFileSync(`${dir}/snapshot-3`, "left");
    fs.writeFileSync(`${dir}/other`, "kept");
    new FileSpace(dir);
    assert.deepEqual(fs.readdirSync(dir), ["other"]);
    await Promise.resolve();
  });
});

Deno.test("a snapshot that lost its end is told", async () => {
  await withSpace(async (dir) => {
    const bytes = new FileSpace(dir).open();
    bytes.append(Uint8Array.of(1, 2, 3));
    fs.truncateSync(`${dir}/snapshot-1`, 2);
    await assert.rejects(read(bytes, 0, 3), /was cut off at 2/);
    bytes.release();
  });
});
