import type { StateHash } from "./port.ts";

/** Hashes that are kept for comparison with other members. */
const KEPT = 64;

/** Checksums of the state at some of the last indexes. */
export class StateHashes {
  #latest: readonly StateHash[] = [];

  /** By index, rising. */
  get latest(): readonly StateHash[] {
    return this.#latest;
  }

  /** Adds the next ones; of two at one index the later counts. */
  add(hashes: readonly StateHash[]): void {
    if (hashes.length === 0) return;
    const byIndex = new Map(
      [...this.#latest, ...hashes].map((hash) => [hash.index, hash]),
    );
    this.#latest = [...byIndex.values()].slice(-KEPT);
  }
}
