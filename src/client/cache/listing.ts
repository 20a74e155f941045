import { cursorOf, keyOfCursor } from "../../api/cache_json.ts";
import { HiqliteError } from "../../errors.ts";
import { toByteKey } from "../../state/kv/keys.ts";
import { prefixRange, rangeAfter } from "../../state/kv/ranges.ts";
import type { KvRange } from "../../state/kv/types.ts";
import type { CacheSession } from "./session.ts";
import type { CacheListing, ListOptions } from "./types.ts";
import type { CacheValues } from "./values.ts";

/** Reads a page. @throws {HiqliteError} `invalid` */
export async function listCache<T>(
  session: CacheSession,
  cache: string,
  values: CacheValues<T>,
  options: ListOptions,
): Promise<CacheListing<T>> {
  const range = rangeOf(options);
  const page = await session.list(cache, range, options);
  const entries = await Promise.all(
    page.entries.map((entry) => values.keyed(entry, entry.key, page.epoch)),
  );
  const last = page.entries.at(-1)?.key;
  const cursor = page.more && last !== undefined ? cursorOf(last) : null;
  return { entries, cursor };
}

function rangeOf(options: ListOptions): KvRange {
  const { prefix, start, end, reverse = false, limit = 100, cursor } = options;
  if (prefix !== undefined && (start ?? end) !== undefined) {
    throw new HiqliteError("invalid", "prefix excludes start and end");
  }
  const keys = prefix === undefined
    ? {
      start: start === undefined ? "" : toByteKey(start),
      end: end === undefined ? null : toByteKey(end),
    }
    : prefixRange(toByteKey(prefix));
  const range = { ...keys, reverse, limit };
  return cursor === undefined ? range : rangeAfter(range, keyOfCursor(cursor));
}
