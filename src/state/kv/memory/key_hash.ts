import type { Random } from "../../../util/random.ts";
import type { ByteKey } from "../types.ts";

/** What a process draws by chance, so that nobody outside can choose keys whose hashes are equal. */
export interface HashSeed {
  /** 32 bits. */
  readonly a: number;
  /** 32 more. */
  readonly b: number;
}

/** For tests, and wherever runs are to be repeated. */
export const FIXED_SEED: HashSeed = Object.freeze({
  a: 0x4fb61a00,
  b: 0x1bdc5e37,
});

/** A seed that nobody knows, if nobody knows what `random` says. */
export function drawSeed(random: Random): HashSeed {
  return { a: random.uint32() | 0, b: random.uint32() | 0 };
}

/**
 * A key's hash, 32 bits with a sign: Marvin32, which .NET uses for its tables of strings, four characters with
 * each round. Without the seed nobody can tell which keys collide.
 */
export function tableHash(key: ByteKey, seed: HashSeed): number {
  let { a, b } = seed;
  const { length } = key;
  // Whole words, then one with what is left and a mark of the end, then one more round.
  const end = (length & ~3) + 8;
  for (let i = 0; i < end; i += 4) {
    a = a + wordAt(key, i, length) | 0;
    b ^= a;
    a = (a << 20 | a >>> 12) + b | 0;
    b = (b << 9 | b >>> 23) ^ a;
    a = (a << 27 | a >>> 5) + b | 0;
    b = b << 19 | b >>> 13;
  }
  return a ^ b;
}

/** The same of a key that lies in bytes. */
export function tableHashOf(
  bytes: Uint8Array,
  start: number,
  length: number,
  seed: HashSeed,
): number {
  let { a, b } = seed;
  const end = (length & ~3) + 8;
  for (let i = 0; i < end; i += 4) {
    a = a + wordIn(bytes, start, i, length) | 0;
    b ^= a;
    a = (a << 20 | a >>> 12) + b | 0;
    b = (b << 9 | b >>> 23) ^ a;
    a = (a << 27 | a >>> 5) + b | 0;
    b = b << 19 | b >>> 13;
  }
  return a ^ b;
}

function wordAt(key: ByteKey, at: number, length: number): number {
  if (at + 4 <= length) {
    return key.charCodeAt(at) | key.charCodeAt(at + 1) << 8 |
      key.charCodeAt(at + 2) << 16 | key.charCodeAt(at + 3) << 24;
  }
  if (at > length) return 0;
  let word = 0x80;
  for (let i = length - 1; i >= at; i--) word = word << 8 | key.charCodeAt(i);
  return word;
}

function wordIn(
  bytes: Uint8Array,
  start: number,
  at: number,
  length: number,
): number {
  if (at > length) return 0;
  const from = start + at;
  if (at + 4 <= length) {
    return bytes[from]! | bytes[from + 1]! << 8 | bytes[from + 2]! << 16 |
      bytes[from + 3]! << 24;
  }
  let word = 0x80;
  for (let i = start + length - 1; i >= from; i--) word = word << 8 | bytes[i]!;
  return word;
}
