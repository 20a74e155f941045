import {
  type Envelope,
  sealEnvelope,
  stampEnvelope,
  writeEnvelope,
} from "../../src/state/envelope.ts";
import { type ByteWriter, encodeShared } from "../../src/util/bytes.ts";

/** An envelope with its stamp, as it stands in a log. */
export function encodeEnvelope(
  head: Omit<Envelope, "body" | "hash" | "maxRunMs"> & Partial<Envelope>,
  body?: (writer: ByteWriter) => void,
): Uint8Array<ArrayBuffer> {
  const { kind, clockMs, timeMs, seed: [seedA, seedB] } = head;
  const { maxRunMs = 0, hash = null } = head;
  const bytes = encodeShared((writer) =>
    writeEnvelope(writer, kind, head, body, { maxRunMs })
  );
  stampEnvelope(bytes, { clockMs, timeMs, seedA, seedB });
  if (hash !== null) sealEnvelope(bytes, hash);
  return bytes;
}
