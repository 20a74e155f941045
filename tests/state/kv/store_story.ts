import assert from "node:assert/strict";
import type {
  KvStore,
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import type { ByteKey } from "../../../src/state/kv/types.ts";
import { randomBetween, SeededRandom } from "../../../src/util/random.ts";
import { lineOf, StoreModel } from "./store_model.ts";
import { cacheOf, positionAt, type StoreSubject } from "./store_subject.ts";

const TRANSACTIONS = 60;
const KINDS = ["bytes", "text", "json"] as const;

/** A random story, told to a store and to a plain model: they must answer alike. */
export async function tellStory(
  open: () => Promise<StoreSubject>,
  seed: number,
): Promise<void> {
  let subject = await open();
  const story = new Story(seed);
  try {
    for (let i = 1; i <= TRANSACTIONS; i++) {
      if (subject.reopen !== null && story.draw(0, 12) === 0) {
        subject = await subject.reopen();
        story.compare(subject.store);
      }
      story.transaction(subject.store, i);
    }
  } catch (error) {
    throw new Error(`Seed ${seed}: ${(error as Error).message}`, {
      cause: error,
    });
  } finally {
    await subject.end();
  }
}

class Story {
  readonly #random: SeededRandom;
  readonly #model = new StoreModel();
  #nowMs = 1;
  #version = 1;
  #nextCache = 1;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
  }

  draw(low: number, high: number): number {
    return randomBetween(this.#random, low, high);
  }

  transaction(store: KvStore, index: number): void {
    store.begin();
    for (let left = this.draw(0, 40); left > 0; left--) this.#change(store);
    if (this.draw(0, 4) === 0) this.compare(store);
    const position = positionAt(index);
    store.commit(position);
    this.#model.position = position;
    this.#nowMs += this.draw(0, 50);
    this.compare(store);
  }

  #change(store: KvStore): void {
    const model = this.#model;
    const ids = [...model.caches.keys()];
    const what = this.draw(0, 100);
    if (ids.length === 0 || what < 3) return this.#create(store);
    const cache = ids[this.draw(0, ids.length)]!;
    if (what < 5) {
      store.removeCache(cache);
      return model.removeCache(cache);
    }
    if (what === 5 && this.draw(0, 10) === 0) {
      store.clear();
      return model.clear();
    }
    if (what < 12) return this.#expire(store);
    const key = this.#key();
    if (what < 55) {
      const entry = this.#entry();
      store.putEntry(cache, key, entry);
      model.putEntry(cache, key, { ...entry, bytes: entry.bytes.slice() });
    } else if (what < 70) {
      const counter = this.#counter();
      store.putCounter(cache, key, counter);
      model.putCounter(cache, key, counter);
    } else if (what < 80) {
      store.deleteEntry(cache, key);
      model.deleteEntry(cache, key);
    } else if (what < 88) {
      store.deleteCounter(cache, key);
      model.deleteCounter(cache, key);
    } else this.#evict(store, cache);
  }

  #create(store: KvStore): void {
    const cache = cacheOf(this.#nextCache++);
    store.saveCache(cache);
    this.#model.saveCache(cache);
  }

  #evict(store: KvStore, cache: number): void {
    const key = store.oldest(cache);
    assert.equal(key, this.#model.oldest(cache));
    if (key === null) return;
    store.deleteEntry(cache, key);
    this.#model.deleteEntry(cache, key);
  }

  #expire(store: KvStore): void {
    const limit = this.draw(1, 8);
    const due = store.due(this.#nowMs, limit);
    assert.deepEqual(due, this.#due(limit));
    for (const { cache, key, counter } of due) {
      if (counter) {
        store.deleteCounter(cache, key);
        this.#model.deleteCounter(cache, key);
      } else {
        store.deleteEntry(cache, key);
        this.#model.deleteEntry(cache, key);
      }
    }
  }

  #due(limit: number) {
    return this.#model.deadlines()
      .filter(({ deadlineMs }) => deadlineMs <= this.#nowMs).slice(0, limit);
  }

  #key(): ByteKey {
    const length = [1, 1, 2, 3, 1024][this.draw(0, 5)]!;
    const alphabet = ["\0", "a", "\x7f", "\x80", "\xff"];
    return alphabet[this.draw(0, alphabet.length)]!.repeat(length - 1) +
      alphabet[this.draw(0, alphabet.length)]!;
  }

  #deadline(): number {
    return this.draw(0, 2) === 0 ? 0 : this.#nowMs + this.draw(0, 400);
  }

  #entry(): StoredEntry {
    const size = [0, 5, 100, 3000, 9000][this.draw(0, 5)]!;
    return {
      kind: KINDS[this.draw(0, KINDS.length)]!,
      bytes: new Uint8Array(size).fill(this.draw(0, 256)),
      version: this.#version++ * 3,
      deadlineMs: this.#deadline(),
    };
  }

  #counter(): StoredCounter {
    const value = BigInt(this.draw(-1000, 1000)) * 2n ** 53n;
    return { value, deadlineMs: this.#deadline() };
  }

  /** Everything that can be asked. */
  compare(store: KvStore): void {
    const model = this.#model;
    assert.deepEqual(store.position, model.position);
    assert.deepEqual(
      [...store.caches()],
      [...model.caches.values()].sort((a, b) => a.id - b.id),
    );
    const scanned: string[] = [];
    const records = store.scan();
    for (let next = records.next(); !next.done; next = records.next()) {
      scanned.push(lineOf(next.value));
    }
    assert.deepEqual(scanned.sort(), model.dump());
    assert.deepEqual(store.due(this.#nowMs, 50), this.#due(50));
    const first = model.deadlines()[0]?.deadlineMs ?? Infinity;
    assert.ok(store.nextDueMs <= first, `${store.nextDueMs}, not ${first}`);
    for (const id of model.caches.keys()) this.#compareCache(store, id);
  }

  #compareCache(store: KvStore, id: number): void {
    const model = this.#model;
    assert.equal(store.oldest(id), model.oldest(id));
    const range = {
      start: this.draw(0, 2) === 0 ? "" : this.#key(),
      end: this.draw(0, 2) === 0 ? null : this.#key(),
      reverse: this.draw(0, 2) === 0,
      limit: this.draw(1, 30),
    };
    const line = ([key, entry]: readonly [ByteKey, StoredEntry]): string =>
      lineOf({ kind: "entry", cache: id, key, entry });
    assert.deepEqual(
      Array.from(store.range(id, range), line),
      model.range(id, range).map(line),
    );
    const key = this.#key();
    const entry = store.entry(id, key);
    const expected = model.entry(id, key);
    assert.equal(
      entry && line([key, entry]),
      expected && line([key, expected]),
    );
    assert.deepEqual(store.counter(id, key), model.counter(id, key));
  }
}
