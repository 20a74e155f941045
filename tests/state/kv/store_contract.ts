import assert from "node:assert/strict";
import { NO_CONFIGURATION } from "../../../src/raft/types.ts";
import { FIRST_FACTS } from "../../../src/state/cluster_facts.ts";
import type {
  Due,
  KvRecord,
  KvStore,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import type { ByteKey, KvRange } from "../../../src/state/kv/types.ts";
import type { SessionChanges } from "../../../src/state/session_store.ts";
import { lineOf } from "./store_model.ts";
import { tellStory } from "./store_story.ts";
import {
  byteKey,
  cacheOf,
  checkpoint,
  entryOf,
  positionAt,
  type StoreSubject,
} from "./store_subject.ts";

const ALL: KvRange = { start: "", end: null, reverse: false, limit: 1000 };

function keysOf(store: KvStore, cache: number, range = ALL): ByteKey[] {
  return Array.from(store.range(cache, range), ([key]) => key);
}

function everything(store: KvStore): string[] {
  const lines: string[] = [];
  const records = store.scan();
  for (let next = records.next(); !next.done; next = records.next()) {
    lines.push(lineOf(next.value));
  }
  return lines.sort();
}

/** A transaction of its own. */
function change(store: KvStore, index: number, run: () => void): void {
  store.begin();
  run();
  store.commit(positionAt(index));
}

function textOf(entry: StoredEntry | null): string | null {
  return entry === null ? null : new TextDecoder().decode(entry.bytes);
}

type Clause = (
  title: string,
  run: (
    subject: StoreSubject,
  ) => Promise<StoreSubject | void> | StoreSubject | void,
) => void;

/** Clauses of the {@linkcode KvStore} port, one test each. `persistent`: it can be reopened. */
export function testStoreContract(
  name: string,
  open: () => Promise<StoreSubject>,
  { persistent, stories = 20 }: {
    readonly persistent: boolean;
    /** How many random stories are told. */
    readonly stories?: number;
  },
): void {
  const clause: Clause = (title, run) =>
    Deno.test(`${name} ${title}`, async () => {
      let subject = await open();
      try {
        subject = await run(subject) ?? subject;
      } finally {
        await subject.end();
      }
    });
  testRecords(clause);
  testBytes(clause);
  testRanges(clause);
  testOldest(clause);
  testDeadlines(clause);
  testRemoval(clause);
  testScan(clause);
  testSessions(clause);
  if (persistent) testReopening(clause);
  Deno.test(`${name} answers like a plain model`, async () => {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    for (let i = 0; i < stories; i++) await tellStory(open, seed + i);
  });
}

function testRecords(clause: Clause): void {
  clause("starts empty", async ({ store }) => {
    assert.equal(store.position, null);
    assert.deepEqual([...store.caches()], []);
    assert.equal(store.entry(1, "a"), null);
    assert.equal(store.counter(1, "a"), null);
    assert.equal(store.oldest(1), null);
    assert.deepEqual(keysOf(store, 1), []);
    assert.deepEqual(store.due(Number.MAX_SAFE_INTEGER, 10), []);
    assert.equal(store.nextDueMs, Infinity);
    assert.deepEqual(everything(store), []);
    const { sessions, answers } = store.sessions.load();
    assert.deepEqual([...sessions], []);
    assert.deepEqual([...answers], []);
    await checkpoint(store);
  });

  clause("tells where it stands", ({ store }) => {
    change(store, 1, () => {});
    assert.deepEqual(store.position, positionAt(1));
    const founding = {
      ...NO_CONFIGURATION,
      voters: ["1.00", "2.00"],
      learners: ["3.00"],
    };
    const position = {
      ...positionAt(2 ** 40),
      hash: 0xffffffff,
      config: founding,
      facts: {
        ...FIRST_FACTS,
        epochs: new Map([[1, { number: 7, founding }]]),
      },
    };
    store.begin();
    store.commit(position);
    assert.deepEqual(store.position, position);
  });

  clause("keeps caches by their ids", ({ store }) => {
    const settings = {
      maxBytes: 2 ** 40,
      maxEntries: 12,
      onFull: "reject",
      ttlMs: 30_000,
    } as const;
    const counted = {
      id: 2,
      counterId: 70_001,
      name: "b.B_-9",
      settings,
      entries: 1,
      counters: 2,
      bytes: 2 ** 45,
      counterBytes: 2 ** 44,
      hash: 0xffffffff,
      counterHash: 2 ** 31,
      expired: 3,
      evicted: 2 ** 33,
    };
    change(store, 1, () => {
      store.saveCache(cacheOf(70_000));
      store.saveCache({ ...counted, entries: 0 });
      store.saveCache(cacheOf(1));
      assert.equal([...store.caches()].length, 3);
    });
    change(store, 2, () => store.saveCache(counted));
    assert.deepEqual([...store.caches()], [
      cacheOf(1),
      counted,
      cacheOf(70_000),
    ]);
  });

  clause("keeps entries of every kind", ({ store }) => {
    const entries: StoredEntry[] = [
      {
        kind: "bytes",
        bytes: Uint8Array.from([0, 255, 128]),
        version: 1,
        deadlineMs: 0,
      },
      {
        kind: "json",
        bytes: new TextEncoder().encode('{"a":1}'),
        version: Number.MAX_SAFE_INTEGER,
        deadlineMs: Number.MAX_SAFE_INTEGER,
      },
      {
        kind: "text",
        bytes: new Uint8Array(0),
        version: 2 ** 32,
        deadlineMs: 1,
      },
      {
        kind: "bytes",
        bytes: new Uint8Array(1024 * 1024).fill(7),
        version: 65_537,
        deadlineMs: 2 ** 33,
      },
    ];
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      for (const [i, entry] of entries.entries()) {
        store.putEntry(1, `k${i}`, entry);
        assert.deepEqual(copyOf(store.entry(1, `k${i}`)), entry);
      }
    });
    for (const [i, entry] of entries.entries()) {
      assert.deepEqual(copyOf(store.entry(1, `k${i}`)), entry);
    }
  });

  clause("keeps counters beside entries", ({ store }) => {
    const values = [0n, 1n, -1n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n)];
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      store.putEntry(1, "0", entryOf("an entry", 9));
      for (const [i, value] of values.entries()) {
        store.putCounter(1, String(i), { value, deadlineMs: i });
      }
    });
    for (const [i, value] of values.entries()) {
      assert.deepEqual(store.counter(1, String(i)), { value, deadlineMs: i });
    }
    assert.equal(textOf(store.entry(1, "0")), "an entry");
    assert.equal(store.entry(1, "1"), null);
    change(store, 2, () => store.deleteCounter(1, "0"));
    assert.equal(store.counter(1, "0"), null);
    assert.equal(textOf(store.entry(1, "0")), "an entry");
    change(store, 3, () => store.deleteEntry(1, "0"));
    assert.equal(store.entry(1, "0"), null);
    assert.equal(store.counter(1, "1")?.value, 1n);
  });

  clause("removes what is not there", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      store.deleteEntry(1, "a");
      store.deleteCounter(1, "a");
      store.removeCache(5);
    });
    assert.equal(store.entry(1, "a"), null);
  });

  clause("keeps caches apart", ({ store }) => {
    const ids = [1, 2, 255, 256, 257, 65_536];
    change(store, 1, () => {
      for (const id of ids) {
        store.saveCache(cacheOf(id));
        store.putEntry(id, "same", entryOf(`of ${id}`, id));
        store.putCounter(id, "same", { value: BigInt(id), deadlineMs: 0 });
      }
    });
    for (const id of ids) {
      assert.equal(textOf(store.entry(id, "same")), `of ${id}`);
      assert.equal(store.counter(id, "same")?.value, BigInt(id));
      assert.deepEqual(keysOf(store, id), ["same"]);
    }
  });
}

