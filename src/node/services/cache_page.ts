import { HiqliteError } from "../../errors.ts";
import { rangeAfter } from "../../state/kv/ranges.ts";
import type {
  ByteKey,
  KvEntry,
  KvRange,
  KvReads,
} from "../../state/kv/types.ts";

/** Entries of one page. */
const PAGE_ENTRIES_MAX = 1000;
/** Bytes of one page, about: it ends with the entry that exceeds them. */
const PAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Entries that are read at first, and at least. */
const STEP_ENTRIES = 4;

/** A part of a range, and whether there may be more. */
export interface CachePage {
  readonly entries: (KvEntry & { readonly key: ByteKey })[];
  readonly more: boolean;
}

/**
 * Reads the beginning of a range, bounded in bytes, too: it is read in steps, each of them
 * as long as the entries so far let expect that it fits.
 * @throws {HiqliteError} `invalid`
 */
export function listPage(
  reads: KvReads,
  cache: string,
  range: KvRange,
  nowMs: number,
  readerMs = nowMs,
): CachePage {
  const { limit } = range;
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_ENTRIES_MAX) {
    throw new HiqliteError(
      "invalid",
      `limit: expected an integer from 1 to ${PAGE_ENTRIES_MAX}, got ${limit}`,
    );
  }
  const entries: CachePage["entries"] = [];
  let bytes = 0;
  let rest = range;
  let step = STEP_ENTRIES;
  for (;;) {
    const wanted = Math.min(step, limit - entries.length);
    const found = reads.list(
      cache,
      { ...rest, limit: wanted },
      nowMs,
      readerMs,
    );
    for (const entry of found) {
      entries.push(entry);
      bytes += entry.key.length + entry.value.bytes.length;
    }
    if (found.length < wanted) return { entries, more: false };
    if (entries.length === limit || bytes > PAGE_BYTES_MAX) {
      return { entries, more: true };
    }
    const fitting = (PAGE_BYTES_MAX - bytes) * entries.length / (bytes + 1);
    step = Math.max(STEP_ENTRIES, Math.floor(fitting));
    rest = rangeAfter(rest, found.at(-1)!.key);
  }
}
