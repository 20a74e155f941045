import type { RaftOptions } from "./io.ts";
import { assert } from "../util/assert.ts";

/** The defaults, for ticks of 50 ms: elections after 0.7–1.4 s, heartbeats every 0.1 s. */
export const DEFAULT_RAFT_OPTIONS: RaftOptions = Object.freeze({
  electionTicks: 14,
  heartbeatTicks: 2,
  preVote: true,
  checkQuorum: true,
  maxEntriesPerAppend: 4096,
  maxBytesPerAppend: 1024 * 1024,
  maxInflightAppends: 64,
  maxInflightBytes: 16 * 1024 * 1024,
  maxUncommittedBytes: 64 * 1024 * 1024,
  leaseReads: false,
});

/** Throws unless the options make sense together. */
export function assertOptions(options: RaftOptions): void {
  const counts = [
    "electionTicks",
    "heartbeatTicks",
    "maxEntriesPerAppend",
    "maxBytesPerAppend",
    "maxInflightAppends",
    "maxInflightBytes",
    "maxUncommittedBytes",
  ] as const;
  for (const name of counts) {
    const value = options[name];
    assert(
      Number.isSafeInteger(value) && value > 0,
      `${name} must be a positive integer: ${value}`,
    );
  }
  assert(
    options.heartbeatTicks < options.electionTicks,
    `heartbeatTicks (${options.heartbeatTicks}) must be less than electionTicks (${options.electionTicks})`,
  );
  assert(
    !options.leaseReads || options.checkQuorum,
    "leaseReads needs checkQuorum",
  );
}
