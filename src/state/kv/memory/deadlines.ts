import type { ByteKey } from "../types.ts";
import type { Slots } from "./slots.ts";

const FIRST_CAPACITY = 16;

/** A key and its deadline. */
export interface DueKey {
  readonly key: ByteKey;
  readonly deadlineMs: number;
}

/**
 * The keys of one space that have a deadline, in a heap that knows the place of each: what is removed or changed
 * leaves nothing behind, so that a key which is written ever again costs no memory.
 */
export class Deadlines {
  readonly #slots: Slots;
  #size = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #owners = new Int32Array(FIRST_CAPACITY);
  #keys: ByteKey[] = [];

  /** Of what is in `slots`. */
  constructor(slots: Slots) {
    this.#slots = slots;
  }

  /** The earliest; `Infinity` if there is none. */
  get first(): number {
    return this.#size === 0 ? Infinity : this.#times[0]!;
  }

  /** Adds a slot, which has a deadline. */
  add(slot: number, key: ByteKey): void {
    if (this.#size === this.#times.length) this.#grow();
    const at = this.#size++;
    this.#times[at] = this.#slots.deadline(slot);
    this.#owners[at] = slot;
    this.#keys[at] = key;
    this.#rise(at);
  }

  /** Removes a slot; without effect if it has no deadline. */
  remove(slot: number): void {
    const at = this.#slots.place(slot);
    if (at < 0) return;
    this.#slots.setPlace(slot, -1);
    const last = --this.#size;
    const moved = at !== last;
    if (moved) this.#move(last, at);
    this.#keys.pop();
    if (!moved) return;
    if (at > 0 && this.#before(at, at - 1 >>> 1)) this.#rise(at);
    else this.#sink(at);
  }

  /** The first ones up to `nowMs`, by deadline, then key. */
  due(nowMs: number, limit: number): DueKey[] {
    const due: DueKey[] = [];
    // The next one is always among those whose parents were taken.
    const next = this.first <= nowMs ? [0] : [];
    while (next.length > 0 && due.length < limit) {
      const at = next.pop()!;
      due.push({ key: this.#keys[at]!, deadlineMs: this.#times[at]! });
      for (let child = 2 * at + 1; child <= 2 * at + 2; child++) {
        if (child < this.#size && this.#times[child]! <= nowMs) {
          this.#insert(next, child);
        }
      }
    }
    return due;
  }

  /** Puts a place where it belongs among places, the first one last. */
  #insert(places: number[], place: number): void {
    let [low, high] = [0, places.length];
    while (low < high) {
      const middle = low + high >>> 1;
      if (this.#before(place, places[middle]!)) low = middle + 1;
      else high = middle;
    }
    places.splice(low, 0, place);
  }

  #before(a: number, b: number): boolean {
    const times = this.#times[a]! - this.#times[b]!;
    return times !== 0 ? times < 0 : this.#keys[a]! < this.#keys[b]!;
  }

  #rise(at: number): void {
    while (at > 0) {
      const parent = at - 1 >>> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
    this.#slots.setPlace(this.#owners[at]!, at);
  }

  #sink(at: number): void {
    for (;;) {
      let child = 2 * at + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(child + 1, child)) child++;
      if (!this.#before(child, at)) break;
      this.#swap(at, child);
      at = child;
    }
    this.#slots.setPlace(this.#owners[at]!, at);
  }

  /** Swaps two; the one that comes to `from` knows its place then. */
  #swap(from: number, to: number): void {
    const time = this.#times[from]!;
    const owner = this.#owners[from]!;
    const key = this.#keys[from]!;
    this.#move(to, from);
    this.#slots.setPlace(this.#owners[from]!, from);
    this.#times[to] = time;
    this.#owners[to] = owner;
    this.#keys[to] = key;
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!;
    this.#owners[to] = this.#owners[from]!;
    this.#keys[to] = this.#keys[from]!;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    const times = new Float64Array(capacity);
    const owners = new Int32Array(capacity);
    times.set(this.#times);
    owners.set(this.#owners);
    this.#times = times;
    this.#owners = owners;
  }
}
