/** Figure 7 of the paper: the leader's log, as terms. */
export const LEADER: readonly number[] = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

/** Figure 7 of the paper: the logs of its followers, by the letters there. */
export const FOLLOWERS: Readonly<Record<string, readonly number[]>> = {
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
};
