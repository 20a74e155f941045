import type { GroupId } from "../../group/messages.ts";
import type { PeerIdentity } from "../../network/port.ts";
import type { MemberId, NodeId } from "../../raft/types.ts";
import { hexOfInt64, int64OfHex } from "../../util/int64.ts";

/** The mark of a member in a group; undefined if it does not host it. */
export function markOf(
  { groups }: PeerIdentity,
  id: GroupId,
): string | undefined {
  return groups.find(({ group }) => group === id)?.mark;
}

/** Another member in each epoch, so that nothing of the last one counts in the next. */
export function memberIn(epoch: number, node: NodeId, mark: string): MemberId {
  const own = int64OfHex(mark) ^ BigInt(epoch);
  return `${node}.${hexOfInt64(own)}`;
}
