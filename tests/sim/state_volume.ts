import {
  type Configuration,
  type Entry,
  type LogId,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";

/** A state at a point of the log. */
export interface StatePoint {
  readonly last: LogId;
  readonly config: Configuration;
  readonly bytes: Uint8Array;
}

/** What of a state machine outlives its process: a checkpoint, later transactions, a received snapshot. */
export class StateVolume {
  checkpoint: StatePoint = {
    last: ZERO_LOG_ID,
    config: NO_CONFIGURATION,
    bytes: new Uint8Array(0),
  };
  /** Applied after the checkpoint; a power cut keeps a prefix of whole batches. */
  batches: (readonly Entry[])[] = [];
  received: { readonly last: LogId; readonly bytes: Uint8Array } | null = null;

  /** Loses the newest `lost` batches. */
  powerCut(lost: number): void {
    this.batches.length = Math.max(0, this.batches.length - lost);
  }
}
