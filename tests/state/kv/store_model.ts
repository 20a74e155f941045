import type {
  Due,
  KvPosition,
  KvRecord,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import type { ByteKey, KvRange } from "../../../src/state/kv/types.ts";

/** What a store must answer, as plainly as it can be said. */
export class StoreModel {
  position: KvPosition | null = null;
  readonly caches = new Map<number, StoredCache>();
  readonly entries = new Map<number, Map<ByteKey, StoredEntry>>();
  readonly counters = new Map<number, Map<ByteKey, StoredCounter>>();

  entry(cache: number, key: ByteKey): StoredEntry | null {
    return this.entries.get(cache)?.get(key) ?? null;
  }

  counter(cache: number, key: ByteKey): StoredCounter | null {
    return this.counters.get(cache)?.get(key) ?? null;
  }

  saveCache(cache: StoredCache): void {
    this.caches.set(cache.id, cache);
    if (this.entries.has(cache.id)) return;
    this.entries.set(cache.id, new Map());
    this.counters.set(cache.id, new Map());
  }

  removeCache(id: number): void {
    this.caches.delete(id);
    this.entries.delete(id);
    this.counters.delete(id);
  }

  putEntry(cache: number, key: ByteKey, entry: StoredEntry): void {
    this.entries.get(cache)!.set(key, entry);
  }

  putCounter(cache: number, key: ByteKey, counter: StoredCounter): void {
    this.counters.get(cache)!.set(key, counter);
  }

  deleteEntry(cache: number, key: ByteKey): void {
    this.entries.get(cache)!.delete(key);
  }

  deleteCounter(cache: number, key: ByteKey): void {
    this.counters.get(cache)!.delete(key);
  }

  clear(): void {
    this.position = null;
    for (const id of [...this.caches.keys()]) this.removeCache(id);
  }

  oldest(cache: number): ByteKey | null {
    const byVersion = [...this.entries.get(cache) ?? []]
      .sort(([, a], [, b]) => a.version - b.version);
    return byVersion[0]?.[0] ?? null;
  }

  range(
    cache: number,
    { start, end, reverse, limit }: KvRange,
  ): [ByteKey, StoredEntry][] {
    const inside = [...this.entries.get(cache) ?? []]
      .filter(([key]) => key >= start && (end === null || key < end))
      .sort(([a], [b]) => a < b ? -1 : 1);
    return (reverse ? inside.reverse() : inside).slice(0, limit);
  }

  /** Everything with a deadline, as `KvStore.due` orders it. */
  deadlines(): Due[] {
    const all: Due[] = [];
    const add = (
      counter: boolean,
      kept: Map<number, Map<ByteKey, { readonly deadlineMs: number }>>,
    ): void => {
      for (const [cache, keys] of kept) {
        for (const [key, { deadlineMs }] of keys) {
          if (deadlineMs > 0) all.push({ cache, counter, key, deadlineMs });
        }
      }
    };
    add(true, this.counters);
    add(false, this.entries);
    return all.sort((a, b) =>
      a.deadlineMs - b.deadlineMs || a.cache - b.cache ||
      Number(b.counter) - Number(a.counter) || (a.key < b.key ? -1 : 1)
    );
  }

  /** Everything, as one line each, in order. */
  dump(): string[] {
    const lines: string[] = [];
    for (const [cache, keys] of this.entries) {
      for (const [key, entry] of keys) {
        lines.push(lineOf({ kind: "entry", cache, key, entry }));
      }
    }
    for (const [cache, keys] of this.counters) {
      for (const [key, counter] of keys) {
        lines.push(lineOf({ kind: "counter", cache, key, counter }));
      }
    }
    return lines.sort();
  }
}

/** A record as a line that can be compared. */
export function lineOf(record: KvRecord): string {
  const { cache, key } = record;
  if (record.kind === "counter") {
    const { value, deadlineMs } = record.counter;
    return `${cache} counter ${JSON.stringify(key)} ${value} ${deadlineMs}`;
  }
  const { kind, bytes, version, deadlineMs } = record.entry;
  return `${cache} entry ${
    JSON.stringify(key)
  } ${kind} ${bytes.toHex()} ${version} ${deadlineMs}`;
}
