const FIRST_CAPACITY = 64;

/**
 * Texts in the order they came, each with some numbers, found by the text: the numbers lie side by side, since an
 * object for each would take several times as much. A slot names one of them for as long as it is there.
 */
export class KeyQueue {
  readonly #columns: number;
  readonly #slots = new Map<string, number>();
  #keys: string[] = [];
  #numbers: Float64Array;
  #head = 0;
  #tail = 0;

  /** With so many numbers for each key. */
  constructor(columns: number) {
    this.#columns = columns;
    this.#numbers = new Float64Array(columns * FIRST_CAPACITY);
  }

  /** The slot of the oldest one; {@linkcode tail} if there is none. */
  get head(): number {
    return this.#head;
  }

  /** The slot that the next one gets. */
  get tail(): number {
    return this.#tail;
  }

  /** How many there are. */
  get size(): number {
    return this.#tail - this.#head;
  }

  /** The slot of this key; of several the newest. */
  find(key: string): number | undefined {
    return this.#slots.get(key);
  }

  /** The key in a slot. */
  key(slot: number): string {
    return this.#keys[slot % this.#capacity]!;
  }

  /** A number of a slot, by its column. */
  get(slot: number, column: number): number {
    return this.#numbers[this.#columns * (slot % this.#capacity) + column]!;
  }

  /** Sets a number of a slot. */
  set(slot: number, column: number, value: number): void {
    this.#numbers[this.#columns * (slot % this.#capacity) + column] = value;
  }

  /** Sets a number of a slot and of all after it. */
  setFrom(slot: number, column: number, value: number): void {
    for (; slot < this.#tail; slot++) this.set(slot, column, value);
  }

  /** Adds a key with its numbers, by column. */
  add(key: string, numbers: readonly number[]): void {
    if (this.size === this.#capacity) this.#grow();
    const slot = this.#tail++;
    const place = slot % this.#capacity;
    this.#keys[place] = key;
    const at = this.#columns * place;
    for (let i = 0; i < this.#columns; i++) this.#numbers[at + i] = numbers[i]!;
    this.#slots.set(key, slot);
  }

  /** Removes the oldest one. */
  removeFirst(): void {
    const key = this.key(this.#head);
    // A key that was free again may stand for a newer write, too.
    if (this.#slots.get(key) === this.#head) this.#slots.delete(key);
    this.#keys[this.#head % this.#capacity] = "";
    this.#head++;
  }

  /** The first slot whose number in `column` is not below `value`; they must be in the order of that number. */
  firstFrom(column: number, value: number): number {
    let [low, high] = [this.#head, this.#tail];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.get(middle, column) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Removes all. */
  clear(): void {
    this.#slots.clear();
    this.#keys = [];
    this.#numbers = new Float64Array(this.#columns * FIRST_CAPACITY);
    this.#head = this.#tail = 0;
  }

  get #capacity(): number {
    return this.#numbers.length / this.#columns;
  }

  /** Slots keep their numbers, and so lie elsewhere. */
  #grow(): void {
    const capacity = this.#capacity;
    const columns = this.#columns;
    const numbers = new Float64Array(2 * this.#numbers.length);
    const keys: string[] = new Array(2 * capacity).fill("");
    for (let slot = this.#head; slot < this.#tail; slot++) {
      const [from, to] = [slot % capacity, slot % (2 * capacity)];
      const row = this.#numbers.subarray(columns * from, columns * (from + 1));
      numbers.set(row, columns * to);
      keys[to] = this.#keys[from]!;
    }
    this.#numbers = numbers;
    this.#keys = keys;
  }
}
