import {
  ByteReader,
  ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import type { LockEvent, LockEventKind } from "./types.ts";

/** The kind of a state event that tells of a lock; {@linkcode lockEventIn} reads it. */
export const LOCK_EVENT = "lock";

const KINDS: readonly LockEventKind[] = [
  "granted",
  "released",
  "expired",
  "gone",
  "claimed",
];

/** Encodes what happened to a lock. */
export function encodeLockEvent(event: LockEvent): Uint8Array {
  const { kind, name, ticket, token, claim } = event;
  const writer = new ByteWriter(64).u8(KINDS.indexOf(kind)).text(name)
    .u53(ticket).u53(token);
  // No lease is as short as that.
  writer.u32(claim?.ttlMs ?? 0);
  if (claim !== undefined) writer.u53(claim.byMs);
  return writer.finish();
}

/**
 * What happened, from the bytes of a `lock` event.
 * @throws {MalformedBytesError} for anything else.
 */
export function lockEventIn(bytes: Uint8Array): LockEvent {
  const reader = new ByteReader(bytes);
  const at = reader.u8();
  const kind = KINDS[at];
  if (kind === undefined) {
    throw new MalformedBytesError(`unknown kind ${at} of a lock's event`);
  }
  const event = {
    kind,
    name: reader.text(),
    ticket: reader.u53(),
    token: reader.u53(),
  };
  const ttlMs = reader.u32();
  return ttlMs === 0
    ? event
    : { ...event, claim: { ttlMs, byMs: reader.u53() } };
}
