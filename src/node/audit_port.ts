import type { AuditEntry, AuditNote } from "../state/audit/types.ts";

export type { AuditEntry, AuditNote, AuditRun } from "../state/audit/types.ts";
export { FILE_CHARS_MAX } from "../state/audit/types.ts";

/** What a member remembers of what was done from dashboards, on any member. */
export interface MemberAudit {
  /**
   * Remembers it, and resolves when a majority does and this member.
   * @throws {HiqliteError} `no_leader`, `overloaded`, `disk_full`, `outcome_unknown`
   */
  note(note: AuditNote): Promise<void>;
  /** The last 500 at most, as this member knows them, the newest first. */
  latest(): readonly AuditEntry[];
  /**
   * Nobody goes on with this session, on any member. `untilMs` is when it would have ended, ms since 1970.
   * @throws {HiqliteError} as {@linkcode note}
   */
  endSession(session: string, untilMs: number, note: AuditNote): Promise<void>;
  /**
   * Spends what is good once; remembered until `untilMs`, ms since 1970. Whether this was the first time; only that is noted.
   * @throws {HiqliteError} as {@linkcode note}
   */
  spend(nonce: string, untilMs: number, note: AuditNote): Promise<boolean>;
  /** Whether a session was ended, or a nonce spent, as this member knows it. */
  hasEnded(session: string): boolean;
}
