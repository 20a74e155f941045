import { crc32 } from "node:zlib";
import { ByteReader, ByteWriter } from "../util/bytes.ts";

/** Room for a block in a file: a page, so that two blocks never share a sector. */
export const BLOCK_BYTES = 4096;

const PREFIX_BYTES = 20;

/** What stands where a block should be. */
export type Block =
  /** Nothing but zeroes (or no bytes at all). */
  | { readonly kind: "blank" }
  /** Not what was written. */
  | { readonly kind: "damaged" }
  /** Intact up to its version, which this release does not know. */
  | { readonly kind: "foreign"; readonly version: number }
  | { readonly kind: "intact"; readonly content: ByteReader };

/** A checksummed block of at most {@linkcode BLOCK_BYTES}; `magic` is eight ASCII characters. */
export function encodeBlock(
  magic: string,
  version: number,
  fill: (writer: ByteWriter) => void,
): Uint8Array {
  const writer = new ByteWriter();
  for (let i = 0; i < 8; i++) writer.u8(magic.charCodeAt(i));
  writer.u32(version).u32(0).u32(0);
  fill(writer);
  writer.patchU32(16, writer.length - PREFIX_BYTES);
  writer.patchU32(12, checksum(writer.view(), writer.length));
  return writer.finish();
}

/** Reads what {@linkcode encodeBlock} wrote at the start of `bytes`. */
export function decodeBlock(
  bytes: Uint8Array,
  magic: string,
  version: number,
): Block {
  if (bytes.every((byte) => byte === 0)) return { kind: "blank" };
  if (bytes.length < PREFIX_BYTES) return { kind: "damaged" };
  for (let i = 0; i < 8; i++) {
    if (bytes[i] !== magic.charCodeAt(i)) return { kind: "damaged" };
  }
  const prefix = new ByteReader(bytes, 8);
  const found = prefix.u32();
  const sum = prefix.u32();
  const end = PREFIX_BYTES + prefix.u32();
  if (end > bytes.length || checksum(bytes, end) !== sum) {
    return { kind: "damaged" };
  }
  if (found !== version) return { kind: "foreign", version: found };
  const content = new ByteReader(bytes.subarray(0, end), PREFIX_BYTES);
  return { kind: "intact", content };
}

/** Covers everything but itself: the twelve bytes before it and those from the length on. */
function checksum(bytes: Uint8Array, end: number): number {
  return crc32(bytes.subarray(16, end), crc32(bytes.subarray(0, 12)));
}
