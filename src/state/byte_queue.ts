const PAGE_BYTES = 64 * 1024;

/**
 * Bytes that are appended at one end and given back at the other, in pages: memory of its own for each small piece
 * would cost ten times as much as the piece. Positions count all bytes that were ever appended.
 */
export class ByteQueue {
  #pages: Uint8Array<ArrayBuffer>[] = [];
  /** Where the first page begins. */
  #base = 0;
  #start = 0;
  #end = 0;

  /** Where the oldest byte is. */
  get start(): number {
    return this.#start;
  }

  /** Where the next byte goes. */
  get end(): number {
    return this.#end;
  }

  /** Copies bytes to the end. */
  append(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length;) {
      const at = this.#end - this.#base;
      const page = this.#pages[Math.floor(at / PAGE_BYTES)] ?? this.#addPage();
      const room = PAGE_BYTES - at % PAGE_BYTES;
      const piece = bytes.length <= room && done === 0
        ? bytes
        : bytes.subarray(done, done + room);
      page.set(piece, at % PAGE_BYTES);
      done += piece.length;
      this.#end += piece.length;
    }
  }

  /** A copy of the bytes from `start` to `end`. */
  slice(start: number, end: number): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(end - start);
    for (let done = 0; done < copy.length;) {
      const at = start + done - this.#base;
      const page = this.#pages[Math.floor(at / PAGE_BYTES)]!;
      const from = at % PAGE_BYTES;
      const piece = page.subarray(from, from + copy.length - done);
      copy.set(piece, done);
      done += piece.length;
    }
    return copy;
  }

  /** Gives back what is before `start`. */
  release(start: number): void {
    this.#start = start;
    while (start - this.#base >= PAGE_BYTES) {
      this.#pages.shift();
      this.#base += PAGE_BYTES;
    }
  }

  /** Gives all back. */
  clear(): void {
    this.#pages = [];
    this.#base = this.#start = this.#end = 0;
  }

  #addPage(): Uint8Array<ArrayBuffer> {
    const page = new Uint8Array(PAGE_BYTES);
    this.#pages.push(page);
    return page;
  }
}
