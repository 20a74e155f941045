import { assert } from "../../../util/assert.ts";

/** Bytes of a page. */
const PAGE_BYTES = 1024 * 1024;
/** Slots lie at multiples of this, so that a slot's number has a page's worth of bits less. */
const UNIT = 16;
const UNITS = PAGE_BYTES / UNIT;
const UNIT_BITS = 16;
/** So many pages give slots numbers below 2^31, which fit into 32 bits with a sign. */
const PAGES_MAX = 2 ** 15;
/** Empty pages that are kept for what comes next. */
const SPARE_PAGES = 8;
const NONE = -1;

/** A page, which holds slots of one size. */
export interface Page {
  readonly number: number;
  readonly bytes: Uint8Array;
  /** The same memory as numbers. */
  readonly floats: Float64Array;
  readonly words: Int32Array;
  readonly integers: BigInt64Array;
  /** The size that its slots have now, by its place. */
  size: number;
  /** Slots in use. */
  live: number;
  /** Where the next slot is that was never used. */
  fresh: number;
  /** The first of those that were given back, by their offsets; each holds the next one in its first bytes. */
  free: number;
  /** Its place among pages of its size with room; -1 if it is full. */
  listed: number;
}

/** The largest slot, bytes. */
const SLOT_BYTES_MAX = 80 * 1024;

/**
 * Memory for many small things: pages of a mebibyte, each cut into slots of one size. Four sizes for each
 * doubling, so that a slot is at most a quarter larger than what it holds. A slot is a number: the
 * page's, and the place in it. To take one and to give it back costs the same however many there are.
 */
export class Pages {
  readonly #pages: (Page | undefined)[] = [];
  /** Numbers of pages that are not there. */
  readonly #vacant: number[] = [];
  /** Pages with room, for each size. */
  readonly #roomy: Page[][] = [];
  readonly #spare: Page[] = [];
  #count = 0;

  /** Pages that hold something or are kept for it. */
  get count(): number {
    return this.#count;
  }

  /** The page that a slot is in. */
  pageOf(slot: number): Page {
    return this.#pages[slot >>> UNIT_BITS]!;
  }

  /** Takes a slot of `bytes` bytes, at most 80 KiB. */
  take(bytes: number): number {
    assert(bytes <= SLOT_BYTES_MAX, "too large for a page");
    const size = sizeFor(bytes);
    const roomy = this.#roomy[size] ??= [];
    const page = roomy.at(-1) ?? this.#open(size, roomy);
    let offset = page.free;
    if (offset === NONE) {
      offset = page.fresh;
      page.fresh += sizeBytes(size);
    } else {
      page.free = page.words[offset >>> 2]!;
    }
    page.live++;
    if (page.free === NONE && page.fresh + sizeBytes(size) > PAGE_BYTES) {
      roomy.pop();
      page.listed = NONE;
    }
    return page.number << UNIT_BITS | offset / UNIT;
  }

  /** Whether `bytes` bytes would get a slot of this one's size. */
  fits(slot: number, bytes: number): boolean {
    return sizeFor(bytes) === this.pageOf(slot).size;
  }

  /** Gives a slot back. */
  give(slot: number): void {
    const page = this.pageOf(slot);
    const offset = offsetOf(slot);
    page.words[offset >>> 2] = page.free;
    page.free = offset;
    page.live--;
    const roomy = this.#roomy[page.size]!;
    if (page.listed === NONE) {
      page.listed = roomy.length;
      roomy.push(page);
    }
    // One page of a size stays, so that a lone slot may come and go at little cost.
    if (page.live === 0 && roomy.length > 1) this.#close(page, roomy);
  }

  #open(size: number, roomy: Page[]): Page {
    const page = this.#spare.pop() ?? this.#create();
    page.size = size;
    page.listed = roomy.length;
    roomy.push(page);
    return page;
  }

  #create(): Page {
    const number = this.#vacant.pop() ?? this.#pages.length;
    assert(number < PAGES_MAX, "caches above 32 GiB in memory");
    const memory = new ArrayBuffer(PAGE_BYTES);
    const page: Page = {
      number,
      bytes: new Uint8Array(memory),
      floats: new Float64Array(memory),
      words: new Int32Array(memory),
      integers: new BigInt64Array(memory),
      size: 0,
      live: 0,
      fresh: 0,
      free: NONE,
      listed: NONE,
    };
    this.#count++;
    return this.#pages[number] = page;
  }

  #close(page: Page, roomy: Page[]): void {
    const last = roomy.pop()!;
    if (last !== page) {
      roomy[page.listed] = last;
      last.listed = page.listed;
    }
    page.listed = NONE;
    page.fresh = 0;
    page.free = NONE;
    if (this.#spare.length < SPARE_PAGES) {
      this.#spare.push(page);
      return;
    }
    this.#count--;
    this.#pages[page.number] = undefined;
    this.#vacant.push(page.number);
  }
}

/** Where a slot begins in its page. */
export function offsetOf(slot: number): number {
  return (slot & UNITS - 1) * UNIT;
}

/** The size of a slot for so many bytes, counted from the smallest: up to 128 in steps of 16, then four for each doubling. */
function sizeFor(bytes: number): number {
  if (bytes <= 128) return bytes <= UNIT ? 0 : (bytes - 1 >>> 4);
  const doubling = 31 - Math.clz32(bytes - 1);
  const quarter = bytes - 1 >>> doubling - 2 & 3;
  return 8 + (doubling - 7) * 4 + quarter;
}

function sizeBytes(size: number): number {
  if (size < 8) return (size + 1) * UNIT;
  const doubling = (size - 8 >>> 2) + 7;
  return 5 + (size & 3) << doubling - 2;
}
