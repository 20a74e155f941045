import type { StoredCache, StoredCounter, StoredEntry } from "./store.ts";
import type { ByteKey } from "./types.ts";
import { VALUE_KINDS } from "./values.ts";

/**
 * Hashes of what caches hold, 32 bits each. The hash of a whole is the sum of those of its parts, so that a change
 * costs no more than what it changes, and the order in which things came plays no part.
 */

const START = 0x811c9dc5;
const PRIME = 0x01000193;
const FACTOR = 0x85ebca6b;
const ENTRY = 1;
const COUNTER = 2;
const CACHE = 3;

/** The hash of an entry that is stored under `number`. */
export function hashOfEntry(
  number: number,
  key: ByteKey,
  { kind, bytes, version, deadlineMs }: StoredEntry,
): number {
  let hash = mixText(mixNumber(START ^ ENTRY, number), key);
  hash = mixBytes(mix(hash, VALUE_KINDS.indexOf(kind)), bytes);
  return finished(mixNumber(mixNumber(hash, version), deadlineMs));
}

/** The hash of a counter that is stored under `number`. */
export function hashOfCounter(
  number: number,
  key: ByteKey,
  { value, deadlineMs }: StoredCounter,
): number {
  let hash = mixText(mixNumber(START ^ COUNTER, number), key);
  hash = mix(hash, Number(BigInt.asUintN(32, value)));
  hash = mix(hash, Number(BigInt.asIntN(32, value >> 32n)));
  return finished(mixNumber(hash, deadlineMs));
}

/** The hash of a cache and all it holds. */
export function hashOfCache(
  { id, counterId, name, settings, hash, counterHash }: StoredCache,
): number {
  let own = mixText(
    mixNumber(mixNumber(START ^ CACHE, id), counterId),
    `${name} ${settings.onFull}`,
  );
  own = mixNumber(mixNumber(own, settings.maxBytes), settings.maxEntries);
  return finished(mixNumber(own, settings.ttlMs)) + hash + counterHash >>> 0;
}

function mix(hash: number, word: number): number {
  return Math.imul(hash ^ word, PRIME);
}

function mixNumber(hash: number, value: number): number {
  return mix(mix(hash, value >>> 0), value / 2 ** 32 >>> 0);
}

function mixText(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), PRIME);
  }
  return mix(hash, text.length);
}

/** Four bytes at a time: each step waits for the one before. */
function mixBytes(hash: number, bytes: Uint8Array): number {
  const { length } = bytes;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 |
      bytes[i + 3]! << 24;
    hash = Math.imul(hash ^ word, FACTOR);
    hash ^= hash >>> 15;
  }
  for (let i = whole; i < length; i++) hash = mix(hash, bytes[i]!);
  return mix(hash, length);
}

/** Every bit of the result depends on every bit of what came in (murmur3's last step). */
function finished(hash: number): number {
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}
