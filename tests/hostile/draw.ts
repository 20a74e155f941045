import { type Random, randomBetween } from "../../src/util/random.ts";

/** One of them. */
export function oneOf<T>(random: Random, all: readonly T[]): T {
  return all[randomBetween(random, 0, all.length)]!;
}

/** True once in `times`. */
export function onceIn(random: Random, times: number): boolean {
  return randomBetween(random, 0, times) === 0;
}

/** Random bytes. */
export function garbage(
  random: Random,
  length: number,
): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random.uint32() & 255);
}

/** Letters and digits. */
export function word(random: Random, length: number): string {
  const letters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  return Array.from({ length }, () => oneOf(random, [...letters])).join("");
}

/** The bytes with some of them changed, left out, said twice, or cut off. */
export function mutated(
  random: Random,
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const at = randomBetween(random, 0, bytes.length + 1);
  const to = randomBetween(random, at, bytes.length + 1);
  switch (randomBetween(random, 0, 4)) {
    case 0:
      return bytes.slice(0, at);
    case 1:
      return joined(bytes.slice(0, to), bytes.slice(at));
    case 2:
      return joined(bytes.slice(0, at), bytes.slice(to));
    default: {
      const changed = bytes.slice();
      for (let i = at; i < Math.min(to, at + 8); i++) {
        changed[i] = random.uint32() & 255;
      }
      return changed;
    }
  }
}

/** All of them in one. */
export function joined(
  ...parts: readonly Uint8Array<ArrayBuffer>[]
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
