import {
  type Envelope,
  stampEnvelope,
  writeEnvelope,
} from "../../src/state/envelope.ts";
import { type ByteWriter, encodeShared } from "../../src/util/bytes.ts";

/** An envelope with its stamp, as it stands in a log. */
export function encodeEnvelope(
  head: Omit<Envelope, "body">,
  body?: (writer: ByteWriter) => void,
): Uint8Array<ArrayBuffer> {
  const { kind, clockMs, timeMs, seed: [seedA, seedB] } = head;
  const bytes = encodeShared((writer) =>
    writeEnvelope(writer, kind, head, body)
  );
  stampEnvelope(bytes, { clockMs, timeMs, seedA, seedB });
  return bytes;
}