function copyOf(entry: StoredEntry | null): StoredEntry | null {
  return entry && { ...entry, bytes: Uint8Array.from(entry.bytes) };
}

function testBytes(clause: Clause): void {
  clause("copies what it is given", ({ store }) => {
    const bytes = new Uint8Array(3000).fill(1);
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      store.putEntry(1, "small", {
        ...entryOf("", 1),
        bytes: bytes.subarray(7, 9),
      });
      store.putEntry(1, "large", { ...entryOf("", 2), bytes });
      bytes.fill(2);
    });
    bytes.fill(3);
    assert.deepEqual([...store.entry(1, "small")!.bytes], [1, 1]);
    assert.ok(store.entry(1, "large")!.bytes.every((byte) => byte === 1));
  });

  clause("replaces a value by one of another size", ({ store }) => {
    change(store, 1, () => store.saveCache(cacheOf(1)));
    for (const [i, size] of [10, 5000, 0, 300_000, 1, 5000].entries()) {
      const bytes = new Uint8Array(size).fill(i);
      change(
        store,
        i + 2,
        () =>
          store.putEntry(1, "k", {
            kind: "bytes",
            bytes,
            version: i + 1,
            deadlineMs: 0,
          }),
      );
      const stored = store.entry(1, "k")!;
      assert.deepEqual(Uint8Array.from(stored.bytes), bytes);
      assert.equal(stored.version, i + 1);
    }
    assert.deepEqual(keysOf(store, 1), ["k"]);
  });
}

