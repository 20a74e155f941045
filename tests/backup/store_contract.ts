import assert from "node:assert/strict";
import { HiqliteError } from "../../src/errors.ts";
import {
  type BackupStore,
  listAll,
  type ObjectStore,
} from "../../src/backup/object_store.ts";
import { backupName } from "../../src/backup/names.ts";
import { bytesOf, collected, randomBytes } from "./bytes.ts";

/** A store to test. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: ObjectStore | BackupStore;
}

/** What may be expected of a store. */
export interface StoreTraits {
  /** One that needs several parts. */
  readonly large: number;
  /** Bytes of an object that only one of several can create at once; null where the server cannot tell. */
  readonly raced: number | null;
  /** How many bytes are stored of so many; null: all of them as they are, and any range of them can be read. */
  readonly sealed: ((bytes: number) => number) | null;
}

/** What every store of objects must do. */
export function storeContract(
  title: string,
  open: () => Promise<StoreUnderTest>,
  { large, raced, sealed }: StoreTraits,
): void {
  const test = (
    what: string,
    run: (store: ObjectStore | BackupStore) => Promise<void>,
  ): void => {
    Deno.test(`${title} ${what}`, async () => {
      await using opened = await open();
      await run(opened.store);
    });
  };

  test("gives back what was put, of any size", async (store) => {
    for (const size of [0, 1, 100_000, large]) {
      const bytes = randomBytes(size, size + 1);
      const name = `log/a/${size}`;
      const stored = await store.put(name, bytesOf(bytes), { size });
      assert.equal(stored.name, name);
      assert.equal(stored.size, sealed?.(size) ?? size);
      assert.deepEqual(await collected(await store.get(name)), bytes, name);
      assert.deepEqual(await store.head(name), stored);
      // Whole seconds are enough for an age of days.
      const age = Math.abs(Date.now() - stored.modifiedMs);
      assert(age < 60_000, `${age} ms`);
    }
  });

  test("never replaces an object by another", async (store) => {
    for (const size of [10, large]) {
      const [first, second] = [randomBytes(size, 1), randomBytes(size, 2)];
      const name = `backup_node_1_${size}.sqlite`;
      await store.put(name, bytesOf(first), { size });
      await rejects(store.put(name, bytesOf(second), { size }), "conflict");
      assert.deepEqual(await collected(await store.get(name)), first);
    }
  });

  if (raced !== null) {
    test("lets one of several that create the same object win", async (store) => {
      const size = raced;
      const bodies = [1, 2, 3].map((seed) => randomBytes(size, seed));
      const results = await Promise.allSettled(
        bodies.map((body) => store.put("raced", bytesOf(body), { size })),
      );
      const winners = results.flatMap(({ status }, at) =>
        status === "fulfilled" ? [at] : []
      );
      assert.equal(winners.length, 1);
      const stored = await collected(await store.get("raced"));
      assert.deepEqual(stored, bodies[winners[0]!]);
    });
  }

  test("replaces exactly the object that it is told to", async (store) => {
    for (const size of [10, large]) {
      const name = `replaced${size}`;
      const [first, second, third] = [1, 2, 3].map((seed) =>
        randomBytes(size, seed)
      );
      const { etag } = await store.put(name, bytesOf(first!), { size });
      await store.put(name, bytesOf(second!), { size, replaces: etag });
      assert.deepEqual(await collected(await store.get(name)), second);
      await rejects(
        store.put(name, bytesOf(third!), { size, replaces: etag }),
        "conflict",
      );
      await rejects(
        store.put("none", bytesOf(third!), { size, replaces: etag }),
        "conflict",
      );
      assert.deepEqual(await collected(await store.get(name)), second);
      assert.equal(await store.head("none"), null);
    }
  });

  test("leaves nothing of a source that failed", async (store) => {
    // abortStale() looks for names of ours alone.
    const own = backupName({ nodeId: 1, unixSec: 1 });
    for (const after of [0, 100, large - 1]) {
      const source = bytesOf(randomBytes(large, 1), {
        failAfter: after,
      });
      await assert.rejects(
        store.put(own, source, { size: large }),
        /the source failed/,
      );
      assert.equal(await store.head(own), null);
      assert.equal(await store.abortStale(Date.now() + 60_000), 0);
    }
  });

  test("leaves nothing of what was given up", async (store) => {
    // abortStale() looks for names of ours alone.
    const own = backupName({ nodeId: 1, unixSec: 1 });
    const giveUp = new AbortController();
    const source = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(randomBytes(large, 1)),
      pull: () => giveUp.abort(new Error("given up")),
    });
    await assert.rejects(
      store.put(own, source, { size: large, signal: giveUp.signal }),
      /given up/,
    );
    assert.equal(await store.head(own), null);
    assert.equal(await store.abortStale(Date.now() + 60_000), 0);
  });

  if (sealed === null) {
    test("reads parts of an object, up to its end", async (any) => {
      const store = any as ObjectStore;
      const bytes = randomBytes(1000, 1);
      await store.put("whole", bytesOf(bytes));
      for (
        const [from, length] of [[0, 1], [10, 500], [990, 100], [
          1000,
          5,
        ]] as const
      ) {
        assert.deepEqual(
          await collected(await store.get("whole", { from, length })),
          bytes.slice(from, from + length),
          `${from}, ${length}`,
        );
      }
    });
  }

  test("knows nothing of what is not there", async (store) => {
    assert.equal(await store.head("nothing"), null);
    await rejects(store.get("nothing"), "not_found");
    await store.delete("nothing");
    assert.deepEqual(await store.list(""), { objects: [], next: null });
  });

  test("forgets what was deleted, and nothing else", async (store) => {
    await store.put("a/b", bytesOf(randomBytes(5, 1)));
    await store.put("a/bc", bytesOf(randomBytes(5, 2)));
    await store.delete("a/b");
    assert.equal(await store.head("a/b"), null);
    await rejects(store.get("a/b"), "not_found");
    assert.notEqual(await store.head("a/bc"), null);
    await store.put("a/b", bytesOf(randomBytes(6, 3)));
    assert.equal((await store.head("a/b"))!.size, sealed?.(6) ?? 6);
  });

  test("lists all that begins so, in order, page by page", async (store) => {
    const names = Array.from(
      { length: 25 },
      (_, at) => `log/c/${`${at}`.padStart(2, "0")}`,
    );
    const body = randomBytes(3, 1);
    for (const name of [...names, "log/b/1", "log/ca", "backup"].toReversed()) {
      await store.put(name, bytesOf(body));
    }
    const { objects, next } = await store.list("log/c/", null, 10);
    assert.equal(objects.length, 10);
    assert.notEqual(next, null);
    for (const limit of [10, 25, 1000]) {
      const listed = await Array.fromAsync(listAll(store, "log/c/", limit));
      assert.deepEqual(listed.map(({ name }) => name), names, `${limit}`);
    }
    const all = (await store.list("log/c/")).objects;
    assert(all.every(({ size }) => size === (sealed?.(3) ?? 3)));
    const { etag } = (await store.head(names[7]!))!;
    assert.equal(all[7]!.etag, etag);
    const some = await store.list("log/c");
    assert.equal(some.objects[0]!.name, names[0]);
    assert.deepEqual(
      (await store.list("log/ca")).objects.map(({ name }) => name),
      ["log/ca"],
    );
  });

  test("refuses names that could be another place", async (store) => {
    for (
      const name of [
        "",
        "../up",
        "a/../b",
        "/etc/passwd",
        "a//b",
        "a/",
        ".hidden",
        "a/.b",
        "a b",
        "ä",
        "a\0b",
        "x".repeat(513),
      ]
    ) {
      for (
        const call of [
          async () => await store.put(name, bytesOf(randomBytes(1, 1))),
          async () => await store.get(name),
          async () => await store.head(name),
          async () => await store.delete(name),
        ]
      ) await rejects(call(), "invalid");
    }
  });
}

/** Asserts that a call is refused with that code. */
export async function rejects(
  call: Promise<unknown>,
  code: string,
): Promise<void> {
  await assert.rejects(call, (error) => {
    assert(error instanceof HiqliteError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  });
}
