import { isJoint, sorted } from "../../raft/configuration.ts";
import type { MembershipChange, RaftStatus } from "../../raft/io.ts";
import type { Configuration, LogId, MemberId, Term } from "../../raft/types.ts";
import type { VoterSets } from "../../state/cluster_facts.ts";

/** Who votes once a change is made. */
export function votersAfter(
  { voters }: Configuration,
  { remove = [], promote = [], demote = [] }: MembershipChange,
): readonly MemberId[] {
  const gone = [...remove, ...demote];
  return sorted([
    ...voters.filter((voter) => !gone.includes(voter)),
    ...promote,
  ]);
}

/** Whether no configuration but the present one can come into force any more: it is committed, and so is an entry of the leader's own term. */
export function isSettled(
  { role, term, commit, config, configIndex }: RaftStatus,
  termAt: (index: number) => Term | undefined,
): boolean {
  return role === "leader" && !isJoint(config) && configIndex <= commit &&
    termAt(commit) === term;
}

/**
 * What a leader has to say before members may vote as in `wanted`; null if that is said. Only what it said itself
 * counts: what an earlier leader still says must find that this one has spoken. A settled leader leaves out the sets that
 * are over. While it is `open` whether something it said took effect, it says it again.
 */
export function neededSets(
  known: VoterSets,
  { term, config }: Pick<RaftStatus, "term" | "config">,
  wanted: readonly MemberId[],
  settled: boolean,
  open: boolean,
): VoterSets | null {
  const kept = settled ? [] : known.sets;
  const sets = distinct([
    ...kept,
    config.voters,
    config.votersOutgoing,
    wanted,
  ]);
  const said = sets.length === known.sets.length &&
    sets.every((set) => known.sets.some((other) => sameVoters(set, other)));
  const changes = !sameVoters(wanted, config.voters);
  if (said && !open && (known.term === term || !changes)) return null;
  return { number: known.number + 1, term, sets };
}

/** What is known of a voter when the end of its group is looked for. */
export interface VoterState {
  readonly dead: boolean;
  /** The sets in its log; null if there may be others, undefined if it said nothing. */
  readonly voters: readonly (readonly MemberId[])[] | null | undefined;
  /** Where its log ends; then `voters` are those in force by it. Undefined if it did not say, or the log may lose its end. */
  readonly last: LogId | undefined;
}

/**
 * Whether whatever is in force can never commit again. Once everybody who may live has said what is in its log and
 * where that ends, and nobody leads, only an election could change any log: it is lost if nobody can win one. Else it is
 * lost if no set has a majority that may live. A set that was said and never came into any log does not count; that is
 * known once everybody who may live has said what is in its own.
 */
export function isLost(
  { sets }: VoterSets,
  stateOf: (voter: MemberId) => VoterState,
): boolean {
  const living = sets.flat().map(stateOf).filter(({ dead }) => !dead);
  if (living.every(({ voters, last }) => voters && last)) {
    return !living.some((candidate) => canWin(candidate, stateOf));
  }
  const inLogs = living.some(({ voters }) => voters === undefined)
    ? sets
    : sets.filter((set) =>
      living.some(({ voters }) =>
        voters === null || voters!.some((other) => sameVoters(other, set))
      )
    );
  return (inLogs.length === 0 ? sets : inLogs).every((voters) =>
    2 * voters.filter((voter) => !stateOf(voter).dead).length <= voters.length
  );
}

/** Whether a voter has enough others who may live and whose logs do not go on after its own: nobody else votes for it. */
function canWin(
  { voters, last }: VoterState,
  stateOf: (voter: MemberId) => VoterState,
): boolean {
  const votes = (voter: MemberId): boolean => {
    const other = stateOf(voter);
    if (other.dead) return false;
    const { term, index } = other.last ?? last!;
    return term < last!.term || term === last!.term && index <= last!.index;
  };
  // Who has nothing yet is in no set and stands for no election.
  return voters!.length > 0 &&
    voters!.every((set) => 2 * set.filter(votes).length > set.length);
}

function distinct(
  sets: readonly (readonly MemberId[])[],
): readonly (readonly MemberId[])[] {
  const found: (readonly MemberId[])[] = [];
  for (const set of sets) {
    if (set.length > 0 && !found.some((other) => sameVoters(set, other))) {
      found.push(sorted([...set]));
    }
  }
  return found;
}

function sameVoters(
  a: readonly MemberId[],
  b: readonly MemberId[],
): boolean {
  return a.length === b.length && a.every((voter) => b.includes(voter));
}
