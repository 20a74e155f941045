import { HiqliteError } from "../../errors.ts";
import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import { latin1 } from "../../util/latin1.ts";
import { KEY_BYTES_MAX } from "./limits.ts";
import type { ByteKey } from "./types.ts";

const encoder = new TextEncoder();

/**
 * A key as caches keep it. Text that is not ASCII is encoded as UTF-8.
 * @throws {HiqliteError} `invalid` for half a surrogate pair, which UTF-8 cannot hold.
 */
export function toByteKey(key: string | Uint8Array): ByteKey {
  if (typeof key !== "string") return latin1(key);
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) > 127) return encoded(key);
  }
  return key;
}

/** The bytes of a key. */
export function fromByteKey(key: ByteKey): Uint8Array {
  const bytes = new Uint8Array(key.length);
  for (let i = 0; i < key.length; i++) bytes[i] = key.charCodeAt(i);
  return bytes;
}

/** Appends a key. */
export function writeKey(writer: ByteWriter, key: ByteKey): void {
  writer.natural(key.length).latin1(key);
}

/**
 * Reads what {@linkcode writeKey} wrote.
 * @throws {MalformedBytesError} for more than `KEY_BYTES_MAX`.
 */
export function readKey(reader: ByteReader): ByteKey {
  return reader.latin1(reader.natural(KEY_BYTES_MAX));
}

function encoded(key: string): ByteKey {
  if (!key.isWellFormed()) {
    throw new HiqliteError(
      "invalid",
      "The key is not well-formed Unicode: give its bytes instead",
    );
  }
  return latin1(encoder.encode(key));
}
