import { invalidInput, typeNameOf } from "../wrong_input.ts";
import { validateCacheName } from "../kv/validate.ts";
import {
  DIGEST_BYTES,
  SCOPES,
  TOKEN_ID,
  TOKEN_LIMITS,
  type TokenOperation,
  type TokenWish,
} from "./types.ts";

/**
 * Checks what is asked of the tokens before it is proposed; it trusts nothing, since it comes from the network too.
 * @throws {HiqliteError} `invalid`
 */
export function validateTokenOperation(operation: TokenOperation): void {
  if (operation.kind === "create") checkWish(operation.wish);
  else checkId(operation.id);
}

function checkWish(
  { id, digest, name, scope, caches, expiresMs }: TokenWish,
): void {
  checkId(id);
  if (!(digest instanceof Uint8Array) || digest.length !== DIGEST_BYTES) {
    throw invalidInput(`sha256: expected ${DIGEST_BYTES} bytes`);
  }
  checkName(name);
  if (!SCOPES.includes(scope)) {
    throw invalidInput(`scope: expected ${SCOPES.join(", ")}`);
  }
  if (caches !== null) checkCaches(caches, scope);
  if (
    expiresMs !== null && !(Number.isSafeInteger(expiresMs) && expiresMs > 0)
  ) {
    throw invalidInput(
      `expires_at: expected ms since 1970, got ${String(expiresMs)}`,
    );
  }
}

/** An id is no secret, but what stands in its place by mistake may be. */
function checkId(id: string): void {
  if (typeof id === "string" && TOKEN_ID.test(id)) return;
  throw invalidInput(
    "The token's id: expected 16 hexadecimal digits, as they stand after hqt_",
  );
}

function checkName(name: string): void {
  const { nameChars } = TOKEN_LIMITS;
  if (typeof name !== "string") {
    throw invalidInput(`name: expected a text, got ${typeNameOf(name)}`);
  }
  if (!name.isWellFormed() || /\p{Cc}/u.test(name)) {
    throw invalidInput(
      "name: holds control characters, or half of a surrogate pair",
    );
  }
  const chars = [...name].length;
  if (chars >= 1 && chars <= nameChars) return;
  throw invalidInput(
    `name: has ${chars} characters, expected 1 to ${nameChars}`,
  );
}

function checkCaches(caches: readonly string[], scope: string): void {
  const most = TOKEN_LIMITS.caches;
  if (!Array.isArray(caches) || caches.length < 1 || caches.length > most) {
    throw invalidInput(
      `caches: expected 1 to ${most} names, or none for no limit`,
    );
  }
  if (scope === "admin") {
    throw invalidInput(
      "caches: a token with the scope admin cannot be limited, since it could make one without limits",
    );
  }
  for (const cache of caches) validateCacheName(cache, "caches: ");
  if (new Set(caches).size < caches.length) {
    throw invalidInput("caches: a name is there twice");
  }
}
