import type { LogRecovery } from "../../src/log/port.ts";
import type { LogIndex } from "../../src/raft/types.ts";
import type { Mirror } from "./mirror.ts";

/** What of a log's promises a recovery does not show, or null. */
export function lostPromise(
  mirror: Mirror,
  recovery: LogRecovery,
): string | null {
  const { hardState } = recovery;
  const promised = mirror.hardState;
  if (
    hardState.term < promised.term ||
    (hardState.term === promised.term && promised.vote !== null &&
      hardState.vote !== promised.vote)
  ) {
    return `term ${hardState.term}, vote ${hardState.vote}; promised ${promised.term}, ${promised.vote}`;
  }
  if (recovery.base.index > mirror.base.index) {
    return `the log begins after ${recovery.base.index}, not after ${mirror.base.index}`;
  }
  const terms = new Map<LogIndex, number>();
  for (const { index, term } of recovery.entries) terms.set(index, term);
  for (let i = mirror.base.index + 1; i <= mirror.durable; i++) {
    const term = mirror.termAt(i);
    if (terms.get(i) === term) continue;
    return `entry ${i} of term ${term} became ${terms.get(i)}`;
  }
  return null;
}
