import { assert } from "../util/assert.ts";
import { failReads } from "./read_index.ts";
import { drawElectionTimeout, type RaftState, saveHardState } from "./state.ts";
import type { MemberId, Term } from "./types.ts";

/**
 * Follows `leader`, or nobody yet, in `term`. Term and vote change only with a
 * newer term. The election timer goes on unless this member led, so that
 * refused candidates cannot keep it from campaigning.
 */
export function becomeFollower(
  state: RaftState,
  term: Term,
  leader: MemberId | null,
): void {
  assert(term >= state.term, `term ${term} after ${state.term}`);
  if (state.role === "leader") drawElectionTimeout(state);
  enterTerm(state, term);
  state.role = "follower";
  state.votes.clear();
  state.progress.clear();
  state.transferee = null;
  state.roundTicks = [];
  setLeader(state, leader);
}

/** Forgets the vote if the term is new. */
export function enterTerm(state: RaftState, term: Term): void {
  if (term === state.term) return;
  state.term = term;
  state.vote = null;
  saveHardState(state);
}

/** Notes who leads; reads that wait for another leader fail. */
export function setLeader(state: RaftState, leader: MemberId | null): void {
  if (state.leader === leader) return;
  failReads(state);
  state.leader = leader;
}

/** A message that only the leader of the present term sends arrived. */
export function hearLeader(state: RaftState, leader: MemberId): void {
  assert(
    state.role !== "leader" &&
      (state.leader === null || state.leader === leader),
    `two leaders in term ${state.term}: ${state.leader} and ${leader}`,
  );
  if (state.role !== "follower") becomeFollower(state, state.term, leader);
  setLeader(state, leader);
  state.electionElapsed = 0;
  state.leaseLifted = false;
}
