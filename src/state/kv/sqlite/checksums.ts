import { crc32 } from "node:zlib";
import { StateDamagedError } from "../../port.ts";
import { KEY_BYTES_MAX } from "../limits.ts";
import type { ByteKey } from "../types.ts";

/** Where the key begins: before it are number, deadline, version, kind and the checksum of the bytes. */
const KEY_AT = 29;

/** The key of a row that is read or written, and the checksum over all that the row says. */
export class RowScratch {
  #bytes = new Uint8Array(KEY_AT + KEY_BYTES_MAX);
  #view = new DataView(this.#bytes.buffer);
  #end = KEY_AT;

  /** Sets the key; its bytes are valid until the next one. */
  setKey(key: ByteKey): Uint8Array {
    const { length } = key;
    this.#room(length);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[KEY_AT + i] = key.charCodeAt(i);
    return bytes.subarray(KEY_AT, this.#end);
  }

  /** The same for a key that was found. */
  setFoundKey(key: Uint8Array): void {
    this.#room(key.length);
    this.#bytes.set(key, KEY_AT);
  }

  /** The checksum of an entry with the present key. */
  entryCrc(
    number: number,
    deadlineMs: number,
    version: number,
    kind: number,
    bytesCrc: number,
  ): number {
    const view = this.#view;
    view.setFloat64(0, number);
    view.setFloat64(8, deadlineMs);
    view.setFloat64(16, version);
    view.setUint8(24, kind);
    view.setUint32(25, bytesCrc);
    return crc32(this.#bytes.subarray(0, this.#end));
  }

  /** The checksum of a counter with the present key. */
  counterCrc(number: number, deadlineMs: number, value: bigint): number {
    const view = this.#view;
    view.setFloat64(0, number);
    view.setFloat64(8, deadlineMs);
    view.setBigInt64(16, value);
    view.setUint8(24, 0xff);
    view.setUint32(25, 0);
    return crc32(this.#bytes.subarray(0, this.#end));
  }

  /** A damaged row may have a key that is longer than any. */
  #room(length: number): void {
    this.#end = KEY_AT + length;
    if (this.#end <= this.#bytes.length) return;
    this.#bytes = new Uint8Array(this.#end);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** What is thrown if what was read is not what was written. */
export function damagedRow(what: string): StateDamagedError {
  return new StateDamagedError(
    `The caches' file is damaged: ${what} is not as it was written`,
  );
}