/** In the order of bytes, which is not that of UTF-16. */
const ORDERED: readonly ByteKey[] = [
  "\0",
  "\0\0",
  "\0a",
  "A",
  "a",
  "a\0",
  "a\x01",
  "ab",
  "a\xff",
  byteKey("\u00e9"),
  byteKey("\uffff"),
  byteKey("\u{10000}"),
  "\xff",
  "\xff".repeat(1023),
  "\xff".repeat(1023) + "\xfe",
  "\xff".repeat(1024),
];

function testRanges(clause: Clause): void {
  clause("ranges over keys in the order of their bytes", ({ store }) => {
    const shuffled = ORDERED.toSorted((a, b) => a.length % 7 - b.length % 7);
    change(store, 1, () => {
      for (const id of [1, 2, 3]) store.saveCache(cacheOf(id));
      store.putEntry(1, "\xff".repeat(1024), entryOf("before", 1));
      store.putEntry(3, "\0", entryOf("after", 2));
      store.putCounter(2, "b", { value: 1n, deadlineMs: 0 });
      for (const [i, key] of shuffled.entries()) {
        store.putEntry(2, key, entryOf(`${i}`, 10 + i));
      }
      assert.deepEqual(keysOf(store, 2), ORDERED);
    });
    assert.deepEqual(keysOf(store, 2), ORDERED);
    const reversed = ORDERED.toReversed();
    assert.deepEqual(keysOf(store, 2, { ...ALL, reverse: true }), reversed);
    for (const [key, entry] of store.range(2, ALL)) {
      assert.equal(textOf(entry), String(shuffled.indexOf(key)));
    }
  });

  clause("ranges from start to before end", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      for (const [i, key] of ORDERED.entries()) {
        store.putEntry(1, key, entryOf("", i + 1));
      }
    });
    const bounds = [...ORDERED, "", "a\0\0", "\xfe", "b"];
    for (const start of bounds) {
      for (const end of [...bounds, null]) {
        const inside = ORDERED.filter((key) =>
          key >= start && (end === null || key < end)
        );
        for (const limit of [1, 3, 1000]) {
          const range = { start, end, limit };
          assert.deepEqual(
            keysOf(store, 1, { ...range, reverse: false }),
            inside.slice(0, limit),
          );
          assert.deepEqual(
            keysOf(store, 1, { ...range, reverse: true }),
            inside.toReversed().slice(0, limit),
          );
        }
      }
    }
  });

  clause("lets a range be left", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      for (let i = 0; i < 100; i++) {
        store.putEntry(1, `k${i}`, entryOf("", i + 1));
      }
    });
    for (const [key] of store.range(1, ALL)) {
      assert.equal(key, "k0");
      break;
    }
    change(store, 2, () => store.deleteEntry(1, "k0"));
    assert.equal(keysOf(store, 1).length, 99);
  });
}

function testOldest(clause: Clause): void {
  clause("knows which entry was written longest ago", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      store.saveCache(cacheOf(2));
      store.putEntry(2, "other", entryOf("", 1));
      for (const [i, key] of ["c", "a", "d", "b"].entries()) {
        store.putEntry(1, key, entryOf("", 256 ** i));
      }
      assert.equal(store.oldest(1), "c");
    });
    assert.equal(store.oldest(1), "c");
    change(store, 2, () => store.putEntry(1, "c", entryOf("again", 2 ** 50)));
    assert.equal(store.oldest(1), "a");
    change(store, 3, () => store.deleteEntry(1, "a"));
    assert.equal(store.oldest(1), "d");
    // A touch changes the deadline and the place, as the version says.
    change(store, 4, () => store.putEntry(1, "d", entryOf("", 256 ** 2, 5)));
    assert.equal(store.oldest(1), "d");
    change(store, 5, () => {
      for (const key of ["b", "c", "d"]) store.deleteEntry(1, key);
    });
    assert.equal(store.oldest(1), null);
    assert.equal(store.oldest(2), "other");
  });
}

