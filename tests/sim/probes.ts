/** Rare paths that the simulator must reach, with what each one means. */
export const PROBES = {
  elected: "a leader was elected",
  leaderReplaced: "another leader took over",
  preVoteRefused: "a pre-vote was refused",
  steppedDownWithoutQuorum:
    "check-quorum: a leader without its quorum stepped down",
  conflictHint: "a follower refused an append with a conflict hint",
  conflictTruncated: "a follower cut entries that contradicted the leader",
  proposalAbandoned: "a leader lost leadership while proposals waited",
  windowFull: "a follower's window of appends in flight was full",
  overloaded: "a proposal was refused for too many uncommitted bytes",
  joint: "a joint configuration was entered",
  jointLeaderChange: "a leader was elected under a joint configuration",
  jointLeft: "a joint configuration was left",
  leftoverJointFinished:
    "a leader left a joint configuration that another one entered",
  removedLeaderSteppedDown: "a leader that removed itself stepped down",
  configTruncated: "a configuration entry was cut from a log",
  learnerPromoted: "a learner became a voter",
  voterReplaced: "a member that lost its volume was replaced",
  voteAskedOfLearner: "a learner was asked for its vote",
  transferDone: "a leader transfer succeeded",
  transferAborted: "a leader transfer was given up",
  snapshotInstalled: "a snapshot was installed",
  snapshotRace:
    "entries arrived while a snapshot was being received or installed",
  snapshotInterrupted: "a member died while it installed a snapshot",
  foundingInterrupted: "a founder died before its first entry was durable",
  purged: "a log was purged",
  readConfirmed: "a linearizable read was confirmed",
  readOnFollower: "a follower answered a linearizable read",
  readFailed: "a linearizable read was refused or lost",
  retryDeduplicated:
    "a session's retry was applied before and answered from memory",
  sessionExpired: "a session was forgotten",
  outcomeUnknown: "a proposal ended without a known outcome",
  tornTailCut: "a torn tail was cut at recovery",
  unsyncedLost: "unsynced entries were lost in a power cut",
  corruptionFound: "damage below the durable mark was found",
  syncFailed: "an fsync failed and ended the member",
  ioFailed: "a failed read or write ended the member",
  diskFull: "a member ran out of disk",
  replayedToLaterIncarnation: "an old frame reached a later incarnation",
  amnesiacHeard: "a member without memory got messages",
  stateAheadOfLog: "at a start the state machine was ahead of the log",
  stateBehindLog: "at a start the state machine was behind the log",
  segmentRecycled: "a log segment was reused",
  preparedCommitted: "a batch was prepared, replicated and committed",
  preparedRolledBack: "a prepared batch was rolled back",
  preparerDied: "a machine died while it prepared a batch",
  prepareHung: "a machine hung for no reason while it prepared a batch",
  prepareAborted: "a preparation was ended that took too long",
  preparedBehindCommit:
    "a batch was handed to the machine while the one before it was being committed",
  groundSank: "a preparation found that the batch before it was not committed",
  commitUnheard: "a machine died between the COMMIT of a batch and its answer",
  transactionLost: "a machine died with a prepared batch",
  poisonHung: "a command hung its preparation",
  keptOut: "a client was told that its command was kept out of the log",
  divergenceSeen: "a member answered an entry differently than its leader",
  hungForGood: "a machine that hung could not be ended, and its member ended",
  lockGranted: "a client was granted a lock",
  lockWaited: "a client waited for a lock",
  lockWaitOver: "a wait for a lock ended without a grant",
  writeFenced: "a write did nothing since its lock was lost",
  listenerResumed: "a listener went on where it was, at another member",
  eventsFromTable: "a listener read events that no ring held any more",
} as const;

/** The name of a rare path. */
export type Probe = keyof typeof PROBES;

/** Counts how often rare paths were taken. */
export class Probes {
  readonly counts: Map<Probe, number> = new Map();

  /** The path was taken. */
  hit(probe: Probe): void {
    this.counts.set(probe, (this.counts.get(probe) ?? 0) + 1);
  }

  /** Adds another run's counts. */
  merge(other: { readonly counts: ReadonlyMap<Probe, number> }): void {
    for (const [probe, count] of other.counts) {
      this.counts.set(probe, (this.counts.get(probe) ?? 0) + count);
    }
  }

  /** Paths never taken. */
  missed(): Probe[] {
    return (Object.keys(PROBES) as Probe[])
      .filter((probe) => !this.counts.has(probe));
  }
}
