import { HiqliteError } from "../errors.ts";
import type { StatementsBody } from "../state/sql/types.ts";
import { described } from "./cache/describe.ts";

/** What an option may be. */
export interface OptionRule {
  /** In words. */
  readonly what: string;
  holds(value: unknown): boolean;
}

/** The options of a call, by their names. */
export type KnownOptions = Readonly<Record<string, OptionRule>>;

/** A switch. */
export const FLAG_RULE: OptionRule = {
  what: "true or false",
  holds: (value) => typeof value === "boolean",
};
/** Any text. */
export const TEXT_RULE: OptionRule = {
  what: "text",
  holds: (value) => typeof value === "string",
};
/** A time, ms. */
export const DURATION_RULE: OptionRule = {
  what: "a number of milliseconds",
  holds: (value) => typeof value === "number" && value >= 0,
};
/** It is looked at where it is used. */
const ANY: OptionRule = { what: "", holds: () => true };
const CONSISTENCY: OptionRule = {
  what: '"local" or "linearizable"',
  holds: (value) => value === "local" || value === "linearizable",
};

/** Of every change. */
export const WRITE_OPTIONS: KnownOptions = {
  signal: {
    what: "an AbortSignal",
    holds: (value) =>
      typeof value === "object" && value !== null && "aborted" in value,
  },
  timeoutMs: DURATION_RULE,
  idempotencyKey: TEXT_RULE,
  maxRunMs: DURATION_RULE,
};
/** Who lost a lock, or never got it, must not write as if there were none. */
const FENCE: OptionRule = {
  what: "a lock, or { name, token }",
  holds: (value) =>
    typeof value === "object" && value !== null &&
    "name" in value && typeof value.name === "string" &&
    "token" in value && typeof value.token === "number",
};
const WRITE_STATEMENTS: KnownOptions = {
  ...WRITE_OPTIONS,
  fence: FENCE,
  notify: ANY,
  schema: ANY,
};
/** Of each kind of write. */
export const WRITE_SQL: Readonly<Record<StatementsBody["kind"], KnownOptions>> =
  {
    execute: WRITE_STATEMENTS,
    txn: WRITE_STATEMENTS,
    batch: { ...WRITE_OPTIONS, fence: FENCE },
    migrate: WRITE_OPTIONS,
  };
/** A statement of a transaction. */
export const STATEMENT: KnownOptions = { sql: ANY, params: ANY };
/** Of a backup. */
export const BACKUP_OPTIONS: KnownOptions = {
  signal: WRITE_OPTIONS.signal!,
  timeoutMs: DURATION_RULE,
  idempotencyKey: TEXT_RULE,
  progress: ANY,
};
/** Of every wait for an answer. */
export const CALL_OPTIONS: KnownOptions = {
  signal: WRITE_OPTIONS.signal!,
  timeoutMs: DURATION_RULE,
};
/** Of a query. */
export const QUERY_OPTIONS: KnownOptions = {
  ...CALL_OPTIONS,
  consistency: CONSISTENCY,
  minIndex: ANY,
  schema: ANY,
};
/** Of following tables. */
export const CHANGES_OPTIONS: KnownOptions = {
  tables: ANY,
  since: ANY,
  signal: WRITE_OPTIONS.signal!,
};
/** Of following a query. */
export const LIVE_OPTIONS: KnownOptions = {
  ...CALL_OPTIONS,
  schema: ANY,
  minIntervalMs: ANY,
  minIndex: ANY,
};
/** Of listening to topics. */
export const LISTEN_OPTIONS: KnownOptions = {
  topics: ANY,
  since: TEXT_RULE,
  signal: WRITE_OPTIONS.signal!,
};
/** Of asking for a lock that is free. */
export const TRY_LOCK_OPTIONS: KnownOptions = {
  ttlMs: ANY,
  permits: ANY,
  limit: ANY,
  shared: ANY,
  value: ANY,
  signal: WRITE_OPTIONS.signal!,
};
/** Of asking for a lock. */
export const LOCK_OPTIONS: KnownOptions = { ...TRY_LOCK_OPTIONS, waitMs: ANY };
/** Of a list of locks. */
export const LOCK_LIST_OPTIONS: KnownOptions = {
  ...CALL_OPTIONS,
  consistency: CONSISTENCY,
};
/** Of a token; the member checks what they are. */
export const TOKEN_OPTIONS: KnownOptions = {
  name: TEXT_RULE,
  scope: TEXT_RULE,
  caches: ANY,
  expiresAt: ANY,
};
/** Of standing for an election. */
export const ELECT_OPTIONS: KnownOptions = { value: ANY, ttlMs: ANY };

/**
 * Options that are what they must be: a misspelled one would mean nothing, and nobody would know.
 * @throws {HiqliteError} `invalid`
 */
export function checked<Options extends object>(
  options: Options,
  known: KnownOptions,
): Options {
  if (typeof options !== "object" || options === null) {
    throw wrong("options", "an object", options);
  }
  for (const name in options) {
    const value: unknown = options[name];
    if (value === undefined) continue;
    const expected = Object.hasOwn(known, name) ? known[name] : undefined;
    if (expected === undefined) {
      throw new HiqliteError(
        "invalid",
        `There is no option ${
          JSON.stringify(name.slice(0, 40))
        } here; there are ${Object.keys(known).join(", ")}`,
      );
    }
    if (!expected.holds(value)) throw wrong(name, expected.what, value);
  }
  return options;
}

/** What a wrong value is told with. */
export function wrong(
  name: string,
  what: string,
  value: unknown,
): HiqliteError {
  return new HiqliteError(
    "invalid",
    `${name}: expected ${what}, got ${described(value)}`,
  );
}
