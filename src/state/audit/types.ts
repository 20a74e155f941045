import type { LogIndex } from "../../raft/types.ts";

/** A file that is sent in parts: what is done with it is one note, however many parts it has. */
export interface AuditRun {
  /** Of this run of the file: 1 to 64 of `A-Za-z0-9_-`. */
  readonly id: string;
  /** The file's name; at most {@linkcode FILE_CHARS_MAX} characters. */
  readonly file: string;
  /** Statements, or rows, of the parts so far that were done. */
  readonly count: number;
}

/** Something that was done from a dashboard. */
export interface AuditNote {
  /** What whoever did it may do. */
  readonly role: "viewer" | "admin";
  /** From where the request came; empty if that is not known. At most 100 characters. */
  readonly address: string;
  /** The node that was asked. */
  readonly nodeId: number;
  /** 1 to 40 of `A-Za-z`. */
  readonly action: string;
  /** What was asked; never a parameter. At most {@linkcode DETAIL_CHARS_MAX} characters. */
  readonly detail: string;
  /** `done`, or the code of an error. */
  readonly outcome: string;
  /** Rows that were changed or given out; null if it is not about rows. */
  readonly rows: number | null;
  /** The place in the log of what it did; null if it did nothing there. */
  readonly did: LogIndex | null;
  /** The file that this is a part of. */
  readonly run?: AuditRun;
}

/** A note as the cluster remembers it. */
export interface AuditEntry extends AuditNote {
  /** Its place in the log. */
  readonly index: LogIndex;
  /** When, ms since 1970, by the clock of who led. */
  readonly atMs: number;
}

/** What an entry asks of the audit trail. */
export type AuditOperation =
  | { readonly kind: "note"; readonly note: AuditNote }
  /** Somebody signed out: nobody goes on with this session, which would have ended at `untilMs` in any case. */
  | {
    readonly kind: "end";
    /** 1 to 64 of `A-Za-z0-9_-`. */
    readonly session: string;
    readonly untilMs: number;
    readonly note: AuditNote;
  }
  /** Somebody uses what is good once: who asks first has it, and only that is noted. */
  | {
    readonly kind: "spend";
    /** 1 to 64 of `A-Za-z0-9_-`. */
    readonly nonce: string;
    /** How long that is remembered, ms since 1970. */
    readonly untilMs: number;
    readonly note: AuditNote;
  };

/** The longest {@linkcode AuditNote.detail}, characters. */
export const DETAIL_CHARS_MAX = 1000;

/** The longest {@linkcode AuditRun.file}, characters. */
export const FILE_CHARS_MAX = 200;

/** Among so many of the newest notes of a role the one of a run is looked for; behind them it begins another one. */
export const RUN_LOOKED_AT = 100;

/**
 * Notes that are kept, of each role: older ones go. So nobody who may only look can push out what was changed, nor
 * out of what {@linkcode SELECT_NOTES} reads.
 */
export const NOTES_KEPT: Readonly<Record<AuditNote["role"], number>> = {
  admin: 2000,
  viewer: 200,
};

/** Sessions that ended and nonces that are spent, and are remembered; beyond it the one that lasts least is forgotten. */
export const ENDED_KEPT = 10_000;

/** Reads the newest notes. */
export const SELECT_NOTES =
  "SELECT idx, at, note FROM _hql_audit ORDER BY n DESC LIMIT 500";

/** Reads the newest notes of a role. */
export const SELECT_NOTES_OF_ROLE =
  `SELECT n, note FROM main._hql_audit WHERE role = ? ORDER BY n DESC LIMIT ${RUN_LOOKED_AT}`;

/** Whether a session has ended. */
export const SELECT_ENDED = "SELECT 1 FROM _hql_signed_out WHERE session = ?";
