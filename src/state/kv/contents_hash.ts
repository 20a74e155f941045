import type { EntryPlace } from "./plain_put.ts";
import type { StoredCache, StoredCounter, StoredEntry } from "./store.ts";
import type { ByteKey } from "./types.ts";
import { VALUE_KINDS } from "../stored_value.ts";

/**
 * Hashes of what caches hold, 32 bits each. The hash of a whole is the sum of those of its parts, so that a change
 * costs no more than what it changes, and the order in which things came plays no part.
 */

const START = 0x811c9dc5;
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
  hash = mix(hash, VALUE_KINDS.indexOf(kind));
  hash = mixBytes(hash, bytes, 0, bytes.length);
  return finished(mixNumber(mixNumber(hash, version), deadlineMs));
}

/** The same of an entry that lies in bytes. */
export function hashOfPlace(
  number: number,
  place: EntryPlace,
  version: number,
  deadlineMs: number,
): number {
  const { bytes, keyStart, keyLength, valueStart, valueLength } = place;
  const start = mixNumber(START ^ ENTRY, number);
  let hash = mixBytes(start, bytes, keyStart, keyLength);
  hash = mixBytes(mix(hash, place.kind), bytes, valueStart, valueLength);
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

/** A step of murmur3. */
function mix(hash: number, word: number): number {
  let bits = Math.imul(word, 0xcc9e2d51);
  bits = Math.imul(bits << 15 | bits >>> 17, 0x1b873593);
  hash ^= bits;
  return Math.imul(hash << 13 | hash >>> 19, 5) + 0xe6546b64 | 0;
}

function mixNumber(hash: number, value: number): number {
  return mix(mix(hash, value | 0), value / 2 ** 32 | 0);
}

/** Its characters are bytes. */
function mixText(hash: number, text: string): number {
  const { length } = text;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    const word = text.charCodeAt(i) | text.charCodeAt(i + 1) << 8 |
      text.charCodeAt(i + 2) << 16 | text.charCodeAt(i + 3) << 24;
    hash = mix(hash, word);
  }
  for (let i = whole; i < length; i++) hash = mix(hash, text.charCodeAt(i));
  return mix(hash, length);
}

/** As {@linkcode mixText} of the same characters. */
function mixBytes(
  hash: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  const whole = start + (length & ~3);
  const end = start + length;
  let i = start;
  for (; i < whole; i += 4) {
    const word = bytes[i]! | bytes[i + 1]! << 8 | bytes[i + 2]! << 16 |
      bytes[i + 3]! << 24;
    hash = mix(hash, word);
  }
  for (; i < end; i++) hash = mix(hash, bytes[i]!);
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
