import assert from "node:assert/strict";
import { ENTRY_BYTES } from "../../../src/state/kv/limits.ts";
import { DEFAULT_SETTINGS } from "../../../src/state/kv/types.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { Caches } from "./caches.ts";

const MAX_BYTES = 1024 * 1024;
const PUTS = 40_000;

/** Entries of the log between two hashes. */
const HASHED = 64;

for (const onFull of ["reject", "evict"] as const) {
  Deno.test(`kv.md §10 (10) many puts into little room, with ${onFull}: what is counted is what is there, equally for a copy`, async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new SeededRandom(seed);
    await using caches = new Caches();
    const settings = { ...DEFAULT_SETTINGS, onFull };
    await caches.do({ kind: "create", cache: "c", settings });
    await using copy = new Caches();
    let refused = 0;
    for (let i = 0; i < PUTS; i += 500) {
      const units = Array.from({ length: 500 }, () => ({
        checks: [],
        operations: [{
          kind: "put" as const,
          cache: "c",
          key: `key-${random.uint32() % 20_000}`,
          value: {
            kind: "bytes" as const,
            bytes: new Uint8Array(random.uint32() % 300),
          },
        }],
      }));
      const answers = await caches.pack(units, { maxBytes: MAX_BYTES });
      refused += answers.filter(({ kind }) => kind === "refused").length;
      if (i === PUTS / 2) await copy.install(caches);
      else if (i > PUTS / 2) await copy.pack(units, { maxBytes: MAX_BYTES });
    }
    const { bytes, entries, evicted } = caches.stats("c")!;
    let counted = 0;
    const records = caches.store.scan();
    for (let next = records.next(); !next.done; next = records.next()) {
      const record = next.value;
      assert.ok(record.kind === "entry");
      counted += record.key.length + record.entry.bytes.length + ENTRY_BYTES;
    }
    assert.equal(bytes, counted, `seed ${seed}`);
    // Not to the last byte: what was written last may have replaced something larger.
    assert.ok(
      bytes <= MAX_BYTES && bytes > 0.99 * MAX_BYTES && entries > 1_000,
      `${bytes} of ${MAX_BYTES} bytes in ${entries} entries, seed ${seed}`,
    );
    assert.equal(refused > 0, onFull === "reject");
    assert.equal(evicted > 0, onFull === "evict");
    for (const one of [caches, copy]) {
      while (one.index % HASHED !== 0) await one.tick();
    }
    const [hash] = caches.machine.stateHashes().slice(-1);
    assert.deepEqual(
      copy.machine.stateHashes().at(-1),
      hash,
      `seed ${seed}`,
    );
  });
}
