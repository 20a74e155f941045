import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { MEMORY_SPACE } from "../../../src/state/kv/snapshot/bytes.ts";
import { snapshotOf } from "../machine_calls.ts";
import { Caches, put } from "./caches.ts";

/** A store that is ready when the test says so. */
class Waiting extends MemoryKvStore {
  waiting: (() => void)[] = [];
  begun = 0;
  closed = false;
  checkpoints: ((error: Error | null) => void)[] | null = null;

  ready(callback: () => void): void {
    this.waiting.push(callback);
  }

  override begin(): void {
    this.begun++;
  }

  override checkpoint(done: (error: Error | null) => void): void {
    if (this.checkpoints === null) super.checkpoint(done);
    else this.checkpoints.push(done);
  }

  override close(): void {
    this.closed = true;
    super.close();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

Deno.test("a batch begins once the store is ready; reads, snapshots and the end of the machine wait for it as for any batch", async () => {
  const store = new Waiting();
  const caches = new Caches({ store });
  const applied = caches.unit([put("k")]);
  const taken = snapshotOf(caches.machine);
  let closed = false;
  caches.machine.close(() => closed = true);
  await assert.rejects(taken, /closed/);
  await turn();
  assert.deepEqual([store.begun, closed, store.closed], [0, false, false]);
  store.waiting.shift()!();
  await applied;
  await turn();
  assert.deepEqual([store.begun, closed, store.closed], [1, true, true]);
});

Deno.test("a snapshot takes the place of what was there once it is durable, and not if that fails", async () => {
  await using source = new Caches();
  await source.unit([put("k")]);
  for (const failure of [null, new Error("The disk failed")]) {
    const replacement = new Waiting();
    const checkpoints: ((error: Error | null) => void)[] = [];
    replacement.checkpoints = checkpoints;
    let adopted = false;
    const copied = source.copy({
      stores: {
        replacement: () => replacement,
        adopt: () => void (adopted = true),
      },
    });
    for (let turns = 0; checkpoints.length === 0; turns++) {
      assert.ok(turns < 1000, "no checkpoint is made");
      await turn();
    }
    assert.equal(adopted, false);
    checkpoints[0]!(failure);
    if (failure === null) {
      await using copy = await copied;
      assert.deepEqual(copy.dump(), source.dump());
    } else await assert.rejects(copied, /The disk failed/);
    assert.equal(adopted, failure === null);
    assert.equal(replacement.closed, true);
  }
});

Deno.test("a snapshot that finds no room is told, and nothing else of the machine ends", async () => {
  const full = (): never => {
    throw new HiqliteError("disk_full", "There is no room");
  };
  for (const open of [full, withoutRoom]) {
    await using caches = new Caches({ space: { open } });
    await caches.unit([put("k")]);
    await assert.rejects(snapshotOf(caches.machine), /no room/);
    await caches.unit([put("j")]);
    await assert.rejects(snapshotOf(caches.machine), /no room/);
  }
  await using source = new Caches();
  await source.unit([put("k")]);
  await assert.rejects(source.copy({ space: { open: full } }), /no room/);
  const stores = { replacement: full, adopt: () => {} };
  await assert.rejects(source.copy({ stores }), /no room/);

  function withoutRoom() {
    return { ...MEMORY_SPACE.open(), size: 0, append: full, release() {} };
  }
});
