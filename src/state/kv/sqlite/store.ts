import { assert } from "../../../util/assert.ts";
import { HiqliteError } from "../../../errors.ts";
import {
  readStoredCache,
  readStoredPosition,
  writeStoredCache,
  writeStoredPosition,
} from "../records.ts";
import type {
  SavedAnswers,
  SavedSession,
  SessionChanges,
  SessionStore,
} from "../../session_store.ts";
import type {
  Due,
  KvPosition,
  KvRecord,
  KvStore,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../store.ts";
import type { ByteKey, KvRange } from "../types.ts";
import type { CacheFile } from "./cache_file.ts";
import { CounterTable } from "./counter_table.ts";
import { CacheDeadlines } from "./deadlines.ts";
import { EntryTable } from "./entry_table.ts";
import { RecentEntries } from "./recent_entries.ts";
import { RecordTable } from "./record_table.ts";
import { RemovedNumbers } from "./removed_numbers.ts";
import { SqliteKvSessions } from "./sessions.ts";

/** Rows of removed numbers that go with each commit, and for each write in it, so that they go faster than others come. */
const SWEPT_PER_COMMIT = 64;
const SWEPT_PER_WRITE = 2;
/** There is one position. */
const POSITION_ID = 1;

/** Caches in a file of SQLite: more than fits into memory, there at once after a start. */
export class SqliteKvStore implements KvStore {
  readonly #file: CacheFile;
  readonly #entries: EntryTable;
  readonly #counters: CounterTable;
  readonly #state: RecordTable;
  readonly #cacheRows: RecordTable;
  readonly #removed: RemovedNumbers;
  readonly #savedSessions: SqliteKvSessions;
  readonly #deadlines: CacheDeadlines;
  /** See {@linkcode KvStore.sessions}. */
  readonly sessions: SessionStore;
  readonly #recent = new RecentEntries();
  /** By their ids. */
  readonly #rows = new Map<number, StoredCache>();
  /** Numbers under which something may be stored; whether entries have a place in the order of versions. */
  readonly #numbers = new Map<number, boolean>();
  #position: KvPosition | null = null;
  /** In the open transaction. */
  #writes = 0;

  /**
   * What is in a file, which is closed with it.
   * @throws {StateDamagedError} if it is damaged.
   */
  constructor(file: CacheFile) {
    this.#file = file;
    const { database } = file;
    this.#entries = new EntryTable(database);
    this.#counters = new CounterTable(database);
    this.#state = new RecordTable(database, "state");
    this.#cacheRows = new RecordTable(database, "caches");
    this.#removed = new RemovedNumbers(database);
    const saved = new SqliteKvSessions(database);
    this.#savedSessions = saved;
    this.#deadlines = new CacheDeadlines(this.#entries, this.#counters);
    this.sessions = {
      load: (): { sessions: SavedSession[]; answers: SavedAnswers[] } =>
        saved.load(),
      save: (changes: SessionChanges) =>
        this.#change(() => saved.save(changes)),
    };
    this.#load();
  }

  /** See {@linkcode KvStore.position}. */
  get position(): KvPosition | null {
    return this.#position;
  }

  /** See {@linkcode KvStore.nextDueMs}. */
  get nextDueMs(): number {
    return this.#deadlines.nextDueMs;
  }

  /** See {@linkcode KvStore.ready}. */
  ready(callback: () => void): void {
    this.#file.ready(callback);
  }

  /** See {@linkcode KvStore.begin}. */
  begin(): void {
    this.#file.begin();
    this.#writes = 0;
  }

  /** See {@linkcode KvStore.commit}. */
  commit(position: KvPosition): void {
    this.#change(() => {
      this.#removed.sweep(SWEPT_PER_COMMIT + SWEPT_PER_WRITE * this.#writes);
      this.#state.save(
        POSITION_ID,
        (writer) => writeStoredPosition(writer, position),
      );
      this.#file.commit();
    });
    this.#position = position;
  }

  /** See {@linkcode KvStore.checkpoint}. */
  checkpoint(done: (error: Error | null) => void): void {
    this.#file.checkpoint(done);
  }

  /** See {@linkcode KvStore.caches}. */
  caches(): StoredCache[] {
    return [...this.#rows.values()].sort((a, b) => a.id - b.id);
  }

  /** See {@linkcode KvStore.saveCache}. */
  saveCache(cache: StoredCache): void {
    this.#change(() =>
      this.#cacheRows.save(
        cache.id,
        (writer) => writeStoredCache(writer, cache),
      )
    );
    this.#register(cache);
  }

  /** See {@linkcode KvStore.removeCache}. */
  removeCache(number: number): void {
    this.#change(() => {
      if (this.#rows.delete(number)) this.#cacheRows.delete(number);
      this.#recent.forgetAll(number);
      if (!this.#numbers.delete(number)) return;
      this.#deadlines.remove(number);
      this.#removed.add(number);
    });
  }

  /** See {@linkcode KvStore.entry}. */
  entry(cache: number, key: ByteKey): StoredEntry | null {
    const known = this.#recent.get(cache, key);
    if (known !== undefined) return known;
    if (!this.#numbers.has(cache)) return null;
    const found = this.#entries.get(cache, key);
    if (found !== null) this.#recent.note(cache, key, found);
    return found;
  }

  /** See {@linkcode KvStore.putEntry}. */
  putEntry(cache: number, key: ByteKey, entry: StoredEntry): void {
    const evicts = this.#numbers.get(cache);
    assert(evicts !== undefined, `number ${cache} belongs to no cache`);
    this.#recent.forget(cache, key);
    this.#change(() => this.#entries.put(cache, key, entry, evicts));
    this.#deadlines.put(cache, false, entry.deadlineMs);
  }

  /** See {@linkcode KvStore.deleteEntry}. */
  deleteEntry(cache: number, key: ByteKey): void {
    if (!this.#numbers.has(cache)) return;
    this.#recent.forget(cache, key);
    this.#change(() => this.#entries.delete(cache, key));
  }

  /** See {@linkcode KvStore.counter}. */
  counter(cache: number, key: ByteKey): StoredCounter | null {
    return this.#numbers.has(cache) ? this.#counters.get(cache, key) : null;
  }

  /** See {@linkcode KvStore.putCounter}. */
  putCounter(cache: number, key: ByteKey, counter: StoredCounter): void {
    const known = this.#numbers.has(cache);
    assert(known, `number ${cache} belongs to no cache`);
    this.#change(() => this.#counters.put(cache, key, counter));
    this.#deadlines.put(cache, true, counter.deadlineMs);
  }

  /** See {@linkcode KvStore.deleteCounter}. */
  deleteCounter(cache: number, key: ByteKey): void {
    if (!this.#numbers.has(cache)) return;
    this.#change(() => this.#counters.delete(cache, key));
  }

  /** See {@linkcode KvStore.oldest}. */
  oldest(cache: number): ByteKey | null {
    return this.#numbers.has(cache) ? this.#entries.oldest(cache) : null;
  }

  /** See {@linkcode KvStore.range}. */
  range(
    cache: number,
    range: KvRange,
  ): Iterable<readonly [ByteKey, StoredEntry]> {
    return this.#numbers.has(cache) ? this.#entries.range(cache, range) : [];
  }

  /** See {@linkcode KvStore.due}. */
  due(nowMs: number, limit: number): readonly Due[] {
    return this.#deadlines.due(nowMs, limit);
  }

  /** See {@linkcode KvStore.scan}. */
  *scan(): Generator<KvRecord> {
    const all = { start: "", end: null, reverse: false, limit: Infinity };
    // Numbers that come later hold changes only.
    for (const cache of [...this.#numbers.keys()]) {
      for (const [key, entry] of this.range(cache, all)) {
        yield { kind: "entry", cache, key, entry };
        if (!this.#numbers.has(cache)) break;
      }
      if (!this.#numbers.has(cache)) continue;
      for (const [key, counter] of this.#counters.all(cache)) {
        yield { kind: "counter", cache, key, counter };
        if (!this.#numbers.has(cache)) break;
      }
    }
  }

  /** See {@linkcode KvStore.clear}. */
  clear(): void {
    this.#change(() => {
      this.#entries.clear();
      this.#counters.clear();
      this.#cacheRows.clear();
      this.#state.clear();
      this.#removed.clear();
      this.#savedSessions.clear();
    });
    this.#forget();
  }

  /** See {@linkcode KvStore.close}. */
  close(): void {
    this.#file.close();
  }

  /** What is at hand, as it is in the file. */
  #load(): void {
    this.#forget();
    for (
      const row of this.#cacheRows.load((reader) => readStoredCache(reader))
    ) {
      this.#register(row);
    }
    this.#removed.load();
    const [position] = this.#state.load((reader) => readStoredPosition(reader));
    this.#position = position ?? null;
  }

  #forget(): void {
    this.#rows.clear();
    this.#recent.clear();
    this.#numbers.clear();
    this.#deadlines.clear();
    this.#position = null;
  }

  #register(row: StoredCache): void {
    this.#rows.set(row.id, row);
    this.#addNumber(row.id, row.settings.onFull === "evict");
    this.#addNumber(row.counterId, false);
  }

  #addNumber(number: number, evicts: boolean): void {
    if (this.#numbers.has(number)) return;
    this.#numbers.set(number, evicts);
    this.#deadlines.add(number);
  }

  /** Changes something. Where the disk has no room everything is as it was before the transaction. */
  #change(change: () => void): void {
    this.#writes++;
    try {
      change();
    } catch (error) {
      if (error instanceof HiqliteError && error.code === "disk_full") {
        this.#file.rollback();
        this.#load();
      }
      throw error;
    }
  }
}
