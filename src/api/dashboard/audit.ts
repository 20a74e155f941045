import type { DashboardRole } from "./routes.ts";

/** The answer of `GET audit`: the last 500 at most, the newest first. */
export interface JsonAuditTrail {
  readonly entries: readonly JsonAuditEntry[];
}

/** Something that was done from a dashboard. */
export interface JsonAuditEntry {
  /** Its place in the log: grows with time, the same on every member. */
  readonly index: number;
  /** When, ms since 1970, by the leader's clock. */
  readonly at_ms: number;
  readonly role: DashboardRole;
  /** From where the request came, as the member knows it; empty if it does not. */
  readonly address: string;
  /** The node that was asked. */
  readonly node_id: number;
  /** `login`, `logout`, or the name of a route, such as `write`. */
  readonly action: string;
  /** What was asked: a statement without its parameters, a member, a table; of a file its first part. At most 1,000 characters. */
  readonly detail: string;
  /** `done`, or the code of the error. */
  readonly outcome: string;
  /** Rows that were changed or exported; null if it is not about rows. */
  readonly rows: number | null;
  /** The place in the log of what it did; null if it did nothing there. */
  readonly write_index: number | null;
  /** The name of the file that was sent in parts, which all are this entry; null: it was none. */
  readonly file: string | null;
  /** Statements of that file, or rows, that were done; null without a file. */
  readonly count: number | null;
}
