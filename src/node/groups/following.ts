import { isJoint, isVoter, membersOf } from "../../raft/configuration.ts";
import type { MembershipChange } from "../../raft/io.ts";
import {
  type Configuration,
  type MemberId,
  type NodeId,
  nodeIdOf,
} from "../../raft/types.ts";

/** What a following group's leader knows of a node of the durable group. */
export interface FollowedNode {
  readonly node: NodeId;
  /** Whether it votes in the durable group. */
  readonly votes: boolean;
  /** The id it has in the following group; null while it cannot be reached: silence is never death. */
  readonly member: MemberId | null;
  /** Its id, if its process is about to end: then it is no member any more, so that nobody waits for its vote. */
  readonly leaving?: MemberId;
}

/**
 * The next step that makes a group's members those of the durable group, or null
 * if there is none. A node whose process began anew is another member: the dead
 * one is removed in the step that adds it, and it votes once it has caught up.
 */
export function followingStep(
  config: Configuration,
  nodes: readonly FollowedNode[],
): MembershipChange | null {
  if (isJoint(config)) return null;
  const leaving = nodes.find(({ leaving }) =>
    leaving !== undefined && membersOf(config).includes(leaving) &&
    config.voters.some((voter) => voter !== leaving)
  )?.leaving;
  if (leaving !== undefined) return { remove: [leaving] };
  for (const { node, member } of nodes) {
    if (member === null) continue;
    const present = membersOf(config).filter((id) => nodeIdOf(id) === node);
    if (present.includes(member)) continue;
    return present.length > 0
      ? { remove: present, addLearners: [member] }
      : { addLearners: [member] };
  }
  const wrong = (votes: boolean): MemberId | undefined =>
    nodes.find((node) =>
      node.votes === votes && node.member !== null &&
      isVoter(config, node.member) !== votes
    )?.member ?? undefined;
  const promoted = wrong(true);
  if (promoted !== undefined) return { promote: [promoted] };
  // Only now, so that a voter is always left.
  const demoted = wrong(false);
  if (demoted !== undefined) return { demote: [demoted] };
  const stray = membersOf(config).find((member) =>
    !nodes.some(({ node }) => node === nodeIdOf(member))
  );
  return stray === undefined ? null : { remove: [stray] };
}
