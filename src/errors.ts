/**
 * What went wrong, as a stable string.
 *
 * | code | HTTP | meaning |
 * |---|---|---|
 * | `sql` | 400 | the statement is wrong or broke a rule of the schema; nothing of it was kept |
 * | `constraint` | 409 | a UNIQUE, CHECK, NOT NULL or FOREIGN KEY constraint refused the write |
 * | `invalid` | 400 | the request is malformed: types, parameters, limits |
 * | `too_large` | 413 | the request or the answer is over a limit, which the message names |
 * | `forbidden` | 403 | the statement is not allowed here (ATTACH, unsafe PRAGMA, a write in a query …), or the token is not for this |
 * | `unauthorized` | 401 | the secret or token is missing, wrong, revoked or expired |
 * | `not_found` | 404 | no such thing |
 * | `no_rows` | 404 | exactly one row was asked for and there was none |
 * | `conflict` | 409 | the request contradicts the present state (membership, migrations …) |
 * | `precondition_failed` | 412 | a check or a condition of a cache operation does not hold; nothing was done |
 * | `fenced` | 409 | the write's lock is not held any more; nothing was done |
 * | `lock_held` | 409 | others hold the lock, or wait for it, and the wait is over |
 * | `lock_lost` | 409 | the lock, or its lease, is over or was never there |
 * | `cache_full` | 507 | a cache, or all together, have no room for this; nothing was done |
 * | `cache_reset` | 409 | the caches began anew, empty, since what the request refers to; nothing was done |
 * | `timeout` | 504 | a read or write ran for too long; nothing was changed |
 * | `no_leader` | 503 | no leader was found in time; the write was not applied |
 * | `overloaded` | 429 | queues are full, or a rate limit is used up; nothing was done |
 * | `disk_full` | 507 | the member has no room; the write was not applied |
 * | `outcome_unknown` | 500 | the write may or may not have been applied |
 * | `session_expired` | 410 | the retry window of this client is over; the write was not applied again |
 * | `shutting_down` | 503 | the member is stopping |
 * | `config` | – | the configuration is wrong; the message names the key |
 * | `storage` | 500 | a file of this member cannot be read or written |
 * | `internal` | 500 | a defect |
 */
export type ErrorCode =
  | "sql"
  | "constraint"
  | "invalid"
  | "too_large"
  | "forbidden"
  | "unauthorized"
  | "not_found"
  | "no_rows"
  | "conflict"
  | "precondition_failed"
  | "fenced"
  | "lock_held"
  | "lock_lost"
  | "cache_full"
  | "cache_reset"
  | "timeout"
  | "no_leader"
  | "overloaded"
  | "disk_full"
  | "outcome_unknown"
  | "session_expired"
  | "shutting_down"
  | "config"
  | "storage"
  | "internal";

/** Every error this package throws on purpose. */
export class HiqliteError extends Error {
  /** `HiqliteError`, or a subclass's name. */
  override readonly name: string = "HiqliteError";
  /** The stable reason; see {@linkcode ErrorCode}. */
  readonly code: ErrorCode;

  /** An error with a stable code and a message for people. */
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The write may or may not have been applied; ask before you repeat it under a new session. */
export class OutcomeUnknownError extends HiqliteError {
  /** `OutcomeUnknownError` */
  override readonly name: string = "OutcomeUnknownError";
  /** `message` says what was lost and when. */
  constructor(message: string, options?: ErrorOptions) {
    super("outcome_unknown", message, options);
  }
}

/** A configuration value is missing or wrong. */
export class ConfigError extends HiqliteError {
  /** `ConfigError` */
  override readonly name: string = "ConfigError";
  /** The configuration key, as the user writes it. */
  readonly key: string;
  /** `problem` completes the sentence "`key` …". */
  constructor(key: string, problem: string) {
    super("config", `${key}: ${problem}`);
    this.key = key;
  }
}

/** The HTTP status that belongs to an error code. */
export const HTTP_STATUS: Readonly<Record<ErrorCode, number>> = {
  sql: 400,
  constraint: 409,
  invalid: 400,
  too_large: 413,
  forbidden: 403,
  unauthorized: 401,
  not_found: 404,
  no_rows: 404,
  conflict: 409,
  precondition_failed: 412,
  fenced: 409,
  lock_held: 409,
  lock_lost: 409,
  cache_full: 507,
  cache_reset: 409,
  timeout: 504,
  no_leader: 503,
  overloaded: 429,
  disk_full: 507,
  outcome_unknown: 500,
  session_expired: 410,
  shutting_down: 503,
  config: 400,
  storage: 500,
  internal: 500,
};
