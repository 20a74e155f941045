/** Bytes that are read at once from a connection that never sent much. */
const LITTLE_BYTES = 2 * 1024;
/** And from one that did. */
const MUCH_BYTES = 16 * 1024;

/**
 * What a connection is read into, as long as the connection lasts. Most say
 * little, or nothing at all, and there may be a thousand of them.
 */
export class ReadBuffer {
  #bytes = new Uint8Array(LITTLE_BYTES);

  /** Where the next read goes; what was read before is overwritten. */
  get room(): Uint8Array {
    return this.#bytes;
  }

  /** The first `count` bytes of {@linkcode room} were read. Valid until the next read. */
  filled(count: number): Uint8Array {
    const filled = this.#bytes.subarray(0, count);
    const full = count === this.#bytes.length && count < MUCH_BYTES;
    if (full) this.#bytes = new Uint8Array(MUCH_BYTES);
    return filled;
  }
}
