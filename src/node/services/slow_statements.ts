import { Buffer } from "node:buffer";
import type { CommandBody } from "../../state/sql/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";
import {
  SLOW_KEPT,
  SLOW_TEXT_MAX,
  type SlowStatement,
} from "../telemetry_port.ts";

/** So many lines in {@linkcode WINDOW_MS}: when everything is slow, the log must not make it slower. */
const LINES_MAX = 10;
const WINDOW_MS = 10_000;

/** Logs statements that took long, and remembers the last ones: their text, never their parameters. */
export class SlowStatements {
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #windowMs = -Infinity;
  #lines = 0;
  #left = 0;
  /** The oldest first; with the longest texts about 400 KiB. */
  readonly #remembered: SlowStatement[] = [];

  /** Logs those that took `limitMs` or longer; 0: none. */
  constructor(limitMs: number, clock: Clock, logger: Logger) {
    this.#limitMs = limitMs === 0 ? Infinity : limitMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The last ones, the newest first, two hundred at most. */
  get latest(): readonly SlowStatement[] {
    return this.#remembered.toReversed();
  }

  /** What took so long counts, ms; null: nothing does. */
  get limitMs(): number | null {
    return this.#limitMs === Infinity ? null : this.#limitMs;
  }

  /** A write was answered. */
  wrote(body: CommandBody, ms: number, failure: string | null): void {
    if (ms < this.#limitMs) return;
    this.#took({ kind: "write", sql: textOfWrite(body), ms, failure });
  }

  /** A query was answered. */
  asked(sql: string, ms: number, failure: string | null): void {
    if (ms >= this.#limitMs) this.#took({ kind: "query", sql, ms, failure });
  }

  #took(
    { kind, sql, ms, failure }: Omit<SlowStatement, "atMs">,
  ): void {
    const slow: SlowStatement = {
      atMs: this.#clock.wall(),
      kind,
      sql: shortened(sql),
      ms: Math.round(ms),
      failure,
    };
    this.#remembered.push(slow);
    if (this.#remembered.length > SLOW_KEPT) this.#remembered.shift();
    this.#log(slow);
  }

  #log({ kind, sql, ms, failure }: SlowStatement): void {
    const now = this.#clock.monotonic();
    if (now - this.#windowMs >= WINDOW_MS) {
      this.#windowMs = now;
      this.#lines = 0;
    }
    if (this.#lines >= LINES_MAX) {
      this.#left++;
      return;
    }
    this.#lines++;
    const leftOut = this.#left;
    this.#left = 0;
    this.#logger.warn("slow statement", {
      kind,
      ms,
      sql,
      ...(failure === null ? {} : { failed: failure }),
      ...(leftOut === 0 ? {} : { leftOut }),
    });
  }
}

/** The text of a write: the first statement, and how many more there are. */
export function textOfWrite(body: CommandBody): string {
  switch (body.kind) {
    case "execute":
      return body.statement.sql;
    case "txn":
      return first(body.statements);
    case "batch":
      return body.sql;
    case "migrate":
      return first(body.migrations);
    case "notify":
      return "notify";
  }
}

function first(statements: readonly { readonly sql: string }[]): string {
  const [{ sql } = { sql: "" }] = statements;
  const more = statements.length - 1;
  return more > 0 ? `${shortened(sql)} … and ${more} more` : sql;
}

function shortened(sql: string): string {
  return sql.length > SLOW_TEXT_MAX
    ? `${copied(sql.slice(0, SLOW_TEXT_MAX))}…`
    : sql;
}

/** A part of a text keeps all of it in memory, unless its characters are others. */
function copied(part: string): string {
  return Buffer.from(part, "utf16le").toString("utf16le");
}
