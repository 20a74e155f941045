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

  /** The text of these bytes, if it is remembered. */
  find(bytes: Uint8Array): string | undefined {
    const slot = this.#slots[slotOf(bytes)];
    if (slot === undefined || slot.bytes.length !== bytes.length) return;
    for (let i = 0; i < bytes.length; i++) {
      if (slot.bytes[i] !== bytes[i]) return;
    }
    return slot.text;
  }

  /** Remembers a text in place of another one. */
  keep(bytes: Uint8Array, text: string): void {
    if (bytes.length > BYTES_MAX) return;
    this.#slots[slotOf(bytes)] = { bytes: bytes.slice(), text };
  }
}

/** Hashes a few bytes only: texts that differ elsewhere share a slot. */
function slotOf(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = length;
  for (let i = 1; i <= 4; i++) {
    hash = Math.imul(hash, 31) + (bytes[(length * i >> 2) - 1] ?? 0);
  }
  return hash & (SLOTS - 1);
}
