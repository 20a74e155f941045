import type { StoredCounter, StoredEntry } from "../store.ts";
import type { ByteKey, KvRange } from "../types.ts";
import { Deadlines, type DueKey } from "./deadlines.ts";
import { KeyOrder } from "./key_order.ts";
import { Shards } from "./shards.ts";
import type { Slots } from "./slots.ts";

/** An order of keys that was not read is given up after so many changes, and four times as many as there are keys. */
const UNREAD_CHANGES_MAX = 100_000;

/** What is stored under one number: the entries of a cache, or the counters of one. */
export class Space {
  readonly #slots: Slots;
  readonly #entries: Shards;
  readonly #entryDeadlines: Deadlines;
  readonly #counters: Shards;
  readonly #counterDeadlines: Deadlines;
  #order: KeyOrder | null = null;
  #unread = 0;
  #removed = false;

  /** An empty one, which keeps what it holds in `slots`. */
  constructor(slots: Slots) {
    this.#slots = slots;
    this.#entries = new Shards((slot) => slots.version(slot));
    this.#entryDeadlines = new Deadlines(slots);
    this.#counters = new Shards(() => 0);
    this.#counterDeadlines = new Deadlines(slots);
  }

  /** The earliest deadline; `Infinity` if there is none. */
  get nextDueMs(): number {
    return Math.min(this.#entryDeadlines.first, this.#counterDeadlines.first);
  }

  /** Entries that are due, by deadline, then key. */
  dueEntries(nowMs: number, limit: number): DueKey[] {
    return this.#entryDeadlines.due(nowMs, limit);
  }

  /** Counters that are due, by deadline, then key. */
  dueCounters(nowMs: number, limit: number): DueKey[] {
    return this.#counterDeadlines.due(nowMs, limit);
  }

  /** An entry; null if there is none. */
  entry(key: ByteKey): StoredEntry | null {
    const slot = this.#entries.get(key);
    return slot === undefined ? null : this.#slots.entry(slot);
  }

  /** An entry with bytes of its own; null if there is none. */
  ownEntry(key: ByteKey): StoredEntry | null {
    const slot = this.#entries.get(key);
    return slot === undefined ? null : this.#slots.ownEntry(slot);
  }

  /** A counter; null if there is none. */
  counter(key: ByteKey): StoredCounter | null {
    const slot = this.#counters.get(key);
    return slot === undefined ? null : this.#slots.counter(slot);
  }

  /** Stores an entry; with the version that it has it keeps its place in their order. */
  putEntry(key: ByteKey, entry: StoredEntry): void {
    const slot = this.#slots.addEntry(entry);
    const old = this.#entries.get(key);
    if (old !== undefined && this.#slots.version(old) === entry.version) {
      this.#entries.replace(key, slot);
    } else {
      if (old !== undefined) this.#entries.remove(key);
      this.#entries.add(key, slot, entry.version);
      if (old === undefined) this.#changed()?.add(key);
    }
    if (old !== undefined) this.#forgetEntry(old);
    if (entry.deadlineMs > 0) this.#entryDeadlines.add(slot, key);
  }

  /** Stores a counter. */
  putCounter(key: ByteKey, counter: StoredCounter): void {
    const old = this.#counters.get(key);
    if (old !== undefined && this.#slots.deadline(old) === counter.deadlineMs) {
      return this.#slots.setCounter(old, counter.value);
    }
    if (old !== undefined) this.deleteCounter(key);
    const slot = this.#slots.addCounter(counter);
    this.#counters.add(key, slot, 0);
    if (counter.deadlineMs > 0) this.#counterDeadlines.add(slot, key);
  }

  /** Removes an entry, if there is one. */
  deleteEntry(key: ByteKey): void {
    const slot = this.#entries.remove(key);
    if (slot === undefined) return;
    this.#forgetEntry(slot);
    this.#changed()?.remove(key);
  }

  /** Removes a counter, if there is one. */
  deleteCounter(key: ByteKey): void {
    const slot = this.#counters.remove(key);
    if (slot === undefined) return;
    this.#counterDeadlines.remove(slot);
    this.#slots.remove(slot);
  }

  /** The key of the entry written longest ago; null if there is none. */
  oldest(): ByteKey | null {
    return this.#entries.oldest();
  }

  /** Keys of a range with their entries. */
  *range(range: KvRange): Generator<[ByteKey, StoredEntry]> {
    const order = this.#ordered();
    order.complete(this.#keys());
    for (const key of order.range(range)) yield [key, this.entry(key)!];
  }

  /** Puts some more keys in order, so that {@linkcode range} has less to do; whether all are. */
  arrange(limit: number): boolean {
    return this.#ordered().fill(limit);
  }

  /** All entries, also while they change. */
  *entries(): Generator<[ByteKey, StoredEntry]> {
    for (const [key, slot] of this.#entries) {
      if (this.#removed) return;
      yield [key, this.#slots.entry(slot)];
    }
  }

  /** All counters, also while they change. */
  *counters(): Generator<[ByteKey, StoredCounter]> {
    for (const [key, slot] of this.#counters) {
      if (this.#removed) return;
      yield [key, this.#slots.counter(slot)];
    }
  }

  /** Says that it is forgotten: what gives back its memory, a step at a time. */
  remove(): Iterator<void> {
    this.#removed = true;
    this.#order = null;
    return this.#dismantle();
  }

  *#dismantle(): Generator<void> {
    for (const keys of [this.#entries, this.#counters]) {
      for (const [, slot] of keys) {
        this.#slots.remove(slot);
        yield;
      }
    }
  }

  #forgetEntry(slot: number): void {
    this.#entryDeadlines.remove(slot);
    this.#slots.remove(slot);
  }

  *#keys(): Generator<ByteKey> {
    for (const [key] of this.#entries) yield key;
  }

  #ordered(): KeyOrder {
    this.#unread = 0;
    return this.#order ??= new KeyOrder(this.#keys());
  }

  /** The order of keys, if there is one, to be told of a change. */
  #changed(): KeyOrder | null {
    if (this.#order === null) return null;
    if (++this.#unread > UNREAD_CHANGES_MAX + 4 * this.#entries.size) {
      this.#order = null;
    }
    return this.#order;
  }
}
