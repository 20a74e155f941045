import type { RaftStatus } from "../../raft/io.ts";
import type { MemberId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";

/**
 * Who shall take a backup: the most advanced voter that does not lead, since the leader has enough to do; it does if nobody
 * else is there. Of those `avoid` only if there is no other.
 */
export function uploaderOf(
  { config, leader, progress, id }: RaftStatus,
  connected: (member: MemberId) => boolean,
  avoid: MemberId | null,
): MemberId {
  const reached = config.voters.filter((member) =>
    member === id || connected(member)
  );
  const matchOf = (member: MemberId): number =>
    progress.find((other) => other.member === member)?.match ??
      (member === id ? 1 : 0);
  const [best] = reached.toSorted((a, b) =>
    Number(a === avoid) - Number(b === avoid) ||
    Number(a === leader) - Number(b === leader) ||
    matchOf(b) - matchOf(a) || nodeIdOf(a) - nodeIdOf(b)
  );
  return best ?? id;
}
