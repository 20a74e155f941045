import type { Message } from "./messages.ts";
import type {
  Configuration,
  Entry,
  HardState,
  LogId,
  LogIndex,
  MemberId,
  Role,
  SnapshotMeta,
  Term,
} from "./types.ts";

/** What is known of an entry without its payload. */
export interface EntryMeta {
  readonly index: LogIndex;
  readonly term: Term;
  readonly bytes: number;
}

/** What a core starts from; everything in it was durable. */
export interface RaftInit {
  readonly id: MemberId;
  readonly hardState: HardState;
  /** Where the log begins: the last entry that is gone from it, and the configuration as of there. */
  readonly base: SnapshotMeta;
  /** The entries after `base.last`, in order. */
  readonly entries: readonly EntryMeta[];
  /** Configuration entries among `entries`, in order. */
  readonly configs: readonly {
    readonly index: LogIndex;
    readonly config: Configuration;
  }[];
  /** What the state machine has applied; at least `base.last.index`. */
  readonly applied: LogIndex;
}

/** A change of membership; lists are disjoint. More than one voter changed means joint consensus. */
export interface MembershipChange {
  readonly addLearners?: readonly MemberId[];
  /** Learners (or learners added by this change) that become voters. */
  readonly promote?: readonly MemberId[];
  /** Voters that become learners. */
  readonly demote?: readonly MemberId[];
  readonly remove?: readonly MemberId[];
}

/** Everything that can happen to a core. */
export type Input =
  | { readonly kind: "tick" }
  /** More time passed than ticks will account for: the process was stopped. Comes before any input that waited meanwhile. */
  | { readonly kind: "stalled" }
  | { readonly kind: "message"; readonly message: Message }
  | { readonly kind: "propose"; readonly payloads: readonly Uint8Array[] }
  | { readonly kind: "changeMembership"; readonly change: MembershipChange }
  /** `target` null: the most up-to-date voter. */
  | { readonly kind: "transferLeadership"; readonly target: MemberId | null }
  /** `requestId` is chosen by the runtime and comes back in {@linkcode Ready.reads}. */
  | { readonly kind: "readIndex"; readonly requestId: number }
  /** Leaders: whether others hear of commits only with entries and heartbeats, or at once. It costs them nothing but time. */
  | { readonly kind: "holdCommits"; readonly held: boolean }
  /** Campaign now (tests; a follower told by the operator). */
  | { readonly kind: "campaign" }
  /** The connection to the leader broke: campaign early, by pre-vote. A hint that never harms. */
  | { readonly kind: "leaderUnreachable" }
  /** Everything up to the {@linkcode Persist} with this id is durable. */
  | { readonly kind: "persisted"; readonly id: number }
  | { readonly kind: "applied"; readonly index: LogIndex }
  /** Entries up to here are gone from the log; `index` ≤ applied. */
  | { readonly kind: "purged"; readonly index: LogIndex }
  /** The runtime could not deliver to this member; replication goes back to probing. */
  | { readonly kind: "unreachable"; readonly member: MemberId }
  /** The connection to this member broke. It may come back without the end of its log, where that is not synced before each acknowledgement. */
  | { readonly kind: "linkBroke"; readonly member: MemberId }
  /** The stream asked for in {@linkcode Ready.sendSnapshots} ended. */
  | {
    readonly kind: "snapshotSent";
    readonly to: MemberId;
    readonly last: LogId;
    readonly ok: boolean;
  }
  /** The snapshot of {@linkcode Ready.installSnapshot} is the state machine's state, durably, and the log was reset to it. */
  | { readonly kind: "snapshotInstalled"; readonly snapshot: SnapshotMeta };

/** Why a proposal was refused; nothing was appended. */
export type RaftRefusal =
  | "not_leader"
  /** A leader transfer is under way. */
  | "transferring"
  /** Too many bytes are uncommitted. */
  | "overloaded"
  /** A learner to be promoted does not respond or lacks too much of the log, or too few of the voters after the change respond. */
  | "lagging"
  /** Another membership change is under way, or no entry of this term is committed yet. */
  | "change_pending"
  /** The change or the target contradicts the configuration. */
  | "invalid";

/** What `step` returns. */
export type Outcome =
  | { readonly kind: "done" }
  /** The entries were appended from `first` on, all in one term. */
  | { readonly kind: "appended"; readonly first: LogId }
  | {
    readonly kind: "refused";
    readonly reason: RaftRefusal;
    readonly detail: string;
    readonly leader: MemberId | null;
  };

/** Writes that must be made durable, in order, before anything in {@linkcode Ready.sendAfterPersist} leaves. */
export interface Persist {
  /** Grows by one each time. */
  readonly id: number;
  readonly hardState?: HardState;
  /** Drop every entry above this index first. */
  readonly truncateAfter?: LogIndex;
  readonly entries: readonly Entry[];
}

/** What the runtime must do now. Taken as a whole; the core has already moved on. */
export interface Ready {
  readonly persist: Persist | null;
  /** May leave before `persist` is durable: a leader's AppendEntries, heartbeats, requests without a promise. */
  readonly send: readonly Message[];
  /** Promises (votes, acknowledgements, candidacies): only after `persist` (or, if null, every earlier one) is durable. */
  readonly sendAfterPersist: readonly Message[];
  /** Everything up to here is committed, and durable on this member; apply it. Only grows. */
  readonly commit: LogIndex;
  /** Confirmed (`index`) or failed (`null`) linearizable reads; a confirmed one waits until `index` is applied. */
  readonly reads: readonly {
    readonly requestId: number;
    readonly index: LogIndex | null;
  }[];
  /** Members whose next entry is purged: stream them a snapshot that covers at least `atLeast`. */
  readonly sendSnapshots: readonly {
    readonly to: MemberId;
    readonly term: Term;
    readonly atLeast: LogIndex;
  }[];
  /** Replace the state by the received snapshot and the log by nothing after it. */
  readonly installSnapshot: SnapshotMeta | null;
}

/** What a core knows of another member, for status pages and tests. */
export interface ProgressStatus {
  readonly member: MemberId;
  readonly match: LogIndex;
  readonly next: LogIndex;
  readonly state: "probe" | "replicate" | "snapshot";
  readonly recentlyActive: boolean;
}

/** A view of the core for status pages, tests and invariant checks. */
export interface RaftStatus {
  readonly id: MemberId;
  readonly role: Role;
  readonly term: Term;
  readonly vote: MemberId | null;
  readonly leader: MemberId | null;
  readonly commit: LogIndex;
  readonly applied: LogIndex;
  readonly last: LogId;
  /** The last entry gone from the log. */
  readonly base: LogId;
  readonly config: Configuration;
  /** Where `config` stands in the log. */
  readonly configIndex: LogIndex;
  readonly transferee: MemberId | null;
  /** Only on a leader. */
  readonly progress: readonly ProgressStatus[];
}
