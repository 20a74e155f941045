import { isJoint, sorted } from "../../raft/configuration.ts";
import type { MembershipChange, RaftStatus } from "../../raft/io.ts";
import type { Configuration, MemberId, Term } from "../../raft/types.ts";
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
}

/**
 * Whether whatever is in force can never commit again: no set has a majority that may live. A set
 * that was said and never came into any log does not count; that is known once everybody who may live has said what is in its own.
 */
export function isLost(
  { sets }: VoterSets,
  stateOf: (voter: MemberId) => VoterState,
): boolean {
  const living = sets.flat().map(stateOf).filter(({ dead }) => !dead);
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
