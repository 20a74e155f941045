import { HiqliteError } from "../errors.ts";
import type { CacheListAnswer } from "../node/port.ts";
import { prefixRange, rangeAfter } from "../state/kv/ranges.ts";
import type { ByteKey, KvRange } from "../state/kv/types.ts";

/** Which page of a cache's entries is wanted. */
export interface PageWanted {
  readonly prefix: ByteKey | undefined;
  readonly start: ByteKey | undefined;
  readonly end: ByteKey | undefined;
  readonly reverse: boolean | undefined;
  readonly limit: number | undefined;
  /** Of the page before. */
  readonly cursor: string | undefined;
}

/** The keys of a page. @throws {HiqliteError} `invalid` */
export function rangeOfPage(
  { prefix, start, end, reverse = false, limit = 100, cursor }: PageWanted,
): KvRange {
  if (prefix !== undefined && (start ?? end) !== undefined) {
    throw new HiqliteError("invalid", "prefix excludes start and end");
  }
  const keys = prefix === undefined
    ? { start: start ?? "", end: end ?? null }
    : prefixRange(prefix);
  const range = { ...keys, reverse, limit };
  return cursor === undefined ? range : rangeAfter(range, keyOfCursor(cursor));
}

/** What the next page begins with; null if this is the last one. */
export function cursorAfter(
  { entries, more }: CacheListAnswer,
): string | null {
  const last = entries.at(-1)?.key;
  return more && last !== undefined ? cursorOf(last) : null;
}

/** The last key of a page, in hexadecimal digits. */
function cursorOf(key: ByteKey): string {
  let cursor = "";
  for (let i = 0; i < key.length; i++) {
    cursor += key.charCodeAt(i).toString(16).padStart(2, "0");
  }
  return cursor;
}

/** What {@linkcode cursorOf} wrote. @throws {HiqliteError} `invalid` */
function keyOfCursor(cursor: string): ByteKey {
  if (/^(?:[0-9a-f]{2}){1,1024}$/.test(cursor)) {
    return cursor.replaceAll(
      /../g,
      (digits) => String.fromCharCode(parseInt(digits, 16)),
    );
  }
  throw new HiqliteError(
    "invalid",
    `cursor: not one of a page before: "${cursor.slice(0, 40)}"`,
  );
}