function due(
  cache: number,
  key: ByteKey,
  deadlineMs: number,
  counter = false,
): Due {
  return { cache, key, deadlineMs, counter };
}

function testDeadlines(clause: Clause): void {
  clause("tells what is due in order", ({ store }) => {
    change(store, 1, () => {
      for (const id of [1, 2, 300]) store.saveCache(cacheOf(id));
      store.putEntry(300, "x", entryOf("", 1, 500));
      store.putEntry(2, "x", entryOf("", 2, 500));
      store.putEntry(2, "a", entryOf("", 3, 500));
      store.putCounter(2, "z", { value: 1n, deadlineMs: 500 });
      store.putEntry(1, "later", entryOf("", 4, 501));
      store.putEntry(1, "first", entryOf("", 5, 256));
      store.putCounter(1, "never", { value: 1n, deadlineMs: 0 });
      store.putEntry(1, "never", entryOf("", 6));
      assert.ok(store.nextDueMs <= 256);
    });
    assert.ok(store.nextDueMs <= 256);
    assert.deepEqual(store.due(255, 100), []);
    assert.deepEqual(store.due(256, 100), [due(1, "first", 256)]);
    const all = [
      due(1, "first", 256),
      due(2, "z", 500, true),
      due(2, "a", 500),
      due(2, "x", 500),
      due(300, "x", 500),
      due(1, "later", 501),
    ];
    assert.deepEqual(store.due(500, 100), all.slice(0, 5));
    assert.deepEqual(store.due(2 ** 50, 100), all);
    assert.deepEqual(store.due(2 ** 50, 3), all.slice(0, 3));
  });

  clause("forgets deadlines that are replaced or removed", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      for (const [i, key] of ["a", "b", "c", "d", "e"].entries()) {
        store.putEntry(1, key, entryOf("", i + 1, 100));
        store.putCounter(1, key, { value: 0n, deadlineMs: 100 });
      }
    });
    change(store, 2, () => {
      store.putEntry(1, "a", entryOf("", 11, 200));
      store.putEntry(1, "b", entryOf("", 12));
      store.deleteEntry(1, "c");
      store.putEntry(1, "d", entryOf("", 13, 50));
      store.putCounter(1, "a", { value: 0n, deadlineMs: 200 });
      store.putCounter(1, "b", { value: 0n, deadlineMs: 0 });
      store.deleteCounter(1, "c");
      store.putCounter(1, "d", { value: 0n, deadlineMs: 50 });
    });
    change(store, 3, () => {
      store.deleteEntry(1, "a");
      store.putEntry(1, "a", entryOf("", 14, 150));
    });
    assert.deepEqual(store.due(1000, 100), [
      due(1, "d", 50, true),
      due(1, "d", 50),
      due(1, "e", 100, true),
      due(1, "e", 100),
      due(1, "a", 150),
      due(1, "a", 200, true),
    ]);
  });

  clause("rewrites a deadline ever again", ({ store }) => {
    change(store, 1, () => store.saveCache(cacheOf(1)));
    for (let i = 1; i <= 3000; i++) {
      change(
        store,
        i + 1,
        () => store.putEntry(1, "hot", entryOf("", i, 10_000 + i)),
      );
    }
    assert.deepEqual(store.due(12_999, 10), []);
    assert.deepEqual(store.due(13_000, 10), [due(1, "hot", 13_000)]);
  });

  clause("goes on to the next deadline once all was told", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      for (let i = 1; i <= 20; i++) {
        store.putEntry(1, `k${i}`, entryOf("", i, i * 10));
      }
    });
    for (const nowMs of [35, 100, 1000]) {
      change(store, 2, () => {
        for (const { key } of store.due(nowMs, 256)) store.deleteEntry(1, key);
        assert.deepEqual(store.due(nowMs, 256), []);
      });
      assert.ok(store.nextDueMs > nowMs, `${store.nextDueMs} at ${nowMs}`);
    }
    assert.equal(store.nextDueMs, Infinity);
    change(store, 3, () => store.putEntry(1, "new", entryOf("", 30, 7)));
    assert.ok(store.nextDueMs <= 7);
  });
}

