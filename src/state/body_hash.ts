/** A checksum of a command's body (FNV-1a, 32 bits), to notice an idempotency key that is used for something else. */
export function hashOfBody(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
