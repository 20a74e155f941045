import type { RankedBy, Slots } from "./slots.ts";

/** Places of one piece of the heap's arrays, a power of two. */
const PIECE_BITS = 13;
const PIECE = 2 ** PIECE_BITS;
const FIRST_PLACES = 16;
/** Each one stands before so many others. */
const CHILDREN = 4;
const NOWHERE = -1;

/**
 * Slots by a number each, the smallest first: a heap in which each slot knows its place, so that what is
 * removed or gets another number leaves nothing behind, and what is written ever again costs no memory. It
 * grows by pieces, so that nothing is moved for it.
 */
export class Ranking {
  readonly #slots: Slots;
  readonly #by: RankedBy;
  #size = 0;
  readonly #numbers: Float64Array[] = [];
  readonly #owners: Int32Array[] = [];
  #room = 0;

  /** Of what is in `slots`. */
  constructor(slots: Slots, by: RankedBy) {
    this.#slots = slots;
    this.#by = by;
  }

  /** The smallest number; `Infinity` if there is none. */
  get first(): number {
    return this.#size === 0 ? Infinity : this.#numbers[0]![0]!;
  }

  /** The slot with the smallest number; -1 if there is none. */
  get firstSlot(): number {
    return this.#size === 0 ? -1 : this.#owners[0]![0]!;
  }

  /** Adds a slot, or gives it another number. */
  set(slot: number, number: number): void {
    let at = this.#slots.place(slot, this.#by);
    if (at !== NOWHERE) {
      if (number >= this.#number(at)) return this.#sink(at, slot, number);
    } else {
      at = this.#size++;
      if (at === this.#room) this.#grow();
    }
    this.#rise(at, slot, number);
  }

  /** Removes a slot; without effect if it is not here. */
  remove(slot: number): void {
    const at = this.#slots.place(slot, this.#by);
    if (at === NOWHERE) return;
    this.#slots.setPlace(slot, this.#by, NOWHERE);
    const end = --this.#size;
    if (at === end) return;
    const [last, number] = [this.#owner(end), this.#number(end)];
    if (number >= this.#number(at)) this.#sink(at, last, number);
    else this.#rise(at, last, number);
  }

  /** Has a slot stand where another one stood, with its number. */
  replace(old: number, slot: number): void {
    const at = this.#slots.place(old, this.#by);
    if (at === NOWHERE) return;
    this.#slots.setPlace(old, this.#by, NOWHERE);
    this.#put(at, slot, this.#number(at));
  }

  /** Some slots with the smallest numbers up to `most`, in no order: so many, and all whose number is that of the largest of them. */
  upTo(most: number, limit: number): number[] {
    const largest = this.#largestOf(most, limit);
    const found: number[] = [];
    if (this.first > largest) return found;
    const next = [0];
    while (next.length > 0) {
      const at = next.pop()!;
      found.push(this.#owner(at));
      const end = Math.min(CHILDREN * at + CHILDREN, this.#size - 1);
      for (let child = CHILDREN * at + 1; child <= end; child++) {
        if (this.#number(child) <= largest) next.push(child);
      }
    }
    return found;
  }

  /** The largest of the `limit` smallest numbers up to `most`; `most` if there are fewer. */
  #largestOf(most: number, limit: number): number {
    // The next one is always among those whose parents were taken.
    const next = this.first <= most ? [0] : [];
    for (let left = limit; next.length > 0; left--) {
      const at = next.pop()!;
      if (left <= 1) return this.#number(at);
      const end = Math.min(CHILDREN * at + CHILDREN, this.#size - 1);
      for (let child = CHILDREN * at + 1; child <= end; child++) {
        if (this.#number(child) <= most) this.#insert(next, child);
      }
    }
    return most;
  }

  /** Puts a place where it belongs among places, the first one last. */
  #insert(places: number[], place: number): void {
    const number = this.#number(place);
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = low + high >>> 1;
      if (number < this.#number(places[middle]!)) low = middle + 1;
      else high = middle;
    }
    places.splice(low, 0, place);
  }

  #rise(at: number, slot: number, number: number): void {
    while (at > 0) {
      const parent = (at - 1) / CHILDREN | 0;
      const above = this.#number(parent);
      if (number >= above) break;
      this.#put(at, this.#owner(parent), above);
      at = parent;
    }
    this.#put(at, slot, number);
  }

  #sink(at: number, slot: number, number: number): void {
    for (;;) {
      let child = CHILDREN * at + 1;
      if (child >= this.#size) break;
      const end = Math.min(child + CHILDREN, this.#size);
      let smallest = this.#number(child);
      for (let other = child + 1; other < end; other++) {
        const rival = this.#number(other);
        if (rival < smallest) [child, smallest] = [other, rival];
      }
      if (smallest >= number) break;
      this.#put(at, this.#owner(child), smallest);
      at = child;
    }
    this.#put(at, slot, number);
  }

  #put(at: number, slot: number, number: number): void {
    this.#numbers[at >>> PIECE_BITS]![at & PIECE - 1] = number;
    this.#owners[at >>> PIECE_BITS]![at & PIECE - 1] = slot;
    this.#slots.setPlace(slot, this.#by, at);
  }

  #number(at: number): number {
    return this.#numbers[at >>> PIECE_BITS]![at & PIECE - 1]!;
  }

  #owner(at: number): number {
    return this.#owners[at >>> PIECE_BITS]![at & PIECE - 1]!;
  }

  #grow(): void {
    const whole = this.#room >= PIECE;
    const places = whole ? PIECE : Math.max(FIRST_PLACES, 2 * this.#room);
    const numbers = new Float64Array(places);
    const owners = new Int32Array(places);
    if (!whole && this.#room > 0) {
      numbers.set(this.#numbers.pop()!);
      owners.set(this.#owners.pop()!);
      this.#room = 0;
    }
    this.#numbers.push(numbers);
    this.#owners.push(owners);
    this.#room += places;
  }
}
