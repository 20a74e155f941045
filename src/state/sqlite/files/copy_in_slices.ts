import { closeSync, fdatasyncSync, openSync } from "node:fs";
import type { SqliteConnection } from "../driver/driver.ts";

/** After each slice the copy rests so many times as long as the slice took. */
const REST_FACTOR = 1;
/** A disk that is stuck is not waited for twice as long, ms. */
const REST_MS_MAX = 250;

/**
 * Copies what the open transaction of `source` sees to a new file, so that others feel little of it: a slice at a time, each
 * of them on the disk before the next one, and with a rest after it. A gigabyte that is flushed in one go at the end
 * holds up every fsync of the same disk for as long. Blocks the thread.
 */
export async function copyInSlices(
  source: SqliteConnection,
  target: string,
): Promise<void> {
  const slices = new Slices(target);
  try {
    await source.backup(target, () => slices.end());
  } finally {
    slices.close();
  }
  // The system says once what it could not write.
  if (slices.failure !== null) throw slices.failure;
}

/** The slices of a copy into a file. */
class Slices {
  readonly #path: string;
  #file: number | null = null;
  #begun = performance.now();
  /** Why a slice is not on the disk; the driver takes no error from here. */
  failure: Error | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** One was written. */
  end(): void {
    try {
      this.#file ??= openSync(this.#path, "r");
      fdatasyncSync(this.#file);
    } catch (error) {
      this.failure ??= error as Error;
    }
    const took = performance.now() - this.#begun;
    blockFor(Math.min(REST_FACTOR * took, REST_MS_MAX));
    this.#begun = performance.now();
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file);
  }
}

/** Stands still; nothing else runs on this thread meanwhile. */
export function blockFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
