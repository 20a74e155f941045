import type { Configuration, MemberId } from "../../../src/raft/types.ts";

/** A configuration without doubt about what is empty. */
export function configOf(
  voters: readonly MemberId[],
  learners: readonly MemberId[] = [],
  votersOutgoing: readonly MemberId[] = [],
  learnersNext: readonly MemberId[] = [],
): Configuration {
  return { voters, votersOutgoing, learners, learnersNext };
}

/** `1 … count` as member ids. */
export function members(count: number): MemberId[] {
  return Array.from({ length: count }, (_, i) => `${i + 1}`);
}

/** The configuration of most tests: voters 1, 2 and 3. */
export const THREE: Configuration = configOf(members(3));
