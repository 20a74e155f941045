import { assert, fail } from "./assert.ts";
import { latin1, SHORT_TEXT, shortAscii } from "./latin1.ts";
import type { TextMemo } from "./text_memo.ts";

/** Four times seven bits. */
const LOW_RANGE = 2 ** 28;

/** A writer that grew beyond this gives its buffer back at its next reset. */
const KEPT_BYTES = 64 * 1024;

/** Results of {@linkcode encodeShared} up to `SHARED_BYTES` share buffers of this size. */
const SLAB_BYTES = 16 * 1024;
const SHARED_BYTES = 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The shared empty array. */
export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Thrown by {@linkcode ByteReader} for input that is not what was written. */
export class MalformedBytesError extends Error {
  override readonly name = "MalformedBytesError";
}

/** Appends little-endian fields to a buffer that grows by doubling. */
export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  /** Starts with room for `capacity` bytes. */
  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Appends one byte. */
  u8(value: number): this {
    assert((value & 0xff) === value, "not an unsigned 8-bit integer");
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  /** Appends an unsigned 32-bit integer. */
  u32(value: number): this {
    assert(value >>> 0 === value, "not an unsigned 32-bit integer");
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
    return this;
  }

  /** Overwrites an unsigned 32-bit integer at an offset written before. */
  patchU32(offset: number, value: number): void {
    assert(offset + 4 <= this.#length, "patch beyond what was written");
    this.#view.setUint32(offset, value, true);
  }

  /** Appends a safe integer `0 … 2^53 - 1` in eight bytes. */
  u53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) fail(`not a u53: ${value}`);
    this.#reserve(8);
    this.#view.setUint32(this.#length, value >>> 0, true);
    this.#view.setUint32(this.#length + 4, Math.floor(value / 2 ** 32), true);
    this.#length += 8;
    return this;
  }

  /** Appends a signed 64-bit integer. */
  i64(value: bigint): this {
    this.#reserve(8);
    this.#view.setBigInt64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** Appends a 64-bit float. */
  f64(value: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
    return this;
  }

  /** Appends a safe integer from 0 on, seven bits a byte: most of them are short. */
  natural(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      fail(`not a natural number: ${value}`);
    }
    this.#reserve(8);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value;
    if (value >= LOW_RANGE) {
      // What is left fits into 32 bits, which cost less than fractions.
      let low = value & LOW_RANGE - 1;
      rest = (value - low) / LOW_RANGE;
      for (let i = 0; i < 4; i++, low >>>= 7) bytes[at++] = low & 0x7f | 0x80;
    }
    for (; rest >= 0x80; rest >>>= 7) bytes[at++] = rest & 0x7f | 0x80;
    bytes[at++] = rest;
    this.#length = at;
    return this;
  }

  /** Appends the characters of a text, 0 to 255, a byte each. */
  latin1(value: string): this {
    const { length } = value;
    this.#reserve(length);
    const at = this.#length;
    for (let i = 0; i < length; i++) this.#bytes[at + i] = value.charCodeAt(i);
    this.#length = at + length;
    return this;
  }

  /** Appends bytes behind their length (u32). */
  bytes(value: Uint8Array): this {
    return this.u32(value.length).raw(value);
  }

  /** Appends bytes as they are, from `start` to `end`. */
  raw(value: Uint8Array, start = 0, end: number = value.length): this {
    this.#reserve(end - start);
    const to = this.#bytes;
    let at = this.#length;
    this.#length += end - start;
    if (end - start > SHORT_TEXT) to.set(value.subarray(start, end), at);
    else for (let i = start; i < end; i++) to[at++] = value[i]!;
    return this;
  }

  /** Appends UTF-8 text behind its length in bytes (u32). */
  text(value: string): this {
    this.#reserve(4 + value.length * 3);
    const at = this.#length + 4;
    const written = this.#ascii(value, at) ? value.length : encoder.encodeInto(
      value,
      this.#bytes.subarray(at),
    ).written;
    this.#view.setUint32(this.#length, written, true);
    this.#length = at + written;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length) as Uint8Array<ArrayBuffer>;
  }

  /** What was written, valid until the next write or {@linkcode reset}. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Copies what was written to `target`, from `at` on. */
  copyTo(target: Uint8Array, at: number): void {
    const length = this.#length;
    if (length > SHORT_TEXT) return target.set(this.view(), at);
    for (let i = 0; i < length; i++) target[at + i] = this.#bytes[i]!;
  }

  /** Forgets what was written and keeps the buffer unless it is bigger than `keptBytes`. */
  reset(keptBytes = KEPT_BYTES): this {
    this.#length = 0;
    if (this.#bytes.length > keptBytes) this.#replace(new Uint8Array(256));
    return this;
  }

  /** Writes a short text of ASCII characters; false if it is not one. */
  #ascii(value: string, at: number): boolean {
    if (value.length > SHORT_TEXT) return false;
    for (let i = 0; i < value.length; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      this.#bytes[at + i] = code;
    }
    return true;
  }

  #replace(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#replace(grown);
  }
}

