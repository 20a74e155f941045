/** A power of two. */
const SLOTS = 256;
const BYTES_MAX = 2048;

interface Slot {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/**
 * Texts that were decoded lately. Comparing bytes costs less than decoding them,
 * and the same string object again is found in a `Map` without hashing it anew.
 * Holds at most half a megabyte of encoded text.
 */
export class TextMemo {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS);

  /** The text of the bytes from `start` to `end`, if it is remembered. */
  find(
    bytes: Uint8Array,
    start = 0,
    end: number = bytes.length,
  ): string | undefined {
    const slot = this.#slots[slotOf(bytes, start, end)];
    const length = end - start;
    if (slot === undefined || slot.bytes.length !== length) return;
    for (let i = 0; i < length; i++) {
      if (slot.bytes[i] !== bytes[start + i]) return;
    }
    return slot.text;
  }

  /** Remembers a text in place of another one. */
  keep(bytes: Uint8Array, text: string): void {
    if (bytes.length > BYTES_MAX) return;
    const slot = slotOf(bytes, 0, bytes.length);
    this.#slots[slot] = { bytes: bytes.slice(), text };
  }
}

/** Hashes a few bytes only: texts that differ elsewhere share a slot. */
function slotOf(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let hash = length;
  for (let i = 1; i <= 4; i++) {
    const at = (length * i >> 2) - 1;
    hash = Math.imul(hash, 31) + (at < 0 ? 0 : bytes[start + at]!);
  }
  return hash & (SLOTS - 1);
}