function fill(store: KvStore, cache: number, count: number): void {
  const bytes = new Uint8Array(200).fill(cache);
  for (let i = 0; i < count; i++) {
    const version = cache * 1_000_000 + i;
    const deadlineMs = i % 3 === 0 ? 1000 + i : 0;
    store.putEntry(cache, `key ${i}`, {
      kind: "bytes",
      bytes,
      version,
      deadlineMs,
    });
    if (i % 5 === 0) {
      store.putCounter(cache, `key ${i}`, { value: BigInt(i), deadlineMs });
    }
  }
}

function testRemoval(clause: Clause): void {
  clause("hides a removed cache at once", ({ store }) => {
    const other = "stays";
    change(store, 1, () => {
      for (const id of [1, 2, 3]) store.saveCache(cacheOf(id));
      fill(store, 2, 5000);
      store.putEntry(1, other, entryOf("", 1));
      store.putEntry(3, other, entryOf("", 2, 5000));
      store.putCounter(3, other, { value: 1n, deadlineMs: 0 });
    });
    const gone = (): void => {
      assert.equal(store.entry(2, "key 0"), null);
      assert.equal(store.counter(2, "key 0"), null);
      assert.equal(store.oldest(2), null);
      assert.deepEqual(keysOf(store, 2), []);
      assert.deepEqual(store.due(2 ** 40, 10_000), [due(3, other, 5000)]);
      assert.equal(everything(store).length, 3);
      assert.deepEqual(Array.from(store.caches(), ({ id }) => id), [1, 3]);
    };
    change(store, 2, () => {
      store.removeCache(2);
      gone();
    });
    gone();
    // The cleared cache goes on under another id.
    for (let index = 3; index < 60; index++) {
      change(store, index, () => {
        store.saveCache({ ...cacheOf(index + 1), name: "cache-2" });
        fill(store, index + 1, 50);
        store.removeCache(index);
        if (index === 3) {
          store.saveCache(cacheOf(3 + 1000));
          store.putEntry(1003, other, entryOf("", 2, 5000));
          store.putCounter(1003, other, { value: 1n, deadlineMs: 0 });
        }
        assert.equal(store.entry(2, "key 0"), null);
      });
    }
    assert.deepEqual(
      Array.from(store.caches(), ({ id }) => id),
      [1, 60, 1003],
    );
    assert.equal(everything(store).length, 3 + 50 + 10);
  });

  clause("clears entries and counters one without the other", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1, "evict", 2));
      store.putEntry(1, "k", entryOf("first", 1, 50));
      store.putCounter(2, "k", { value: 1n, deadlineMs: 60 });
      store.putCounter(2, "j", { value: 2n, deadlineMs: 0 });
    });
    assert.deepEqual(store.due(100, 9), [
      due(1, "k", 50),
      due(2, "k", 60, true),
    ]);
    change(store, 2, () => {
      store.removeCache(1);
      store.saveCache(cacheOf(3, "evict", 2));
      assert.equal(store.entry(3, "k"), null);
      store.putEntry(3, "k", entryOf("second", 2, 70));
    });
    assert.equal(store.entry(1, "k"), null);
    assert.equal(store.counter(2, "k")?.value, 1n);
    assert.equal(store.oldest(3), "k");
    change(store, 3, () => {
      store.removeCache(2);
      store.saveCache(cacheOf(3, "evict", 4));
      store.putCounter(4, "j", { value: 3n, deadlineMs: 80 });
    });
    assert.equal(store.counter(2, "k"), null);
    assert.equal(store.counter(4, "k"), null);
    assert.equal(textOf(store.entry(3, "k")), "second");
    assert.deepEqual([...store.caches()], [cacheOf(3, "evict", 4)]);
    assert.deepEqual(store.due(100, 9), [
      due(3, "k", 70),
      due(4, "j", 80, true),
    ]);
    assert.equal(everything(store).length, 2);
    change(store, 4, () => {
      store.removeCache(3);
      store.removeCache(4);
    });
    assert.deepEqual([...store.caches()], []);
    assert.deepEqual(everything(store), []);
    assert.deepEqual(store.due(100, 9), []);
  });

  clause("forgets everything when it is cleared", ({ store }) => {
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      fill(store, 1, 2000);
      store.sessions.save({
        sessions: [{ id: 1, used: 1, clockMs: 1, below: 0 }],
        closed: [],
        answers: [{ first: 1, data: Uint8Array.of(1) }],
        emptied: [],
      });
    });
    store.begin();
    store.clear();
    assert.equal(store.position, null);
    assert.equal(store.entry(1, "key 1"), null);
    assert.deepEqual([...store.caches()], []);
    assert.deepEqual(everything(store), []);
    assert.deepEqual([...store.sessions.load().sessions], []);
    assert.deepEqual([...store.sessions.load().answers], []);
    assert.deepEqual(store.due(2 ** 40, 10), []);
    // What a snapshot brings may have the same ids.
    store.saveCache(cacheOf(1));
    store.putEntry(1, "new", entryOf("new", 5, 9));
    store.commit(positionAt(50));
    assert.deepEqual(store.position, positionAt(50));
    assert.deepEqual(keysOf(store, 1), ["new"]);
    assert.equal(store.oldest(1), "new");
    assert.deepEqual(store.due(2 ** 40, 10), [due(1, "new", 9)]);
    assert.equal(everything(store).length, 1);
  });
}

