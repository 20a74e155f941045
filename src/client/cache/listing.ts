import { cursorAfter, rangeOfPage } from "../../api/cache_range.ts";
import { toByteKey } from "../../state/kv/keys.ts";
import { LIST } from "./arguments.ts";
import { checked } from "../options.ts";
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
  const { prefix, start, end, reverse, limit, cursor } = checked(options, LIST);
  const range = rangeOfPage({
    prefix: prefix === undefined ? prefix : toByteKey(prefix),
    start: start === undefined ? start : toByteKey(start),
    end: end === undefined ? end : toByteKey(end),
    reverse,
    limit,
    cursor,
  });
  const page = await session.list(cache, range, options);
  const entries = await Promise.all(
    page.entries.map((entry) => values.keyed(entry, entry.key, page.epoch)),
  );
  return { entries, cursor: cursorAfter(page) };
}
