import type { LogRecovery, LogStore } from "../../src/log/port.ts";
import type { RaftInit } from "../../src/raft/io.ts";
import type { LogIndex, MemberId } from "../../src/raft/types.ts";
import type { StateRecovery } from "../../src/state/port.ts";
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

/** What a member starts from: its log and its state, brought together. */
export function reconcile(
  log: LogStore,
  recovery: LogRecovery,
  id: MemberId,
  state: StateRecovery,
): { readonly raft: RaftInit; readonly reset: boolean } {
  const { applied, config } = state;
  const reset = applied.index > log.base.index &&
    log.termAt(applied.index) !== applied.term;
  if (reset) log.reset(applied);
  return {
    reset,
    raft: {
      id,
      hardState: recovery.hardState,
      base: { last: log.base, config },
      entries: reset ? [] : recovery.entries,
      configs: reset ? [] : recovery.configs,
      applied: applied.index,
    },
  };
}
