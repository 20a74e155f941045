/** A source of random numbers, injected so that runs can be repeated. */
export interface Random {
  /** A uniform integer in `0 … 2^32 - 1`. */
  uint32(): number;
}

/** An integer in `low … high - 1`, uniform up to a bias of 2^-32. */
export function randomBetween(
  random: Random,
  low: number,
  high: number,
): number {
  return low + Math.floor((random.uint32() / 2 ** 32) * (high - low));
}

/** The platform's cryptographic generator, buffered. */
export class SystemRandom implements Random {
  readonly #buffer = new Uint32Array(256);
  #next = 256;

  /** A uniform integer in `0 … 2^32 - 1`. */
  uint32(): number {
    if (this.#next === this.#buffer.length) {
      crypto.getRandomValues(this.#buffer);
      this.#next = 0;
    }
    return this.#buffer[this.#next++]!;
  }
}

/** xoshiro128**: fast, seedable, and the same on every platform. */
export class SeededRandom implements Random {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** Expands `seed` (any safe integer) with splitmix32. */
  constructor(seed: number) {
    let state = (seed ^ Math.floor(seed / 2 ** 32)) >>> 0;
    const next = (): number => {
      state = (state + 0x9e3779b9) >>> 0;
      let z = state;
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
      return (z ^ (z >>> 15)) >>> 0;
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    this.#d = next() | 1;
  }

  /** A uniform integer in `0 … 2^32 - 1`. */
  uint32(): number {
    const product = Math.imul(this.#b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = (this.#d << 11) | (this.#d >>> 21);
    return result;
  }
}
