import { describeSettings } from "../../../src/state/kv/settings.ts";
import type {
  KvStore,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";

/** What a store holds, a sorted line for each thing. */
export function contentLines(store: KvStore): string[] {
  const lines: string[] = [];
  for (const cache of store.caches()) lines.push(cacheLine(cache));
  for (const iterator = store.scan();;) {
    const next = iterator.next();
    if (next.done === true) return lines.sort();
    const { cache, key } = next.value;
    lines.push(
      next.value.kind === "entry"
        ? entryLine(cache, key, next.value.entry)
        : counterLine(cache, key, next.value.counter),
    );
  }
}

/** What is counted of a cache. */
export function cacheLine(
  cache: Omit<StoredCache, "hash" | "counterHash">,
): string {
  const { id, counterId, name, entries, counters, bytes, counterBytes } = cache;
  return `cache ${id} ${counterId} ${name} ${
    describeSettings(cache.settings)
  }: ${entries} entries, ${counters} counters, ${bytes} bytes, ${counterBytes} of counters, ${cache.expired} expired, ${cache.evicted} evicted`;
}

/** An entry under a number. */
export function entryLine(
  number: number,
  key: string,
  { kind, bytes, version, deadlineMs }: StoredEntry,
): string {
  return `entry ${number} ${key} ${kind} ${bytes.toHex()} ${version} until ${deadlineMs}`;
}

/** A counter under a number. */
export function counterLine(
  number: number,
  key: string,
  { value, deadlineMs }: StoredCounter,
): string {
  return `counter ${number} ${key} ${value} until ${deadlineMs}`;
}
