import type { PlainPut } from "../plain_put.ts";
import type { SeenEntry, StoredCounter, StoredEntry } from "../store.ts";
import type { ByteKey, KvRange } from "../types.ts";
import type { HashSeed } from "./key_hash.ts";
import { KeyOrder } from "./key_order.ts";
import { KeyTable, NO_SLOT } from "./key_table.ts";
import { Ranking } from "./ranking.ts";
import type { Slots } from "./slots.ts";

/** An order of keys that was not read is given up after so many changes, and four times as many as there are keys. */
const UNREAD_CHANGES_MAX = 100_000;

/** A key and its deadline. */
export interface DueKey {
  readonly key: ByteKey;
  readonly deadlineMs: number;
}

/** Where spaces keep what they hold. */
export interface SpaceParts {
  readonly slots: Slots;
  readonly seed: HashSeed;
}

/** What is stored under one number: the entries of a cache, or the counters of one. */
export class Space {
  readonly #slots: Slots;
  readonly #entries: KeyTable;
  readonly #entryDeadlines: Ranking;
  readonly #counters: KeyTable;
  readonly #counterDeadlines: Ranking;
  /** Entries by their versions; null if nobody asks for the oldest. */
  readonly #versions: Ranking | null;
  #order: KeyOrder | null = null;
  #unread = 0;
  #removed = false;

  /** An empty one; `evicts`: it is asked for its oldest entry. */
  constructor({ slots, seed }: SpaceParts, evicts: boolean) {
    this.#slots = slots;
    this.#entries = new KeyTable(slots, seed);
    this.#entryDeadlines = new Ranking(slots, 0);
    this.#counters = new KeyTable(slots, seed);
    this.#counterDeadlines = new Ranking(slots, 0);
    this.#versions = evicts ? new Ranking(slots, 1) : null;
  }

