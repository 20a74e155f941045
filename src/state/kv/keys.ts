import { HiqliteError } from "../../errors.ts";
import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import { KEY_BYTES_MAX } from "./limits.ts";
import { readNatural, writeNatural } from "./numbers.ts";
import type { ByteKey } from "./types.ts";

const encoder = new TextEncoder();
/** So many arguments any call can take. */
const PIECE = 4096;

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
  writeNatural(writer, key.length);
  for (let i = 0; i < key.length; i++) writer.u8(key.charCodeAt(i));
}

/**
 * Reads what {@linkcode writeKey} wrote.
 * @throws {MalformedBytesError} for more than `KEY_BYTES_MAX`.
 */
export function readKey(reader: ByteReader): ByteKey {
  return latin1(reader.raw(readNatural(reader, KEY_BYTES_MAX)));
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

/** A key of its bytes. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length <= PIECE) return characters(bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) {
    text += characters(bytes.subarray(at, at + PIECE));
  }
  return text;
}

function characters(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[]);
}
