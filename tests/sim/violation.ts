/** An invariant was broken: the code under test is wrong (or the checker is). */
export class Violation extends Error {
  override readonly name = "Violation";
  /** The invariant, in a few fixed words. */
  readonly invariant: string;

  /** `detail` says who, where and what was found. */
  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.invariant = invariant;
  }
}
