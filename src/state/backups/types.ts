import type { LogIndex, MemberId, Term } from "../../raft/types.ts";
import type { StatePosition } from "../port.ts";

/** What a finished backup holds. */
export interface BackupContents {
  /** The last entry in it: at or after the one that began it. */
  readonly index: LogIndex;
  /** The term of that entry. */
  readonly term: Term;
  /** When that entry was written, ms since 1970, by its leader's clock. */
  readonly timeMs: number;
  /** The state's hash there, which every member has had at that index. */
  readonly hash: number;
  /** The size of the SQLite file, bytes. */
  readonly size: number;
  /** SHA-256 of the SQLite file, hex. */
  readonly sha256: string;
}

/** Where a backup goes: to the store that is configured, or into the folder of the member that takes it. */
export type BackupPlace = "store" | "folder";

/** A backup as the cluster remembers it. */
export interface BackupRecord {
  /** Names it for ever: 1 to 64 of `a-z`, `0-9` and `-`. */
  readonly id: string;
  /** The cluster that it is of. */
  readonly cluster: string;
  /** The entry that began it. */
  readonly began: LogIndex;
  /** When it was asked for, ms since 1970, by the clock of who led. */
  readonly at: number;
  /** The time of the schedule that it is for, ms since 1970; null if somebody asked for it. */
  readonly slot: number | null;
  /** What its object or file is called. */
  readonly name: string;
  /** Who takes it. */
  readonly uploader: MemberId;
  /** How often somebody was named to take it, from 1. */
  readonly attempt: number;
  /** What became of it so far. */
  readonly state: "running" | "done" | "failed";
  /** Once it is done. */
  readonly contents?: BackupContents;
  /** Once it is done. */
  readonly place?: BackupPlace;
  /** When it ended, ms since 1970, by the clock of who said so. */
  readonly ended?: number;
  /** Why the present attempt failed, if it did. */
  readonly error?: string;
  /** Who looks whether it is good, and for which time of that schedule, ms since 1970. */
  readonly check?: { readonly slot: number; readonly by: MemberId };
  /** What the last look found. */
  readonly checked?: BackupCheck;
}

/** What a look at a backup that was taken has found. */
export interface BackupCheck {
  /** For which time of that schedule, ms since 1970. */
  readonly slot: number;
  /** When, ms since 1970. */
  readonly at: number;
  /** What is wrong with it; null if it is good. */
  readonly problem: string | null;
}

/** What of a cluster's log is archived: the entries after `after` up to `through`, all of them. */
export interface ArchivedLog {
  readonly cluster: string;
  readonly after: LogIndex;
  readonly through: LogIndex;
}

/** What an entry asks of the backups. */
export type BackupOperation =
  | RecordOperation
  /** These entries are archived, too. Where they do not follow on what was, the archive begins anew with them. */
  | ({ readonly kind: "archived" } & ArchivedLog);

/** What an entry asks of the records of backups. */
export type RecordOperation =
  | {
    readonly kind: "begin";
    readonly id: string;
    readonly cluster: string;
    readonly at: number;
    readonly slot: number | null;
    readonly name: string;
    readonly uploader: MemberId;
  }
  /** Another attempt, by whomever. */
  | {
    readonly kind: "assign";
    readonly id: string;
    readonly attempt: number;
    readonly uploader: MemberId;
  }
  /** It is where it shall be. The first who says so is right. */
  | {
    readonly kind: "done";
    readonly id: string;
    readonly place: BackupPlace;
    readonly at: number;
    readonly contents: BackupContents;
  }
  /** An attempt failed; with `last` the backup. */
  | {
    readonly kind: "failed";
    readonly id: string;
    readonly attempt: number;
    readonly at: number;
    readonly error: string;
    readonly last: boolean;
  }
  /** Somebody shall look whether it is good; once more for the same time, if that one is gone. */
  | {
    readonly kind: "check";
    readonly id: string;
    readonly slot: number;
    readonly by: MemberId;
  }
  | {
    readonly kind: "checked";
    readonly id: string;
    readonly slot: number;
    readonly at: number;
    readonly problem: string | null;
  };

/** What an operation did. */
export type BackupAnswer =
  | RecordAnswer
  | { readonly ok: true; readonly archived: ArchivedLog };

/** What an operation on records did. */
export type RecordAnswer =
  | { readonly ok: true; readonly record: BackupRecord }
  /** Nothing; `detail` says why. */
  | { readonly ok: false; readonly detail: string };

/** Records that are kept beside those that run. */
export const RECORDS_KEPT = 100;

/** The longest error that is kept of an attempt, characters. */
export const ERROR_CHARS_MAX = 500;

/** What a SQLite file says of itself that is a copy of a member's database. */
export interface BackupFacts extends StatePosition {
  /** The cluster that it is of; null if it does not say. */
  readonly cluster: string | null;
  /** The backup that was being taken when it was copied; null for a copy that was made in another way. */
  readonly record: BackupRecord | null;
}

/** Reads all records, in the order in which they began. */
export const SELECT_BACKUPS = "SELECT record FROM _hql_backups ORDER BY began";

/** Reads what is archived of the log, as three columns; no row before anything is. */
export const SELECT_ARCHIVED =
  "SELECT cluster, after_index, through_index FROM _hql_archive";

/** Reads the one that began last. */
export const SELECT_LAST_BACKUP = `${SELECT_BACKUPS} DESC LIMIT 1`;
