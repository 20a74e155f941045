import type { Durations } from "../telemetry/timings.ts";
import type { LogIndex, MemberId, NodeId, Term } from "../raft/types.ts";

export type { Durations } from "../telemetry/timings.ts";

/** What a member sees of another one. */
export interface PeerSight {
  /** The operator's number. */
  readonly nodeId: NodeId;
  /** Since anything came from it, ms; null: nothing did since this process began. */
  readonly contactMs: number | null;
  /** The last round trip to it, ms; null: none was measured, or the link is down. */
  readonly rttMs: number | null;
}

/** What a member does with snapshots of the database. */
export type SnapshotActivity =
  | "idle"
  | "building"
  | "sending"
  | "receiving"
  | "installing";

/** What a member says of itself, once a second; log, role and term are those of the durable group. Totals count since its process began. */
export interface MemberReport {
  /** Node id and incarnation. */
  readonly member: MemberId;
  /** The operator's number. */
  readonly nodeId: NodeId;
  /** Of its program. */
  readonly version: string;
  /** When it said so, by its own clock, ms since the Unix epoch. */
  readonly atMs: number;
  /** Since its process began, ms. */
  readonly uptimeMs: number;
  /** `outside`: it takes no part (yet, or any more). */
  readonly role: "leader" | "voter" | "learner" | "outside";
  /** Whom it follows, itself if it leads; null: it knows nobody. */
  readonly leader: MemberId | null;
  /** Its Raft term. */
  readonly term: Term;
  /** The last entry in its log. */
  readonly lastIndex: LogIndex;
  /** The last entry that it knows to be committed. */
  readonly commitIndex: LogIndex;
  /** The last entry visible to its local reads. */
  readonly appliedIndex: LogIndex;
  /** Since anything came from its leader, ms; null: it leads, or knows nobody who does. */
  readonly contactMs: number | null;
  /** The other members, as it sees them; at most 64. */
  readonly peers: readonly PeerSight[];
  /** fdatasync of the database's log; null: none lately. */
  readonly fsync: Durations | null;
  /** Writes of its clients, until they are answered; null: none lately. */
  readonly commit: Durations | null;
  /** Queries of its clients; null: none lately. */
  readonly query: Durations | null;
  /** Writes of its clients that were answered. */
  readonly writes: number;
  /** Those among them that failed. */
  readonly writesFailed: number;
  /** Queries of its clients that were answered. */
  readonly queries: number;
  /** Times that it saw another member begin to lead. */
  readonly leaderChanges: number;
  /** Bytes of the database's file. */
  readonly dbBytes: number;
  /** Bytes of SQLite's own write-ahead log beside it. */
  readonly walBytes: number;
  /** Bytes of the Raft log. */
  readonly logBytes: number;
  /** Room on the disk; null: the system does not say. */
  readonly diskFreeBytes: number | null;
  /** Writes of its clients that wait for their answer. */
  readonly pending: number;
  /** The longest stall of its event loop, over about the last ten seconds. */
  readonly loopLagMs: number;
  /** What it does with snapshots now. */
  readonly snapshot: SnapshotActivity;
  /** The last checksum of its state; equal on all members at the same index. */
  readonly checksum: {
    readonly index: LogIndex;
    readonly hash: number;
  } | null;
  /** Why it serves nobody although it runs, since its data is doubted or being replaced; null: it is not. At most 500 characters. */
  readonly quarantine: string | null;
  /** Whether it refuses writes for want of room. */
  readonly diskFull: boolean;
  /** `ok`, or why it is not ready for traffic. At most 500 characters. */
  readonly ready: string;
  /** The number of its newest {@linkcode MemberEvent}; 0: it has none. */
  readonly newestEvent: number;
}

/** A member as the asked one knows it. */
export interface MemberSight {
  /** The operator's number. */
  readonly nodeId: NodeId;
  /** Null of a node that is known by its report alone and told no id. */
  readonly member: MemberId | null;
  /** Whether the asked member has a link to it; true of itself. */
  readonly connected: boolean;
  /** How old the report is, ms; 0 of the asked member itself; null without one. */
  readonly ageMs: number | null;
  /** The last one it gave since the asked member began; null: none. */
  readonly report: MemberReport | null;
}

/** What is drawn over time, of one member. Rates are per second. Of a minute: the mean of rates, and the worst of everything else. */
export const SERIES_COLUMNS = [
  "writesPerSecond",
  "failedPerSecond",
  "queriesPerSecond",
  "commitP50Ms",
  "commitP99Ms",
  "queryP99Ms",
  "fsyncP99Ms",
  "pending",
  /** Entries that a leader has committed and it has not applied. */
  "lag",
  "loopLagMs",
  /** 1 while it led. */
  "leads",
] as const;

/** One of {@linkcode SERIES_COLUMNS}. */
export type SeriesColumn = typeof SERIES_COLUMNS[number];

