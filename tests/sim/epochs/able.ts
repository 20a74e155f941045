import { memberIn } from "../../../src/node/groups/marks.ts";
import type { LogId, MemberId } from "../../../src/raft/types.ts";
import type { EpochMember } from "./member.ts";

/** A process as a voter of an epoch, as whoever sees into all of them knows it. */
interface Voter {
  readonly member: MemberId;
  readonly leads: boolean;
  /** The sets whose majorities it needs. */
  readonly sets: readonly (readonly MemberId[])[];
  readonly last: LogId;
}

/** Who could still commit something in an epoch, if only these processes go on: who leads, or can win an election, with enough of them. */
export function ableIn(
  running: readonly EpochMember[],
  epoch: number,
): readonly MemberId[] {
  const voters = running.map((process) => voterOf(process, epoch));
  return voters.filter(({ leads, sets, last }) =>
    sets.length > 0 &&
    sets.every((set) => {
      const others = voters.filter((other) =>
        set.includes(other.member) && (leads || !isBehind(last, other.last))
      );
      return 2 * others.length > set.length;
    })
  ).map(({ member }) => member);
}

function voterOf(
  { node, identity, following: { hosted } }: EpochMember,
  epoch: number,
): Voter {
  const member = memberIn(epoch, node, identity.groups[0]!.mark);
  const { group } = hosted;
  if (group === null || hosted.epoch !== epoch) {
    return { member, leads: false, sets: [], last: { term: 0, index: 0 } };
  }
  const { role, config, last } = group.core.status();
  return {
    member,
    leads: role === "leader",
    sets: [config.voters, config.votersOutgoing]
      .filter(({ length }) => length > 0),
    last,
  };
}

function isBehind(one: LogId, other: LogId): boolean {
  return one.term < other.term ||
    one.term === other.term && one.index < other.index;
}
