import { HiqliteError } from "../errors.ts";

/** What a caller asks cannot be meant. */
export function invalidInput(message: string): HiqliteError {
  return new HiqliteError("invalid", message);
}

/** What a caller asks is over a limit. */
export function tooLarge(
  what: string,
  has: string,
  limit: number,
): HiqliteError {
  return new HiqliteError(
    "too_large",
    `${what} has ${has}, the limit is ${limit}`,
  );
}

/** What something is, without what it says: that may be a secret. */
export function typeNameOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "object") {
    return value.constructor?.name ?? "an object";
  }
  return typeof value;
}