/** Which points are wanted. */
export interface SeriesRequest {
  /** Points of a second (the last 15 minutes) or of a minute (the last 24 hours). @default {1000} */
  readonly stepMs?: 1_000 | 60_000;
  /** Only points that begin then or later, ms since the Unix epoch. @default all */
  readonly fromMs?: number;
}

/** The points of a member, oldest first, as columns of equal length. Where it was not heard, points are missing. */
export interface MemberSeries {
  /** The operator's number. */
  readonly nodeId: NodeId;
  /** When each point begins, by the asked member's clock: a multiple of the step. */
  readonly atMs: readonly number[];
  /** Null where there is nothing to tell, of latencies for example. */
  readonly columns: Readonly<Record<SeriesColumn, readonly (number | null)[]>>;
}

/** What the asked member heard of all, itself among them; it forgets it at its end. */
export interface Series {
  /** The length of a step, ms. */
  readonly stepMs: number;
  /** By node id. */
  readonly members: readonly MemberSeries[];
}

/** What a {@linkcode MemberEvent} tells of. */
export const MEMBER_EVENT_KINDS = [
  "started",
  "stopping",
  /** Another member leads, or this one. */
  "leader",
  /** Nobody is known to lead. */
  "leaderless",
  /** Leadership is handed over on purpose. */
  "transfer",
  "contact_lost",
  "contact_regained",
  "snapshot_sent",
  "snapshot_received",
  "snapshot_installed",
  "member_added",
  "member_removed",
  "member_promoted",
  "member_demoted",
  "disk_full",
  "disk_room",
  "quarantined",
  "released",
  /** Writes of its clients failed; many of one reason within ten seconds are one event. */
  "writes_refused",
] as const;

/** One of {@linkcode MEMBER_EVENT_KINDS}. */
export type MemberEventKind = typeof MEMBER_EVENT_KINDS[number];

/** Something that happened to a member, as it saw it. */
export interface MemberEvent {
  /** Who tells of it. */
  readonly nodeId: NodeId;
  /** Grows with every event of that member, beyond its restarts: about when it was noted, ms since the Unix epoch. */
  readonly number: number;
  /** When it happened last, by that member's clock, ms since the Unix epoch. */
  readonly atMs: number;
  /** What it tells of. */
  readonly kind: MemberEventKind;
  /** The Raft group, if it is about one: `db` is the durable one. */
  readonly group: string | null;
  /** The group's term then; 0 without a group. */
  readonly term: Term;
  /** The member it is about, if that is another one. */
  readonly about: NodeId | null;
  /** What happened, in words; at most 300 characters. */
  readonly text: string;
  /** How often, if several became one; else 1. */
  readonly count: number;
}

/** Which events are wanted. */
export interface MemberEventsRequest {
  /** Of each member named here only those with larger numbers. @default all of all */
  readonly after?: Readonly<Record<NodeId, number>>;
  /** The newest so many, 1 … 2000. @default {500} */
  readonly limit?: number;
}

/** Events of all members, by time; those of one member in its order. */
export interface MemberEvents {
  /** Oldest first. */
  readonly events: readonly MemberEvent[];
  /** Members that did not answer within a second. */
  readonly silent: readonly NodeId[];
}

/** Characters of the text of a slow statement; one more says that it is a part. */
export const SLOW_TEXT_MAX = 1_000;
/** So many slow statements of a member are kept. */
export const SLOW_KEPT = 200;

/** A statement of a member's clients that took long. */
export interface SlowStatement {
  /** When it was answered, ms since the Unix epoch. */
  readonly atMs: number;
  /** Whether it only read. */
  readonly kind: "query" | "write";
  /** Its text without parameters, 1,000 characters at most; of several the first one, and how many more there are. */
  readonly sql: string;
  /** From the request to the answer, waiting included, ms. */
  readonly ms: number;
  /** The code of its error; null: it was done. */
  readonly failure: string | null;
}

/** What a member tells of its slow statements, since it began. */
export interface SlowReport {
  /** What took so long counts, ms; null: nothing does. */
  readonly limitMs: number | null;
  /** The newest first, two hundred at most. */
  readonly statements: readonly SlowStatement[];
}

/** The slow statements of one member. */
export interface MemberSlow extends SlowReport {
  /** Whose clients asked. */
  readonly nodeId: NodeId;
}

/** The slow statements of all members. */
export interface SlowReports {
  /** Those that answered, by node id. */
  readonly members: readonly MemberSlow[];
  /** Members that did not answer within a second. */
  readonly silent: readonly NodeId[];
}

/** What a member tells of itself and of the others: for people who watch it. Kept in memory alone. */
export interface MemberTelemetry {
  /** All members, by node id. */
  reports(): readonly MemberSight[];
  /** How they were over time. */
  series(request: SeriesRequest): Series;
  /** What happened to them; asks the others. */
  events(request: MemberEventsRequest): Promise<MemberEvents>;
  /** Statements of their clients that took long; asks the others. Their texts may have values in them. */
  slow(): Promise<SlowReports>;
}
