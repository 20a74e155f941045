import type { ByteKey, KvRange } from "./types.ts";

/** The keys that begin with a prefix: from the prefix itself to the first key behind them. */
export function prefixRange(prefix: ByteKey): Pick<KvRange, "start" | "end"> {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length--;
  const end = length === 0 ? null : prefix.slice(0, length - 1) +
    String.fromCharCode(prefix.charCodeAt(length - 1) + 1);
  return { start: prefix, end };
}

/** What is left of a range behind a key, in its direction. The key may be of another range: nothing outside of this one is left. */
export function rangeAfter(range: KvRange, key: ByteKey): KvRange {
  const { start, end, reverse } = range;
  if (reverse) return { ...range, end: end !== null && end < key ? end : key };
  const after = `${key}\0`;
  return { ...range, start: start > after ? start : after };
}
