import type { StoredValue } from "../stored_value.ts";
import type { Notice } from "../topics/notice.ts";

import type { LockFence } from "../locks/types.ts";

/** A value as SQLite stores it. Integers beyond ±(2^53 - 1) are bigint, the others number. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** The value of a column of the first row that an earlier statement of the same transaction returned. */
export interface StatementReference {
  /** Position of the earlier statement, from 0. */
  readonly statement: number;
  /** Column position (from 0) or name. */
  readonly column: number | string;
}

/** A parameter: booleans become 1 and 0; references are for transactions only. */
export type SqlParameter = SqlValue | boolean | {
  readonly $ref: StatementReference;
};

/** Positional or named (`:name`, `@name`, `$name`; bare names are accepted) parameters. */
export type SqlParameters =
  | readonly SqlParameter[]
  | Readonly<Record<string, SqlParameter>>;

/** One statement with its parameters. */
export interface Statement {
  /** One SQL statement. */
  readonly sql: string;
  /** Its parameters. */
  readonly params?: SqlParameters;
}

/** A numbered step of the schema's history. */
export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly id: number;
  /** What the step is called. */
  readonly name: string;
  /** Its statements. */
  readonly sql: string;
}

/** What a write with statements publishes if it is applied: its data may be what a statement returned. */
export interface WriteNotice {
  /** 1 to 64 of `A-Za-z0-9_.-`. */
  readonly topic: string;
  /** What it carries. */
  readonly data: StoredValue | { readonly $ref: StatementReference };
}

/** A write that happens only while a lock is held. */
export interface Fenced {
  /** Looked at when the write is applied: without that lock it does nothing. */
  readonly fence?: LockFence;
}

/** What a write asks for. */
export type CommandBody =
  | (
    & {
      readonly kind: "execute";
      readonly statement: Statement;
      readonly notify?: readonly WriteNotice[];
    }
    & Fenced
  )
  /** All or nothing. */
  | (
    & {
      readonly kind: "txn";
      readonly statements: readonly Statement[];
      readonly notify?: readonly WriteNotice[];
    }
    & Fenced
  )
  /** Publishes events and does nothing else. */
  | { readonly kind: "notify"; readonly notices: readonly Notice[] }
  /** Several statements in one text, each on its own: an error ends the batch and keeps what came before. */
  | ({ readonly kind: "batch"; readonly sql: string } & Fenced)
  | { readonly kind: "migrate"; readonly migrations: readonly Migration[] };

/** A write that consists of statements. */
export type StatementsBody = Exclude<CommandBody, { readonly kind: "notify" }>;

/** What a statement did. */
export interface StatementResult {
  /** Rows inserted, updated or deleted by it, without those of triggers. */
  readonly rowsAffected: number;
  /** The rowid of the last row it inserted; null if it inserted none. */
  readonly lastInsertRowid: number | bigint | null;
  /** Names of the columns it returned; empty without RETURNING. */
  readonly columns: readonly string[];
  /** The rows it returned. */
  readonly rows: readonly (readonly SqlValue[])[];
}

/** A wrong command; the same on every member. */
export interface CommandFailure {
  /** The stable reason. */
  readonly code:
    | "sql"
    | "constraint"
    | "invalid"
    | "forbidden"
    | "too_large"
    | "conflict"
    | "fenced"
    | "session_expired"
    | "overloaded"
    | "timeout"
    | "internal";
  /** What is wrong, for people. */
  readonly message: string;
  /** Which statement of a transaction or batch, from 0. */
  readonly statement?: number;
}

/** The answer to a command. */
export type CommandResult =
  | { readonly ok: true; readonly results: readonly StatementResult[] }
  /** Of a batch: what came before the error has been kept. */
  | {
    readonly ok: false;
    readonly error: CommandFailure;
    readonly results: readonly StatementResult[];
  };

/** Rows of a query. */
export interface QueryResult {
  /** Names of the columns. */
  readonly columns: readonly string[];
  /** Their values, row by row. */
  readonly rows: readonly (readonly SqlValue[])[];
  /** The log index whose state was read, if the reader knows it exactly. */
  readonly index?: number;
}

/** The rows of one query, page by page. They are from one view of the database, which is over: who reads them holds up nobody. */
export interface RowStream {
  /** Names of the columns. */
  readonly columns: readonly string[];
  /** How many rows there are in all. */
  readonly count: number;
  /** The log index at which they are true. */
  readonly index: number;
  /**
   * The next rows, a thousand or 256 KiB; null after the last, and after {@linkcode end}. One call at a time.
   * @throws {HiqliteError} `timeout` if nobody asked for five minutes, `shutting_down`, `storage`, `overloaded`.
   */
  next(): Promise<readonly (readonly SqlValue[])[] | null>;
  /** Lets go of the rows that are left. Idempotent. */
  end(): Promise<void>;
}

/** Limits of one query; the ones exceeded are named in the error. */
export interface QueryLimits {
  /** Wall-clock time before it is stopped. */
  readonly timeoutMs: number;
  /** Rows in the answer. */
  readonly maxRows: number;
  /** Bytes in the answer, roughly. */
  readonly maxBytes: number;
  /** Only so many rows, the first ones, are wanted: it ends with them. @default all */
  readonly firstRows?: number;
}

/** Limits every member must apply equally, since they decide results. */
export const COMMAND_LIMITS = {
  /** Bytes of an encoded command. */
  commandBytes: 32 * 1024 * 1024,
  /** Bytes of one SQL text. */
  sqlBytes: 1024 * 1024,
  /** Parameters of one statement (SQLite's own limit is 32,766). */
  parameters: 32_766,
  /** Statements of one transaction. */
  statements: 100_000,
  /** Bytes of one text or blob. */
  valueBytes: 16 * 1024 * 1024,
  /** Bytes of an answer (RETURNING). */
  answerBytes: 16 * 1024 * 1024,
} as const;