function testScan(clause: Clause): void {
  clause("scans everything exactly once", ({ store }) => {
    change(store, 1, () => {
      for (const id of [3, 1]) {
        store.saveCache(cacheOf(id));
        fill(store, id, 1500);
      }
    });
    const lines = everything(store);
    assert.equal(lines.length, 2 * (1500 + 300));
    assert.equal(new Set(lines).size, lines.length);
    const [entry] = lines.filter((line) => line.includes('entry "key 3"'));
    const bytes = "01".repeat(200);
    assert.equal(entry, `1 entry "key 3" bytes ${bytes} 1000003 1003`);
  });

  clause("scans on while it changes", ({ store }) => {
    change(store, 1, () => {
      for (const id of [1, 2, 3]) {
        store.saveCache(cacheOf(id));
        fill(store, id, 1000);
      }
    });
    const untouched = (record: KvRecord): boolean =>
      record.cache !== 2 && !/[1-4]$/.test(record.key);
    const expected = everything(store).filter((line) =>
      !line.startsWith("2 ") && !/"key \d*[1-4]"/.test(line)
    );
    const seen: string[] = [];
    const records = store.scan();
    for (let i = 0;; i++) {
      const next = records.next();
      if (next.done) break;
      if (untouched(next.value)) seen.push(lineOf(next.value));
      else assert.ok(next.value.key.length > 0);
      const victim = i * 10;
      if (i === 700) change(store, 900, () => store.removeCache(2));
      if (i >= 100 || i % 2 !== 0) continue;
      change(store, 2 + i, () => {
        for (const id of [1, 3]) {
          store.deleteEntry(id, `key ${victim + 1}`);
          store.putEntry(
            id,
            `key ${victim + 2}`,
            entryOf("short", 2 ** 40 + i),
          );
          store.putEntry(
            id,
            `key ${victim + 3}`,
            entryOf("x".repeat(9000), 2 ** 41 + i),
          );
          store.putCounter(id, `key ${victim + 4}`, {
            value: 5n,
            deadlineMs: 0,
          });
        }
      });
    }
    assert.deepEqual(seen.sort(), expected);
  });
}

