import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { TTL_MS_MAX } from "./limits.ts";
import type { CacheSettings } from "./types.ts";

const POLICIES = ["reject", "evict"] as const;

/** Appends what a cache is created with. */
export function writeSettings(
  writer: ByteWriter,
  { maxBytes, maxEntries, onFull, ttlMs }: CacheSettings,
): void {
  writer.natural(maxBytes);
  writer.natural(maxEntries);
  writer.u8(POLICIES.indexOf(onFull));
  writer.natural(ttlMs);
}

/**
 * Reads what {@linkcode writeSettings} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readSettings(reader: ByteReader): CacheSettings {
  const maxBytes = reader.natural();
  const maxEntries = reader.natural();
  const policy = reader.u8();
  const onFull = POLICIES[policy];
  if (onFull === undefined) {
    throw new MalformedBytesError(`unknown policy of a full cache ${policy}`);
  }
  return {
    maxBytes,
    maxEntries,
    onFull,
    ttlMs: reader.natural(TTL_MS_MAX),
  };
}

/** Whether two caches were created with the same. */
export function sameSettings(a: CacheSettings, b: CacheSettings): boolean {
  return a.maxBytes === b.maxBytes && a.maxEntries === b.maxEntries &&
    a.onFull === b.onFull && a.ttlMs === b.ttlMs;
}

/** Settings for people, in a message. */
export function describeSettings(
  { maxBytes, maxEntries, onFull, ttlMs }: CacheSettings,
): string {
  return `maxBytes ${maxBytes}, maxEntries ${maxEntries}, onFull ${onFull}, ttlMs ${ttlMs}`;
}
