import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import { hashOfBody } from "./body_hash.ts";
import {
  decodeEnvelope,
  type Envelope,
  NO_IDENTITY,
  UnknownLevelError,
  writeEnvelope,
} from "./envelope.ts";
import { PREPARE_REFUSALS, type PrepareRefusal } from "./port.ts";

/** Why a command was kept out of the log, as an entry says it. */
export interface EntryRefusal {
  readonly reason: PrepareRefusal;
  readonly message: string;
  /** The checksum of the command's body, as if it had been applied under its idempotency key. */
  readonly bodyHash: number;
}

/**
 * The entry that takes the place of a command which must not get into any log: harmless to
 * apply, and under the same identity, so that a repetition of the command gets the same answer.
 */
export function encodeEntryRefusal(
  payload: Uint8Array,
  reason: PrepareRefusal,
  message: string,
): Uint8Array {
  const writer = new ByteWriter(256);
  const identity = identityOf(payload);
  writeEnvelope(writer, "refusal", identity ?? NO_IDENTITY, (body) => {
    body.u8(PREPARE_REFUSALS.indexOf(reason)).text(message);
    body.u32(identity === null ? 0 : hashOfBody(identity.body));
  });
  return writer.finish();
}

/**
 * Reads the body of a `refusal`.
 * @throws {MalformedBytesError} if it is none.
 */
export function decodeEntryRefusal(body: Uint8Array): EntryRefusal {
  const reader = new ByteReader(body);
  const code = reader.u8();
  const reason = PREPARE_REFUSALS[code];
  if (reason === undefined) {
    throw new MalformedBytesError(`unknown reason of a refusal ${code}`);
  }
  const refusal = {
    reason,
    message: reader.text(),
    bodyHash: reader.u32(),
  };
  reader.end();
  return refusal;
}

/** Null for what is no command. */
function identityOf(payload: Uint8Array): Envelope | null {
  try {
    const envelope = decodeEnvelope(payload);
    return envelope.kind === "command" ? envelope : null;
  } catch (error) {
    const unreadable = error instanceof MalformedBytesError ||
      error instanceof UnknownLevelError;
    if (unreadable) return null;
    throw error;
  }
}
