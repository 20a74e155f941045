/**
 * The configurations a search has been in: which operations are linearized, and
 * the state they led to. Compared exactly, never by hash alone.
 */
export class ConfigurationCache {
  readonly #words: number;
  /** The linearized operations now, one bit each. */
  readonly #bits: Uint32Array;
  /** One random word per operation; the hash of a set is the XOR of its members'. */
  readonly #salts: Uint32Array;
  readonly #states = new Map<string, number>();
  #hash = 0;
  /** Rows of `words` bit words and one state number. */
  #rows: Uint32Array;
  /** Open addressing: row number + 1, or 0 for a free place. */
  #table = new Uint32Array(1024);
  #size = 0;

  /** For a partition of `operations` operations. */
  constructor(operations: number) {
    this.#words = (operations + 31) >>> 5;
    this.#bits = new Uint32Array(this.#words);
    this.#salts = Uint32Array.from({ length: operations }, (_, i) => mix(i));
    this.#rows = new Uint32Array(256 * (this.#words + 1));
  }

  /** Configurations remembered. */
  get size(): number {
    return this.#size;
  }

  /**
   * Adds an operation to the linearized ones, now in the state of this key.
   * False, and nothing changed, if the search has been there.
   */
  add(operation: number, stateKey: string | number): boolean {
    this.#flip(operation);
    if (this.#insert(this.#stateNumber(stateKey))) return true;
    this.#flip(operation);
    return false;
  }

  /** Takes an operation out of the linearized ones; where the search has been stays remembered. */
  remove(operation: number): void {
    this.#flip(operation);
  }

  #flip(operation: number): void {
    this.#bits[operation >>> 5]! ^= 1 << (operation & 31);
    this.#hash ^= this.#salts[operation]!;
  }

  #stateNumber(key: string | number): number {
    if (typeof key === "number") return key;
    const known = this.#states.get(key);
    if (known !== undefined) return known;
    const number = this.#states.size;
    this.#states.set(key, number);
    return number;
  }

  #insert(state: number): boolean {
    if (this.#size * 2 >= this.#table.length) this.#growTable();
    const mask = this.#table.length - 1;
    let place = (this.#hash ^ mix(~state)) & mask;
    for (;; place = (place + 1) & mask) {
      const row = this.#table[place]!;
      if (row === 0) break;
      if (this.#equals(row - 1, state)) return false;
    }
    this.#append(state);
    this.#table[place] = this.#size;
    return true;
  }

  #equals(row: number, state: number): boolean {
    const at = row * (this.#words + 1);
    if (this.#rows[at + this.#words] !== state) return false;
    for (let i = 0; i < this.#words; i++) {
      if (this.#rows[at + i] !== this.#bits[i]) return false;
    }
    return true;
  }

  #append(state: number): void {
    const at = this.#size * (this.#words + 1);
    if (at + this.#words + 1 > this.#rows.length) {
      const grown = new Uint32Array(this.#rows.length * 2);
      grown.set(this.#rows);
      this.#rows = grown;
    }
    this.#rows.set(this.#bits, at);
    this.#rows[at + this.#words] = state;
    this.#size++;
  }

  #growTable(): void {
    const table = new Uint32Array(this.#table.length * 4);
    const mask = table.length - 1;
    for (let row = 0; row < this.#size; row++) {
      let place = this.#rowHash(row) & mask;
      while (table[place] !== 0) place = (place + 1) & mask;
      table[place] = row + 1;
    }
    this.#table = table;
  }

  #rowHash(row: number): number {
    const at = row * (this.#words + 1);
    let hash = mix(~this.#rows[at + this.#words]!);
    for (let i = 0; i < this.#words; i++) {
      let bits = this.#rows[at + i]!;
      while (bits !== 0) {
        const bit = 31 - Math.clz32(bits);
        hash ^= this.#salts[i * 32 + bit]!;
        bits ^= 1 << bit;
      }
    }
    return hash;
  }
}

/** A well-mixed 32-bit word of an integer. */
function mix(value: number): number {
  let z = Math.imul(value + 1, 0x9e3779b1);
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}
