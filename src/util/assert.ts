/** Thrown when an internal invariant is broken: a defect, never an operating error. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws {@linkcode AssertionError} unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** Throws {@linkcode AssertionError}: where building the message each time would cost too much for {@linkcode assert}. */
export function fail(message: string): never {
  throw new AssertionError(message);
}

/** Marks a branch the types already exclude. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${JSON.stringify(value)}`);
}
