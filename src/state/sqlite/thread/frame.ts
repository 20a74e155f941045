/** What stands before the bytes of a message in a stream: their number, little-endian. */
export const LENGTH_BYTES = 4;

/** A message as it is sent. */
export function framed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(LENGTH_BYTES + message.length);
  new DataView(frame.buffer).setUint32(0, message.length, true);
  frame.set(message, LENGTH_BYTES);
  return frame;
}

/** The length of a message, whose frame begins with `head`. */
export function lengthIn(head: Uint8Array): number {
  return new DataView(head.buffer, head.byteOffset).getUint32(0, true);
}
