import type { SnapshotBytes } from "../../../src/state/kv/snapshot/bytes.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";

/** The bytes of a snapshot; `later` says when a read is answered. */
export class Bytes implements SnapshotBytes {
  readonly #later: (read: () => void) => void;
  readonly #writer = new ByteWriter();

  constructor(later: (read: () => void) => void) {
    this.#later = later;
  }

  get size(): number {
    return this.#writer.length;
  }

  append(chunk: Uint8Array): void {
    this.#writer.raw(chunk);
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    this.#later(() => {
      const end = offset + length;
      done(null, this.#writer.view().slice(offset, end));
    });
  }

  release(): void {}

  /** A copy of all of them. */
  all(): Uint8Array {
    return this.#writer.finish();
  }
}
