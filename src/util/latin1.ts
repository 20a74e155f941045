/** Up to this length a loop over characters beats a call of the platform's encoder or decoder, and they are gathered in lists that are kept. */
export const SHORT_TEXT = 64;
/** So many arguments any call can take. */
const PIECE = 4096;
/** What {@linkcode shortAsciiBytes} gives shares buffers of this size. */
const SLAB_BYTES = 16 * 1024;

/** A list for each length: texts of one length are made of it one after the other. */
const lists: number[][] = Array.from(
  { length: SHORT_TEXT + 1 },
  (_, length) => new Array<number>(length).fill(0),
);

/** The text whose characters are these bytes, 0 to 255 each. */
export function latin1(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string {
  const length = end - start;
  if (length > SHORT_TEXT) return long(bytes, start, end);
  // A typed array, and a view of one, would cost several times as much.
  const list = lists[length]!;
  for (let i = 0; i < length; i++) list[i] = bytes[start + i]!;
  return String.fromCharCode.apply(null, list);
}

/** The text of bytes that are few and all ASCII; null for others. */
export function shortAscii(
  bytes: Uint8Array,
  start = 0,
  end: number = bytes.length,
): string | null {
  const length = end - start;
  if (length > SHORT_TEXT) return null;
  const list = lists[length]!;
  let bits = 0;
  for (let i = 0; i < length; i++) bits |= list[i] = bytes[start + i]!;
  return bits > 127 ? null : String.fromCharCode.apply(null, list);
}

let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/**
 * The bytes of a text that is short and all ASCII; null for others. What {@linkcode shortAscii} makes a text of again.
 * They share buffers, since memory of their own costs four times as much as what it holds. Never transfer them.
 */
export function shortAsciiBytes(text: string): Uint8Array | null {
  const { length } = text;
  if (length > SHORT_TEXT) return null;
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const start = slabUsed;
  let bits = 0;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    bits |= code;
    slab[start + i] = code;
  }
  if (bits > 127) return null;
  slabUsed += length;
  return slab.subarray(start, slabUsed);
}

function long(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += PIECE) {
    const piece = bytes.subarray(at, Math.min(end, at + PIECE));
    text += String.fromCharCode.apply(null, piece as unknown as number[]);
  }
  return text;
}
