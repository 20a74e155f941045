const PIECE_BYTES = 1024 * 1024;

/** The bytes of one snapshot, which are written once and read by offset. */
export interface SnapshotBytes {
  /** How many there are so far. */
  readonly size: number;
  /** Adds bytes at the end; they are copied or written. */
  append(chunk: Uint8Array): void;
  /** Reads `length` bytes at `offset`, fewer at the end. */
  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void;
  /** Gives them up; idempotent. */
  release(): void;
}

/** Where snapshots are kept until they are released. */
export interface SnapshotSpace {
  /** A place for the bytes of another one. */
  open(): SnapshotBytes;
}

/** Snapshots in memory. */
export const MEMORY_SPACE: SnapshotSpace = {
  open: () => new MemorySnapshotBytes(),
};

class MemorySnapshotBytes implements SnapshotBytes {
  readonly #pieces: Uint8Array[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  append(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const at = this.#size % PIECE_BYTES;
      if (at === 0) this.#pieces.push(new Uint8Array(PIECE_BYTES));
      const part = chunk.subarray(from, from + PIECE_BYTES - at);
      this.#pieces.at(-1)!.set(part, at);
      this.#size += part.length;
      from += part.length;
    }
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    const end = Math.min(offset + length, this.#size);
    const chunk = new Uint8Array(Math.max(end - offset, 0));
    for (let at = offset; at < end;) {
      const from = at % PIECE_BYTES;
      const piece = this.#pieces[Math.floor(at / PIECE_BYTES)]!;
      const part = piece.subarray(from, from + end - at);
      chunk.set(part, at - offset);
      at += part.length;
    }
    queueMicrotask(() => done(null, chunk));
  }

  release(): void {
    this.#pieces.length = 0;
    this.#size = 0;
  }
}