  /** The earliest deadline; `Infinity` if there is none. */
  get nextDueMs(): number {
    return Math.min(this.#entryDeadlines.first, this.#counterDeadlines.first);
  }

  /** Entries that are due, by deadline, then key. */
  dueEntries(nowMs: number, limit: number): DueKey[] {
    return this.#due(this.#entryDeadlines, nowMs, limit);
  }

  /** Counters that are due, by deadline, then key. */
  dueCounters(nowMs: number, limit: number): DueKey[] {
    return this.#due(this.#counterDeadlines, nowMs, limit);
  }

  /** An entry; null if there is none. */
  entry(key: ByteKey): StoredEntry | null {
    const slot = this.#entries.get(key);
    return slot === NO_SLOT ? null : this.#slots.entry(slot);
  }

  /** An entry with bytes of its own; null if there is none. */
  ownEntry(key: ByteKey): StoredEntry | null {
    const slot = this.#entries.get(key);
    return slot === NO_SLOT ? null : this.#slots.ownEntry(slot);
  }

  /** Where the value of an entry lies; null if there is none. */
  see(key: ByteKey): SeenEntry | null {
    const slot = this.#entries.get(key);
    return slot === NO_SLOT ? null : this.#slots.see(slot);
  }

  /** A counter; null if there is none. */
  counter(key: ByteKey): StoredCounter | null {
    const slot = this.#counters.get(key);
    return slot === NO_SLOT ? null : this.#slots.counter(slot);
  }

  /** The slot of the entry with the key of a plain put; `NO_SLOT` if there is none. */
  find({ bytes, keyStart, keyLength }: PlainPut): number {
    return this.#entries.find(bytes, keyStart, keyLength);
  }

  /** Stores an entry. */
  putEntry(key: ByteKey, entry: StoredEntry): void {
    const old = this.#entries.get(key);
    let slot = old;
    if (old === NO_SLOT) {
      slot = this.#slots.addEntry(key, entry);
      this.#entries.add(key, slot);
      this.#changed()?.add(key);
    } else if (!this.#slots.overwriteEntry(old, key, entry)) {
      slot = this.#slots.addEntry(key, entry);
      this.#entries.replace(key, old, slot);
      this.#moved(key, old, slot);
    }
    this.#rank(slot, old, entry.version, entry.deadlineMs);
  }

  /** Stores what a plain put says; `old` is the slot that {@linkcode find} told of just before. */
  putPlain(
    put: PlainPut,
    old: number,
    version: number,
    deadlineMs: number,
  ): void {
    let slot = old;
    if (old === NO_SLOT) {
      slot = this.#slots.addPlace(put, version, deadlineMs);
      this.#entries.addMissed(slot);
      this.#changed()?.add(this.#slots.key(slot));
    } else if (!this.#slots.overwritePlace(old, put, version, deadlineMs)) {
      slot = this.#slots.addPlace(put, version, deadlineMs);
      this.#entries.replaceFound(old, slot);
      this.#moved(this.#slots.key(slot), old, slot);
    }
    this.#rank(slot, old, version, deadlineMs);
  }

  /** Stores a counter. */
  putCounter(key: ByteKey, counter: StoredCounter): void {
    const old = this.#counters.get(key);
    if (old !== NO_SLOT && this.#slots.deadline(old) === counter.deadlineMs) {
      return this.#slots.setCounter(old, counter.value);
    }
    if (old !== NO_SLOT) this.deleteCounter(key);
    const slot = this.#slots.addCounter(key, counter);
    this.#counters.add(key, slot);
    if (counter.deadlineMs > 0) {
      this.#counterDeadlines.set(slot, counter.deadlineMs);
    }
  }

  /** Removes an entry, if there is one. */
  deleteEntry(key: ByteKey): void {
    const slot = this.#entries.remove(key);
    if (slot === NO_SLOT) return;
    this.#entryDeadlines.remove(slot);
    this.#versions?.remove(slot);
    this.#slots.remove(slot);
    this.#changed()?.remove(key);
  }

  /** Removes a counter, if there is one. */
  deleteCounter(key: ByteKey): void {
    const slot = this.#counters.remove(key);
    if (slot === NO_SLOT) return;
    this.#counterDeadlines.remove(slot);
    this.#slots.remove(slot);
  }

  /** The key of the entry written longest ago; null if there is none. */
  oldest(): ByteKey | null {
    const slot = this.#versions?.firstSlot ?? NO_SLOT;
    return slot === NO_SLOT ? null : this.#slots.key(slot);
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
    for (const slot of this.#entries) {
      if (this.#removed) return;
      yield [this.#slots.key(slot), this.#slots.entry(slot)];
    }
  }

  /** All counters, also while they change. */
  *counters(): Generator<[ByteKey, StoredCounter]> {
    for (const slot of this.#counters) {
      if (this.#removed) return;
      yield [this.#slots.key(slot), this.#slots.counter(slot)];
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
      for (const slot of keys) {
        this.#slots.remove(slot);
        yield;
      }
    }
  }

  /** An entry lies in another slot now. */
  #moved(key: ByteKey, old: number, slot: number): void {
    this.#entryDeadlines.replace(old, slot);
    this.#versions?.replace(old, slot);
    this.#slots.remove(old);
    this.#order?.moved(key);
  }

  /** Puts an entry where its deadline and its version belong; `old` is where it was. */
  #rank(slot: number, old: number, version: number, deadlineMs: number): void {
    if (deadlineMs > 0) this.#entryDeadlines.set(slot, deadlineMs);
    else if (old !== NO_SLOT) this.#entryDeadlines.remove(slot);
    this.#versions?.set(slot, version);
  }

  #due(ranking: Ranking, nowMs: number, limit: number): DueKey[] {
    const due = ranking.upTo(nowMs, limit).map((slot) => ({
      key: this.#slots.key(slot),
      deadlineMs: this.#slots.deadline(slot),
    }));
    return due.sort((a, b) =>
      a.deadlineMs - b.deadlineMs || (a.key < b.key ? -1 : 1)
    ).slice(0, limit);
  }

  *#keys(): Generator<ByteKey> {
    for (const slot of this.#entries) yield this.#slots.key(slot);
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
