import { invalid } from "./json.ts";

/** The header that makes a repeated write apply once. */
export const IDEMPOTENCY_KEY_HEADER = "idempotency-key";

/** Bytes of an idempotency key at most, in UTF-8. */
export const IDEMPOTENCY_KEY_BYTES = 128;

/** The idempotency key of a request; nothing if it has none. @throws {HiqliteError} `invalid` */
export function idempotencyKeyOf(
  headers: Headers,
): { readonly idempotencyKey?: string } {
  const key = headers.get(IDEMPOTENCY_KEY_HEADER);
  if (key === null) return {};
  // Several headers of one name are read as one, with this between them.
  if (key.includes(", ")) {
    throw invalid(
      "Idempotency-Key",
      `expected one key, without a comma and a space in it, got "${
        key.slice(0, 80)
      }": send one header`,
    );
  }
  const bytes = new TextEncoder().encode(key).length;
  if (bytes >= 1 && bytes <= IDEMPOTENCY_KEY_BYTES) {
    return { idempotencyKey: key };
  }
  throw invalid(
    "Idempotency-Key",
    `expected 1 to ${IDEMPOTENCY_KEY_BYTES} bytes, got ${bytes}`,
  );
}