function testSessions(clause: Clause): void {
  const save = (store: KvStore, index: number, what: Partial<SessionChanges>) =>
    change(store, index, () =>
      store.sessions.save({
        sessions: [],
        closed: [],
        answers: [],
        emptied: [],
        ...what,
      }));
  const loaded = ({ sessions }: KvStore) => {
    const found = sessions.load();
    return {
      sessions: [...found.sessions],
      answers: Array.from(found.answers, ({ first, data }) => ({
        first,
        data: [...data],
      })),
    };
  };

  clause("keeps sessions from the longest unused on", ({ store }) => {
    const session = (id: number, used: number, below = 0) => ({
      id,
      used,
      clockMs: used * 3,
      below,
    });
    save(store, 1, {
      sessions: [session(5, 900), session(2 ** 40, 256), session(7, 70_000)],
      answers: [
        { first: 300, data: Uint8Array.of(3) },
        { first: 2, data: new Uint8Array(0) },
        { first: 256, data: new Uint8Array(9000).fill(1) },
      ],
    });
    assert.deepEqual(
      loaded(store).sessions,
      [session(2 ** 40, 256), session(5, 900), session(7, 70_000)],
    );
    assert.deepEqual(loaded(store).answers, [
      { first: 2, data: [] },
      { first: 256, data: new Array(9000).fill(1) },
      { first: 300, data: [3] },
    ]);
    save(store, 2, {
      sessions: [session(2 ** 40, 80_000, 12), session(9, 9)],
      closed: [7, 1234],
      answers: [{ first: 256, data: Uint8Array.of(8) }, {
        first: 301,
        data: Uint8Array.of(4),
      }],
      emptied: [300, 5555],
    });
    assert.deepEqual(loaded(store), {
      sessions: [session(9, 9), session(5, 900), session(2 ** 40, 80_000, 12)],
      answers: [
        { first: 2, data: [] },
        { first: 256, data: [8] },
        { first: 301, data: [4] },
      ],
    });
  });
}

function testReopening(clause: Clause): void {
  clause("has everything again when it is reopened", async (subject) => {
    const { store } = subject;
    change(store, 1, () => {
      for (const id of [1, 2, 9]) store.saveCache(cacheOf(id));
      for (const id of [1, 2, 9]) fill(store, id, 700);
      store.sessions.save({
        sessions: [{ id: 1, used: 1, clockMs: 1, below: 0 }],
        closed: [],
        answers: [{ first: 1, data: Uint8Array.of(1, 2) }],
        emptied: [],
      });
    });
    change(store, 2, () => store.removeCache(2));
    const before = everything(store);
    const told = store.due(2 ** 40, 10_000);
    const again = await subject.reopen!();
    assert.deepEqual(again.store.position, positionAt(2));
    assert.deepEqual(Array.from(again.store.caches(), ({ id }) => id), [1, 9]);
    assert.deepEqual(everything(again.store), before);
    assert.deepEqual(again.store.due(2 ** 40, 10_000), told);
    assert.ok(again.store.nextDueMs <= 1000);
    assert.equal(again.store.oldest(9), "key 0");
    assert.deepEqual(
      Array.from(again.store.sessions.load().answers, ({ first }) => first),
      [1],
    );
    return again;
  });

  clause("has nothing of a transaction that did not end", async (subject) => {
    const { store } = subject;
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      store.putEntry(1, "a", entryOf("before", 1));
    });
    store.begin();
    store.putEntry(1, "a", entryOf("after", 2));
    store.putCounter(1, "a", { value: 1n, deadlineMs: 1 });
    store.removeCache(1);
    const again = await subject.reopen!();
    assert.deepEqual(again.store.position, positionAt(1));
    assert.equal(textOf(again.store.entry(1, "a")), "before");
    assert.deepEqual(again.store.due(9, 9), []);
    return again;
  });

  clause("is as it was after a checkpoint and more", async (subject) => {
    const { store } = subject;
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      fill(store, 1, 300);
    });
    const made = checkpoint(store);
    change(store, 2, () => store.putEntry(1, "meanwhile", entryOf("x", 7)));
    await made;
    change(store, 3, () => store.deleteEntry(1, "key 0"));
    const before = everything(store);
    const again = await subject.reopen!();
    assert.deepEqual(everything(again.store), before);
    assert.deepEqual(again.store.position, positionAt(3));
    return again;
  });

  clause("can be cleared and reopened", async (subject) => {
    const { store } = subject;
    change(store, 1, () => {
      store.saveCache(cacheOf(1));
      fill(store, 1, 3000);
    });
    store.begin();
    store.clear();
    store.saveCache(cacheOf(1));
    store.putEntry(1, "only", entryOf("", 1));
    store.commit(positionAt(9));
    const again = await subject.reopen!();
    assert.deepEqual(everything(again.store), [
      lineOf({ kind: "entry", cache: 1, key: "only", entry: entryOf("", 1) }),
    ]);
    return again;
  });
}
