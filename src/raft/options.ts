import { assert } from "../util/assert.ts";

/** Tunables of the core. Time is counted in ticks; the runtime says how long one is. */
export interface RaftOptions {
  /** An election starts after `electionTicks … 2 × electionTicks - 1` ticks without a leader. */
  readonly electionTicks: number;
  /** Ticks between two heartbeats of the leader; less than `electionTicks`. */
  readonly heartbeatTicks: number;
  /** Ask before campaigning, so that a returning member disturbs nobody (thesis §9.6). */
  readonly preVote: boolean;
  /** A leader that hears from no quorum for an election timeout steps down. */
  readonly checkQuorum: boolean;
  /** Entries in one AppendEntries. */
  readonly maxEntriesPerAppend: number;
  /** Payload bytes in one AppendEntries (one entry may exceed it). */
  readonly maxBytesPerAppend: number;
  /** AppendEntries in flight to one member before it must acknowledge. */
  readonly maxInflightAppends: number;
  /** Payload bytes in flight to one member before it must acknowledge. */
  readonly maxInflightBytes: number;
  /** Payload bytes appended and not committed before proposals are refused as `overloaded`. */
  readonly maxUncommittedBytes: number;
  /** Answer ReadIndex from a lease instead of a round. Needs bounded clock drift; off by default. */
  readonly leaseReads: boolean;
}

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
