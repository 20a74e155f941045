import type { MemberId } from "../raft/types.ts";

/** Something that goes on, or does not. */
export interface Activity {
  readonly active: boolean;
}

/** What became of a group's snapshots on this member since it began to take part. */
export class SnapshotTally {
  /** Built here, for followers or backups. */
  built = 0;
  /** Sent whole, and taken by whoever it was for. */
  sent = 0;
  /** To whom the last one was sent; null before the first. */
  sentTo: MemberId | null = null;
  /** Received whole. */
  received = 0;
  /** From whom the last one came; null before the first. */
  receivedFrom: MemberId | null = null;
  /** Received, and the state since. */
  installed = 0;
  /** Whether any are being sent now. */
  sending: Activity = { active: false };
  /** Whether one is being received now. */
  receiving: Activity = { active: false };
}
