import { MalformedBytesError } from "../../util/bytes.ts";
import { RECORD_LENGTH_BYTES } from "./seal.ts";

/** Room that is offered at least, bytes. */
const ROOM_BYTES = 1024;

/** Finds records behind their lengths (u32, little-endian) in what a connection delivers. */
export class RecordReader {
  #buffer: Uint8Array;
  #recordBytes: number;
  #start = 0;
  #end = 0;

  /** Holds `bufferBytes`, more only for a record that needs it; none may be longer than `recordBytes`. Begins with `first`. */
  constructor(bufferBytes: number, recordBytes: number, first: Uint8Array) {
    this.#buffer = new Uint8Array(Math.max(bufferBytes, first.length));
    this.#buffer.set(first);
    this.#end = first.length;
    this.#recordBytes = recordBytes;
  }

  /** What is not taken yet. */
  get rest(): Uint8Array {
    return this.#buffer.slice(this.#start, this.#end);
  }

  /** Where the next bytes belong; tell {@linkcode filled} how many came. */
  room(): Uint8Array {
    if (this.#start === this.#end) this.#start = this.#end = 0;
    const needed = this.#missing();
    if (this.#buffer.length - this.#end < needed) this.#makeRoom(needed);
    return this.#buffer.subarray(this.#end);
  }

  /** So many bytes came. */
  filled(count: number): void {
    this.#end += count;
  }

  /**
   * The next whole record, valid until {@linkcode room} is called; null if it is not there yet.
   * @throws {MalformedBytesError} as soon as a longer one is announced: no memory is taken for it.
   */
  next(): Uint8Array | null {
    const length = this.#announced();
    if (length === null) return null;
    const from = this.#start + RECORD_LENGTH_BYTES;
    if (this.#end - from < length) return null;
    this.#start = from + length;
    return this.#buffer.subarray(from, from + length);
  }

  #announced(): number | null {
    if (this.#end - this.#start < RECORD_LENGTH_BYTES) return null;
    const view = new DataView(
      this.#buffer.buffer,
      this.#start,
      RECORD_LENGTH_BYTES,
    );
    const length = view.getUint32(0, true);
    if (length <= this.#recordBytes) return length;
    throw new MalformedBytesError(
      `a record has at most ${this.#recordBytes} bytes, announced ${length}`,
    );
  }

  #missing(): number {
    const length = this.#announced();
    if (length === null) return ROOM_BYTES;
    return Math.max(
      1,
      RECORD_LENGTH_BYTES + length - (this.#end - this.#start),
    );
  }

  #makeRoom(needed: number): void {
    const held = this.#end - this.#start;
    const old = this.#buffer;
    if (held + needed > old.length) {
      this.#buffer = new Uint8Array(held + needed);
    }
    this.#buffer.set(old.subarray(this.#start, this.#end));
    this.#start = 0;
    this.#end = held;
  }
}