let spare: ByteWriter | null = null;
let slab = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** The bytes that `write` wrote, by a shared writer: cheaper than a new one each time. */
export function encode(
  write: (writer: ByteWriter) => void,
): Uint8Array<ArrayBuffer> {
  return withWriter(write, (writer) => writer.finish());
}

/**
 * The same, for many small results that live equally long: they share buffers,
 * since an `ArrayBuffer` each costs more than what it holds. Never transfer them.
 */
export function encodeShared(
  write: (writer: ByteWriter) => void,
): Uint8Array<ArrayBuffer> {
  return withWriter(write, sharedBytes);
}

function withWriter<T>(
  write: (writer: ByteWriter) => void,
  take: (writer: ByteWriter) => T,
): T {
  // Taken, so that a `write` which ends up here again gets another one.
  const writer = spare ?? new ByteWriter(1024);
  spare = null;
  try {
    write(writer);
    return take(writer);
  } finally {
    spare = writer.reset();
  }
}

/** What a writer holds, as {@linkcode encodeShared} gives it. */
export function sharedBytes(writer: ByteWriter): Uint8Array<ArrayBuffer> {
  const { length } = writer;
  if (length > SHARED_BYTES) return writer.finish();
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  writer.copyTo(slab, slabUsed);
  slabUsed += length;
  return slab.subarray(slabUsed - length, slabUsed);
}

/** Reads what {@linkcode ByteWriter} wrote; every overrun is a {@linkcode MalformedBytesError}. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset: number;

  /** Reads `bytes` from `offset` on. */
  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes;
    this.#offset = offset;
  }

  /** Where the next field starts. */
  get offset(): number {
    return this.#offset;
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** Reads one byte. */
  u8(): number {
    return this.#bytes[this.#take(1)]!;
  }

  /** Reads an unsigned 32-bit integer. */
  u32(): number {
    return this.#u32At(this.#take(4));
  }

  /** Reads a safe integer. */
  u53(): number {
    const at = this.#take(8);
    const value = this.#u32At(at) + this.#u32At(at + 4) * 2 ** 32;
    if (!Number.isSafeInteger(value)) {
      throw new MalformedBytesError(`integer above 2^53 - 1 at ${at}`);
    }
    return value;
  }

  /** Reads what {@linkcode ByteWriter.natural} wrote; what is above `max`, or written in a longer way, is malformed. */
  natural(max: number = Number.MAX_SAFE_INTEGER): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#take(1)]!;
    if (byte < 0x80 && byte <= max) return byte;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = bytes[this.#take(1)]!;
      value += (byte & 0x7f) * scale;
      if (value > max) break;
    }
    if (value > max || byte === 0) {
      throw new MalformedBytesError(
        `not a natural number up to ${max}, before ${this.#offset}`,
      );
    }
    return value;
  }

  /** Reads `count` bytes as a text, a character (0 to 255) each. */
  latin1(count: number): string {
    const at = this.#take(count);
    return latin1(this.#bytes, at, at + count);
  }

  /** Reads a signed 64-bit integer. */
  i64(): bigint {
    return this.#view().getBigInt64(this.#take(8), true);
  }

  /** Reads a 64-bit float. */
  f64(): number {
    return this.#view().getFloat64(this.#take(8), true);
  }

  /** Reads bytes behind their length; a view into the input. */
  bytes(): Uint8Array {
    return this.raw(this.u32());
  }

  /** Reads `count` bytes; a view into the input. */
  raw(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** Reads UTF-8 text behind its length; with a memo, texts that often come again are found there. */
  text(memo?: TextMemo): string {
    const length = this.u32();
    const at = this.#take(length);
    // A view of the bytes costs more than a short text.
    const known = memo === undefined
      ? shortAscii(this.#bytes, at, at + length)
      : memo.find(this.#bytes, at, at + length) ?? null;
    if (known !== null) return known;
    const bytes = this.#bytes.subarray(at, at + length);
    try {
      const text = decoder.decode(bytes);
      memo?.keep(bytes, text);
      return text;
    } catch {
      throw new MalformedBytesError(`invalid UTF-8 before ${this.#offset}`);
    }
  }

  /** Throws unless everything was read. */
  end(): void {
    if (this.remaining !== 0) {
      throw new MalformedBytesError(`${this.remaining} bytes too many`);
    }
  }

  #u32At(at: number): number {
    const bytes = this.#bytes;
    return (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 |
      bytes[at + 3]! << 24) >>> 0;
  }

  #view(): DataView {
    const { buffer, byteOffset, byteLength } = this.#bytes;
    return new DataView(buffer, byteOffset, byteLength);
  }

  #take(count: number): number {
    const at = this.#offset;
    if (at + count > this.#bytes.length) {
      throw new MalformedBytesError(
        `need ${count} bytes at ${at}, have ${this.#bytes.length - at}`,
      );
    }
    this.#offset = at + count;
    return at;
  }
}

/** Pieces of `length` bytes in all as one. */
export function joinedBytes(
  pieces: readonly Uint8Array[],
  length: number,
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
