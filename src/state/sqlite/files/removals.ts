import { rm } from "node:fs";

/**
 * Removes files beside everything else: freeing a gigabyte takes a second or two, too
 * long for the thread of the consensus. What cannot be removed, or not in time, is
 * removed at the next start.
 */
export class Removals {
  readonly #underWay = new Set<Promise<void>>();

  /** Begins to remove a file, or a folder with what is in it. */
  begin(path: string): void {
    const removal = new Promise<void>((resolve) => {
      rm(path, { recursive: true, force: true }, () => resolve());
    });
    this.#underWay.add(removal);
    removal.then(() => this.#underWay.delete(removal));
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }
}
