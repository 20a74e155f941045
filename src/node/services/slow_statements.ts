import type { CommandBody } from "../../state/sql/types.ts";
import type { Clock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";

/** More of a text is not logged, characters. */
const TEXT_MAX = 1_000;
/** So many lines in {@linkcode WINDOW_MS}: when everything is slow, the log must not make it slower. */
const LINES_MAX = 10;
const WINDOW_MS = 10_000;

/** Logs statements that took long: their text, never their parameters. */
export class SlowStatements {
  readonly #limitMs: number;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #windowMs = -Infinity;
  #lines = 0;
  #left = 0;

  /** Logs those that took `limitMs` or longer; 0: none. */
  constructor(limitMs: number, clock: Clock, logger: Logger) {
    this.#limitMs = limitMs === 0 ? Infinity : limitMs;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** A write was answered. */
  wrote(body: CommandBody, ms: number, failure: string | null): void {
    if (ms >= this.#limitMs) this.#log("write", textOfWrite(body), ms, failure);
  }

  /** A query was answered. */
  asked(sql: string, ms: number, failure: string | null): void {
    if (ms >= this.#limitMs) this.#log("query", sql, ms, failure);
  }

  #log(kind: string, sql: string, ms: number, failure: string | null): void {
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
      ms: Math.round(ms),
      sql: shortened(sql),
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
  return sql.length > TEXT_MAX ? `${sql.slice(0, TEXT_MAX)}…` : sql;
}
