import { errorOf } from "../api/error_body.ts";
import { headOf, rowOf, type RowsHead } from "../api/row_lines.ts";
import { ITERATE, iterateToJson } from "../api/routes/iterate.ts";
import { HiqliteError } from "../errors.ts";
import type { QueryRequest, RowStream } from "../node/port.ts";
import type { SqlValue } from "../state/sql/types.ts";
import { pause } from "../util/abort.ts";
import { startTimer } from "../util/timers.ts";
import type { FailoverOptions } from "./failover.ts";
import { type ByteSource, giveUp, textLines } from "./text_lines.ts";

/** First and longest pause after every member was tried, ms. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;
/** A member that was asked for rows has them in a file; one that is silent for so long is lost, ms. */
const SILENCE_MS = 45_000;

/** Errors that another member, or another time, may not have. */
const PASSING: readonly string[] = [
  "no_leader",
  "overloaded",
  "shutting_down",
  "storage",
  "internal",
];

/** What is asked for. */
export interface RowsAsked {
  readonly request: QueryRequest;
  /** Longest wait for the first line, all attempts together, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * The rows of a query, over HTTP. Members are asked in turn until one has them; rows of another one would be of
 * another moment, so it is never changed afterwards.
 * @throws {HiqliteError} as the members say; `timeout`; `shutting_down` when the client ends.
 */
export async function rowsOverHttp(
  options: FailoverOptions,
  { request, timeoutMs, signal }: RowsAsked,
  closing: AbortSignal,
): Promise<RowStream> {
  const { urls } = options;
  const late = new AbortController();
  const timer = startTimer(() => late.abort(), timeoutMs);
  const given = signal === undefined ? [closing] : [closing, signal];
  const stopped = AbortSignal.any([late.signal, ...given]);
  const body = JSON.stringify(iterateToJson(request, timeoutMs));
  let last: HiqliteError | undefined;
  try {
    let pauseMs = PAUSE_MS_MIN;
    for (let at = 0; !stopped.aborted; at++) {
      try {
        return await begun(options, urls[at % urls.length]!, body, stopped);
      } catch (error) {
        if (!(error instanceof HiqliteError)) throw error;
        if (!PASSING.includes(error.code)) throw error;
        last = error;
      }
      if ((at + 1) % urls.length > 0) continue;
      await pause(pauseMs, stopped);
      pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
    }
  } finally {
    clearTimeout(timer);
  }
  signal?.throwIfAborted();
  if (closing.aborted) {
    throw new HiqliteError(
      "shutting_down",
      "This client was shut down; connect() makes a new one",
    );
  }
  throw last ?? new HiqliteError(
    "timeout",
    `POST ${ITERATE.path} got no clear answer within ${timeoutMs} ms`,
  );
}

/** A stream whose first line is here. @throws {HiqliteError} what the member answers instead; `no_leader` if it cannot be reached. */
async function begun(
  { secret, fetch }: FailoverOptions,
  url: string,
  body: string,
  stopped: AbortSignal,
): Promise<RowStream> {
  let source: ByteSource | undefined;
  const stop = (): void => source && giveUp(source);
  stopped.addEventListener("abort", stop);
  try {
    const response = await fetch(`${url}${ITERATE.path}`, {
      method: "POST",
      headers: { "x-api-secret": secret, "content-type": "application/json" },
      body,
      // A redirect would carry the secret to wherever it points.
      redirect: "error",
      signal: stopped,
    });
    if (!response.ok || response.body === null) {
      throw refusalOf(url, response.status, await response.text());
    }
    source = response.body.getReader();
    const lines = textLines(source, SILENCE_MS);
    const first = await lines.next();
    const head = first.done ? null : headOf(first.value[0]!);
    if (head !== null) {
      return new LineRows(head, first.value!.slice(1), { lines, source });
    }
    await lines.return(undefined);
    throw new HiqliteError("internal", `${url} answered without rows`);
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    const why = cause instanceof Error ? cause.message : `${cause}`;
    throw new HiqliteError("no_leader", `${url}: ${why}`, { cause });
  } finally {
    stopped.removeEventListener("abort", stop);
  }
}

function refusalOf(url: string, status: number, text: string): HiqliteError {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Whoever answers so is no member.
  }
  const told = errorOf(json);
  return told === undefined
    ? new HiqliteError(
      status >= 500 ? "internal" : "invalid",
      `${url} answered ${status} without an error of this API; is it a member's API address?`,
    )
    : new HiqliteError(told.code, told.message);
}

/** The lines of a body, and what they come from. */
interface Body {
  readonly lines: AsyncGenerator<readonly string[]>;
  readonly source: ByteSource;
}

/** Rows that come as lines. */
class LineRows implements RowStream {
  readonly columns: readonly string[];
  readonly count: number;
  readonly index: number;
  readonly #body: Body;
  #waiting: readonly string[];
  #taken = 0;

  constructor(
    { columns, count, index }: RowsHead,
    waiting: readonly string[],
    body: Body,
  ) {
    this.columns = columns;
    this.count = count;
    this.index = index;
    this.#waiting = waiting;
    this.#body = body;
  }

  async next(): Promise<readonly (readonly SqlValue[])[] | null> {
    if (this.#taken === this.count) {
      await this.end();
      return null;
    }
    try {
      const texts = await this.#texts();
      const rows = texts.map(rowOf);
      this.#taken += rows.length;
      return rows;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  /** The lines that are here, at least one. @throws {HiqliteError} `shutting_down` */
  async #texts(): Promise<readonly string[]> {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) return waiting;
    let why: unknown;
    try {
      const { done, value } = await this.#body.lines.next();
      if (!done) return value;
    } catch (error) {
      why = error;
    }
    throw new HiqliteError(
      "shutting_down",
      `The stream broke after ${this.#taken} of ${this.count} rows: the member has ended or cannot be reached; begin again`,
      { cause: why },
    );
  }

  async end(): Promise<void> {
    giveUp(this.#body.source);
    await this.#body.lines.return(undefined);
  }
}
