import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { StateDamagedError } from "../../../../src/state/port.ts";
import type { KvStore } from "../../../../src/state/kv/store.ts";
import { randomBetween, SeededRandom } from "../../../../src/util/random.ts";
import { lineOf } from "../store_model.ts";
import { cacheOf, entryOf, positionAt } from "../store_subject.ts";
import {
  closeStore,
  DATA,
  openStore,
  withFolder,
  writeRound,
} from "./folder.ts";

const MARK = "a value that is easy to find";
const WHOLE = { start: "", end: null, reverse: false, limit: 1000 };
const COUNTER = 0x1122334455667788n;

/** A closed store of some pages. */
async function closedStore(dir: string): Promise<void> {
  const store = openStore(dir);
  for (let round = 1; round <= 5; round++) writeRound(store, round);
  store.begin();
  store.saveCache(cacheOf(2));
  store.putEntry(2, "marked", entryOf(MARK, 0x123456, 0x7654321));
  store.putCounter(2, "marked", { value: COUNTER, deadlineMs: 0 });
  store.commit(positionAt(6));
  await closeStore(store);
}

/** Changes one bit of the first byte in each occurrence of some bytes. */
function flip(path: string, wanted: Uint8Array): void {
  const bytes = fs.readFileSync(path);
  let found = 0;
  for (let at = bytes.indexOf(wanted); at >= 0; at = bytes.indexOf(wanted)) {
    bytes[at]! ^= 0x10;
    found++;
  }
  assert.ok(found > 0, "nothing to flip");
  fs.writeFileSync(path, bytes);
}

const READS: Record<string, (store: KvStore) => unknown> = {
  "by key": (store) => store.entry(2, "marked"),
  "in a range": (store) => [...store.range(2, WHOLE)],
  "in a scan": (store) => {
    const records = store.scan();
    while (!records.next().done);
  },
};

for (const [how, read] of Object.entries(READS)) {
  Deno.test(`a value that changed on the disk is told when it is read ${how}`, async () => {
    await withFolder(async (dir) => {
      await closedStore(dir);
      flip(join(dir, DATA), new TextEncoder().encode(MARK));
      const store = openStore(dir);
      assert.throws(() => read(store), StateDamagedError);
      assert.notEqual(store.counter(2, "marked"), null);
      await closeStore(store);
    });
  });
}

const TOLD: Record<string, [Uint8Array, (store: KvStore) => unknown]> = {
  counter: [
    Uint8Array.of(0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88),
    (store) => store.counter(2, "marked"),
  ],
  version: [Uint8Array.of(0x12, 0x34, 0x56), (store) => store.oldest(2)],
  deadline: [
    Uint8Array.of(0x07, 0x65, 0x43, 0x21),
    (store) => store.due(2 ** 40, 10_000),
  ],
};

for (const [what, [bytes, read]] of Object.entries(TOLD)) {
  Deno.test(`a ${what} that changed on the disk is told`, async () => {
    await withFolder(async (dir) => {
      await closedStore(dir);
      flip(join(dir, DATA), bytes);
      const store = openStore(dir);
      assert.throws(() => read(store), StateDamagedError);
      await closeStore(store);
    });
  });
}

Deno.test("a position that changed on the disk is told at the opening", async () => {
  await withFolder(async (dir) => {
    await closedStore(dir);
    flip(
      join(dir, DATA),
      new Uint8Array(new Uint32Array([60, 0, 120, 0]).buffer),
    );
    assert.throws(() => openStore(dir), StateDamagedError);
  });
});

Deno.test("a schema that changed on the disk is told at the opening", async () => {
  await withFolder(async (dir) => {
    await closedStore(dir);
    flip(join(dir, DATA), new TextEncoder().encode("bytes_crc INTEGER"));
    assert.throws(() => openStore(dir), StateDamagedError);
  });
});

Deno.test("a file that has lost its end is told and ends nothing", async () => {
  await withFolder(async (dir) => {
    await closedStore(dir);
    const path = join(dir, DATA);
    const { size } = fs.statSync(path);
    for (const left of [size - 4096, 4096, 100, 0]) {
      fs.truncateSync(path, left);
      assert.throws(() => openStore(dir), StateDamagedError);
    }
  });
});

/** All that is stored, by what finds it. */
function answers(store: KvStore): Map<string, string> {
  const found = new Map<string, string>();
  const records = store.scan();
  for (let next = records.next(); !next.done; next = records.next()) {
    const { kind, cache, key } = next.value;
    found.set(`${kind} ${cache} ${key}`, lineOf(next.value));
  }
  return found;
}

/** Reads everything; whether all was as it was. Values that never were end it. */
function verify(store: KvStore, expected: Map<string, string>): boolean {
  let same = true;
  const told = (read: () => void): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof StateDamagedError)) throw error;
      same = false;
    }
  };
  for (const [name, line] of expected) {
    const [kind, cache] = name.split(" ", 2);
    const key = name.slice(`${kind} ${cache} `.length);
    told(() => {
      const at = Number(cache);
      const entry = store.entry(at, key);
      const counter = store.counter(at, key);
      if (kind === "entry" && entry !== null) {
        assert.equal(lineOf({ kind, cache: at, key, entry }), line);
      } else if (kind === "counter" && counter !== null) {
        assert.equal(lineOf({ kind, cache: at, key, counter }), line);
      } else same = false;
    });
  }
  told(() => {
    const all = answers(store);
    for (const [name, line] of all) assert.equal(line, expected.get(name));
    if (all.size !== expected.size) same = false;
  });
  told(() => void store.due(2 ** 40, 10_000));
  told(() => void store.oldest(1));
  return same;
}

Deno.test("wherever the file changed, what is answered was written, and what is missing is missing in a walk, too", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const random = new SeededRandom(seed);
  await withFolder(async (dir) => {
    await closedStore(dir);
    const path = join(dir, DATA);
    const whole = fs.readFileSync(path);
    let store = openStore(dir);
    const expected = answers(store);
    await closeStore(store);
    let changed = 0;
    for (let i = 0; i < 40; i++) {
      const bytes = Uint8Array.from(whole);
      const count = [1, 1, 8, 64][randomBetween(random, 0, 4)]!;
      const at = randomBetween(random, 0, bytes.length - count);
      for (let j = 0; j < count; j++) {
        bytes[at + j]! ^= 1 << randomBetween(random, 0, 8);
      }
      fs.writeFileSync(path, bytes);
      for (const end of ["-wal", "-shm"]) {
        fs.rmSync(path + end, { force: true });
      }
      try {
        store = openStore(dir);
      } catch (error) {
        const { name } = error as Error;
        assert.match(
          name,
          /StateDamagedError|HiqliteError/,
          `seed ${seed}: ${error}`,
        );
        changed++;
        continue;
      }
      try {
        if (!verify(store, expected)) changed++;
      } catch (error) {
        throw new Error(`Seed ${seed}, ${count} bytes at ${at}`, {
          cause: error,
        });
      } finally {
        await closeStore(store);
      }
    }
    assert.ok(changed > 0, "no change was noticed");
  });
});
