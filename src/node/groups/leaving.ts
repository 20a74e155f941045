import type { PeerIdentity } from "../../network/port.ts";
import type { PeerHandler } from "../../network/requests.ts";
import { ByteReader, encode, NO_BYTES } from "../../util/bytes.ts";
import type { GroupId } from "../../group/messages.ts";

/** The request of a member that stops, to the leader of a group in memory: others shall not need its vote any more. */
export const LEAVE = "leave";

/** The body of a {@linkcode LEAVE}. */
export function encodeLeave(group: GroupId): Uint8Array {
  return encode((writer) => writer.u32(group));
}

/** Answers {@linkcode LEAVE}; `letGo` says whether the sender is out of the group. */
export function leaveHandler(
  letGo: (group: GroupId, peer: PeerIdentity) => boolean,
): PeerHandler {
  return (from, body, answer) =>
    answer(letGo(new ByteReader(body).u32(), from), NO_BYTES);
}
