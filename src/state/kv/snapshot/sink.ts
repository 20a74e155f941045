import { createHash } from "node:crypto";
import type { SnapshotSink } from "../../port.ts";
import type { Pace } from "../pace.ts";
import type { SnapshotBytes } from "./bytes.ts";

/** Receives a snapshot. */
export class KvSnapshotSink implements SnapshotSink {
  readonly #bytes: SnapshotBytes;
  readonly #pace: Pace;
  readonly #hash = createHash("sha256");
  readonly #received: () => void;

  /** Writes into `bytes`; `received` is called once all of it has arrived as it was sent. */
  constructor(bytes: SnapshotBytes, pace: Pace, received: () => void) {
    this.#bytes = bytes;
    this.#pace = pace;
    this.#received = received;
  }

  /** See {@linkcode SnapshotSink.offset}. */
  get offset(): number {
    return this.#bytes.size;
  }

  /** See {@linkcode SnapshotSink.write}. */
  write(chunk: Uint8Array, done: (error: Error | null) => void): void {
    let failure: Error | null = null;
    try {
      this.#bytes.append(chunk);
      this.#hash.update(chunk);
    } catch (error) {
      failure = error as Error;
    }
    this.#pace.soon(() => done(failure));
  }

  /** See {@linkcode SnapshotSink.finish}. */
  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void {
    const { size } = this.#bytes;
    const same = size === expected.size &&
      this.#hash.digest("hex") === expected.sha256;
    if (same) this.#received();
    else this.#bytes.release();
    this.#pace.soon(() =>
      done(same ? null : new Error("The snapshot arrived damaged"))
    );
  }

  /** See {@linkcode SnapshotSink.abort}. */
  abort(): void {
    this.#bytes.release();
  }
}
