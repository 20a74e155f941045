import { HiqliteError } from "../../errors.ts";
import { invalidInput } from "../wrong_input.ts";
import {
  ALL_PERMITS,
  LOCK_LIMITS,
  type LockFence,
  type LockOperation,
  type LockWish,
} from "./types.ts";

const ENCODER = new TextEncoder();

/**
 * Checks what is asked of the locks before it is proposed; it trusts nothing, since it comes from the network too.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateLockOperation(operation: LockOperation): void {
  switch (operation.kind) {
    case "open":
      checkInteger(
        "ttlMs",
        operation.ttlMs,
        LOCK_LIMITS.ttlMsMin,
        LOCK_LIMITS.ttlMsMax,
      );
      return checkText("owner", operation.owner, LOCK_LIMITS.ownerBytes);
    case "renew":
    case "end":
      return checkIndex("lease", operation.lease);
    case "acquire":
      return checkWish(operation.wish);
    case "release":
    case "extend":
      return validateFence(operation);
    case "claim":
    case "cancel":
      checkLockName(operation.name);
      return checkIndex("ticket", operation.ticket);
    default:
      throw invalidInput(
        `Unknown kind of lock operation: ${
          String((operation as { kind: unknown }).kind)
        }`,
      );
  }
}

/** @throws {HiqliteError} `invalid`, `too_large`. */
export function validateFence({ name, token }: LockFence): void {
  checkLockName(name);
  checkIndex("token", token);
}

/** A lock's name: 1 to 256 bytes of UTF-8, not `.` or `..`, of which URLs make something else. @throws {HiqliteError} `invalid`, `too_large`. */
export function checkLockName(name: string): void {
  checkText("The lock's name", name, LOCK_LIMITS.nameBytes);
  if (name === "" || name === "." || name === "..") {
    throw invalidInput(
      `The lock's name: expected 1 to ${LOCK_LIMITS.nameBytes} bytes, and not . or .., got ${
        JSON.stringify(name)
      }`,
    );
  }
}

function checkWish(wish: LockWish): void {
  checkLockName(wish.name);
  const { lease, permits, limit, waitMs, value } = wish;
  if ("id" in lease) checkIndex("lease", lease.id);
  else validateLockOperation({ kind: "open", ...lease });
  if (limit === ALL_PERMITS) {
    if (permits !== 1 && permits !== ALL_PERMITS) {
      throw invalidInput(`permits: ${permits} of no limit; give a limit, too`);
    }
  } else {
    checkInteger("limit", limit, 1, LOCK_LIMITS.permits);
    checkInteger("permits", permits, 1, limit);
  }
  checkInteger("waitMs", waitMs, 0, LOCK_LIMITS.waitMsMax);
  checkText("value", value, LOCK_LIMITS.valueBytes);
}

function checkInteger(
  what: string,
  value: number,
  low: number,
  high: number,
): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw invalidInput(
    `${what}: expected an integer from ${low} to ${high}, got ${String(value)}`,
  );
}

function checkIndex(what: string, value: number): void {
  checkInteger(what, value, 1, Number.MAX_SAFE_INTEGER);
}

function checkText(what: string, value: string, bytes: number): void {
  if (typeof value !== "string") {
    throw invalidInput(`${what}: expected a text, got ${typeof value}`);
  }
  if (!value.isWellFormed() || value.includes("\0")) {
    throw invalidInput(`${what}: holds half of a surrogate pair, or a NUL`);
  }
  const size = ENCODER.encode(value).length;
  if (size <= bytes) return;
  throw new HiqliteError(
    "too_large",
    `${what}: has ${size} bytes, the limit is ${bytes}`,
  );
}
