import { appendConfiguration } from "./commitment.ts";
import { isJoint, isMember, isVoter, sorted } from "./configuration.ts";
import type { MembershipChange, Outcome } from "./io.ts";
import { isQuorum } from "./quorum.ts";
import { refuse } from "./refusal.ts";
import { committedInTerm, type RaftState } from "./state.ts";
import type { Configuration, MemberId } from "./types.ts";

/**
 * Leaders: appends the configuration that leads to the wanted one (§6, thesis
 * §4.3). Refused until the present one is committed and so is an entry of the
 * leader's own term. Otherwise two leaders could build on the same old configuration.
 */
export function changeMembership(
  state: RaftState,
  change: MembershipChange,
): Outcome {
  if (state.role !== "leader") {
    return refuse(state, "not_leader", "only a leader changes the membership");
  }
  if (state.transferee !== null) {
    return refuse(
      state,
      "transferring",
      `leadership goes to ${state.transferee}`,
    );
  }
  const { config, index } = state.configs.latest;
  if (isJoint(config) || index > state.commit) {
    return refuse(
      state,
      "change_pending",
      `the change at ${index} is not finished`,
    );
  }
  if (!committedInTerm(state)) {
    return refuse(
      state,
      "change_pending",
      "nothing of this term is committed yet",
    );
  }
  const next = changedConfiguration(config, change);
  if (typeof next === "string") return refuse(state, "invalid", next);
  for (const member of change.promote ?? []) {
    // A member added in the same step has had no chance to catch up.
    const lag = config.learners.includes(member) ? lagOf(state, member) : null;
    if (lag !== null) return refuse(state, "lagging", lag);
  }
  const silent = silentMajority(state, next);
  if (silent !== null) return refuse(state, "lagging", silent);
  const { term } = state;
  return {
    kind: "appended",
    first: { term, index: appendConfiguration(state, next) },
  };
}

/** Why the vote of a learner would hold up the cluster, or null. It must respond, and lack no more of the log than may be in flight at once. */
function lagOf(
  { progress, log, options }: RaftState,
  learner: MemberId,
): string | null {
  const { isAlive, state, match } = progress.get(learner)!;
  if (!isAlive) {
    return `${learner} does not answer: start it, and try again when it has caught up`;
  }
  const isNear = state === "replicate" && match >= log.base.index &&
    log.bytesBetween(match, log.lastIndex) <= options.maxInflightBytes;
  return isNear
    ? null
    : `${learner} has not caught up: it has the log up to ${match} of ${log.lastIndex}, try again later`;
}

/** Why nothing could be committed after a change, or null: too many of its voters do not respond. */
function silentMajority(
  { id, progress }: RaftState,
  next: Configuration,
): string | null {
  // Nothing is known yet of a member added in the same step.
  const answers = (member: MemberId): boolean =>
    member === id || (progress.get(member)?.isAlive ?? true);
  if (isQuorum(next, answers)) return null;
  const silent = next.voters.filter((member) => !answers(member));
  return `of the ${next.voters.length} voters that would be left ${
    silent.join(" and ")
  } do not answer, and a majority is needed: start them, or remove them first`;
}

/** The configuration to append for a change, joint if need be, or what is wrong with the change. */
export function changedConfiguration(
  config: Configuration,
  change: MembershipChange,
): Configuration | string {
  const { addLearners = [], promote = [], demote = [], remove = [] } = change;
  const problem = changeProblem(config, change);
  if (problem !== null) return problem;
  const gone = [...demote, ...remove];
  const voters = sorted([
    ...config.voters.filter((member) => !gone.includes(member)),
    ...promote,
  ]);
  if (voters.length === 0) {
    return "no voter would be left: promote another member first";
  }
  const learners = sorted([...config.learners, ...addLearners])
    .filter((member) => !promote.includes(member) && !remove.includes(member));
  const changed = promote.length +
    gone.filter((member) => config.voters.includes(member)).length;
  if (changed <= 1 && demote.length === 0) {
    return { voters, votersOutgoing: [], learners, learnersNext: [] };
  }
  return {
    voters,
    votersOutgoing: config.voters,
    learners,
    learnersNext: sorted(demote),
  };
}

function changeProblem(
  config: Configuration,
  { addLearners = [], promote = [], demote = [], remove = [] }:
    MembershipChange,
): string | null {
  // A learner may be added and promoted in one step.
  const known = promote.filter((member) => !addLearners.includes(member));
  const named = [...addLearners, ...known, ...demote, ...remove];
  if (named.length === 0) return "the change is empty";
  const twice = named.find((member, i) => named.indexOf(member) !== i) ??
    promote.find((member, i) => promote.indexOf(member) !== i);
  if (twice !== undefined) return `${twice} is named twice`;
  const complain = (
    members: readonly MemberId[],
    right: (member: MemberId) => boolean,
    problem: string,
  ): string | null => {
    const wrong = members.find((member) => !right(member));
    return wrong === undefined ? null : `${wrong} ${problem}`;
  };
  return complain(addLearners, (m) => m !== "", "is not a member id") ??
    complain(addLearners, (m) => !isMember(config, m), "is already a member") ??
    complain(known, (m) => !isVoter(config, m), "is a voter already") ??
    complain(
      known,
      (m) => config.learners.includes(m),
      "is not a learner: add it as one first",
    ) ??
    complain(demote, (m) => config.voters.includes(m), "is not a voter") ??
    complain(remove, (m) => isMember(config, m), "is not a member");
}
