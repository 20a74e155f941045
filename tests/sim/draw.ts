import { type Random, SeededRandom } from "../../src/util/random.ts";

/** Mixes a name into a seed, so that each concern draws from its own stream. */
function mix(seed: number, name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193) >>> 0;
  }
  return (hash ^ Math.imul(seed >>> 0, 0x9e3779b1) ^
    Math.floor(seed / 2 ** 32)) >>> 0;
}

/** Seeded draws of one concern; another concern's draws do not move them. */
export class Draw implements Random {
  readonly #random: SeededRandom;

  /** The stream `name` of `seed`. */
  constructor(seed: number, name: string) {
    this.#random = new SeededRandom(mix(seed, name));
  }

  /** A uniform integer in `0 … 2^32 - 1`. */
  uint32(): number {
    return this.#random.uint32();
  }

  /** A uniform number in `0 … 1`, without 1. */
  unit(): number {
    return this.#random.uint32() / 2 ** 32;
  }

  /** A uniform number in `low … high`. */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  /** A uniform integer in `low … high`, both included. */
  int(low: number, high: number): number {
    return low + Math.floor(this.unit() * (high - low + 1));
  }

  /** True with probability `p`. */
  chance(p: number): boolean {
    return p > 0 && this.unit() < p;
  }

  /** One of `items`, which are not empty. */
  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.unit() * items.length)]!;
  }

  /** `items` in a random order. */
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(0, i);
      const swap = result[i]!;
      result[i] = result[j]!;
      result[j] = swap;
    }
    return result;
  }

  /** An exponentially distributed number. */
  exponential(mean: number): number {
    return -mean * Math.log(1 - this.unit());
  }
}
