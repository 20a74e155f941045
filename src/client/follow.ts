import { errorOf } from "../api/error_body.ts";
import { ERROR_EVENT, type ServerEvent } from "../api/server_event.ts";
import { HiqliteError } from "../errors.ts";
import { startTimer } from "../util/timers.ts";
import { pause } from "../util/abort.ts";
import type { FailoverOptions } from "./failover.ts";
import { parseServerEvents } from "./server_events.ts";
import { giveUp } from "./text_lines.ts";

/** First and longest pause after a stream broke, ms. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;
/** Members say something every 15 s; one that is silent for so long is left, ms. */
const SILENCE_MS = 45_000;

/** Errors that another member, or another time, may not have. */
const PASSING: readonly string[] = [
  "no_leader",
  "overloaded",
  "shutting_down",
  "outcome_unknown",
  "storage",
  "internal",
];

/** What is followed, and how. */
export interface Followed<T> {
  /** The request that goes on from an id; undefined: from the beginning. */
  request(id: string | undefined): {
    readonly path: string;
    /** As JSON, by POST; by GET if there is none. */
    readonly body?: unknown;
  };
  /** What an event tells; null: nothing. */
  read(event: ServerEvent): T | null;
  /** Where to go on from after it, when before it that was `id`. */
  idAfter(event: ServerEvent, id: string | undefined): string | undefined;
  /** An error, beside those of any member at any time, that another member or another time may not have. */
  readonly passing?: string;
  /** Ends when as many members as there are have said one after the other that they are `overloaded`. */
  readonly bounded?: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * Follows server-sent events. A stream that ends or falls silent goes on at the next member, from the last
 * id; there is no other end than the signal, the client's, or an error that lasts.
 * @throws {HiqliteError} `shutting_down` when the client ends, and errors that last.
 */
export async function* followOverHttp<T>(
  options: FailoverOptions,
  followed: Followed<T>,
  closing: AbortSignal,
): AsyncGenerator<T> {
  const { urls } = options;
  const { signal } = followed;
  const stopped = signal === undefined
    ? closing
    : AbortSignal.any([closing, signal]);
  let id: string | undefined;
  let pauseMs = PAUSE_MS_MIN;
  let full = 0;
  for (let at = 0; !stopped.aborted; at = (at + 1) % urls.length) {
    try {
      for await (
        const event of streamOf(options, urls[at]!, followed, id, stopped)
      ) {
        pauseMs = PAUSE_MS_MIN;
        full = 0;
        id = followed.idAfter(event, id);
        const told = followed.read(event);
        if (told !== null) yield told;
      }
    } catch (error) {
      const { code } = error as HiqliteError;
      if (!PASSING.includes(code) && code !== followed.passing) throw error;
      full = code === "overloaded" ? full + 1 : 0;
      if (followed.bounded && full >= urls.length) throw error;
    }
    if (!stopped.aborted) await pause(pauseMs, stopped);
    pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
  }
  if (closing.aborted && !signal?.aborted) {
    throw new HiqliteError(
      "shutting_down",
      "This client was shut down; connect() makes a new one",
    );
  }
}

/** The events of one member's stream, until it ends or breaks. @throws {HiqliteError} what the member answers instead. */
async function* streamOf<T>(
  { secret, fetch }: FailoverOptions,
  url: string,
  followed: Followed<T>,
  id: string | undefined,
  stopped: AbortSignal,
): AsyncGenerator<ServerEvent> {
  const { path, body } = followed.request(id);
  const silent = new AbortController();
  try {
    const response = await inTime(
      silent,
      fetch(`${url}${path}`, {
        headers: {
          "x-api-secret": secret,
          "accept": "text/event-stream",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        redirect: "error",
        signal: AbortSignal.any([stopped, silent.signal]),
        ...(body === undefined
          ? {}
          : { method: "POST", body: JSON.stringify(body) }),
      }),
    );
    if (!response.ok || response.body === null) {
      return throwAnswered(await response.text());
    }
    const chunks = chunksOf(response.body, silent, stopped);
    for await (const event of parseServerEvents(chunks)) {
      if (event.event === ERROR_EVENT) throwTold(event.data);
      yield event;
    }
  } catch (error) {
    // Anything else is a connection that could not be made, or broke.
    if (error instanceof HiqliteError) throw error;
  } finally {
    silent.abort();
  }
}

/** A stream's chunks. It is silent only while somebody waits for one: a consumer may take its time. */
async function* chunksOf(
  body: ReadableStream<Uint8Array>,
  silent: AbortController,
  stopped: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  const over = AbortSignal.any([stopped, silent.signal]);
  const end = (): void => giveUp(reader);
  over.addEventListener("abort", end);
  if (over.aborted) end();
  try {
    for (;;) {
      const { done, value } = await inTime(silent, reader.read());
      if (done) return;
      yield value;
    }
  } finally {
    over.removeEventListener("abort", end);
    end();
  }
}

/** What a member says, unless it says nothing for too long. */
async function inTime<T>(
  silent: AbortController,
  said: Promise<T>,
): Promise<T> {
  const timer = startTimer(() => silent.abort(), SILENCE_MS);
  try {
    return await said;
  } finally {
    clearTimeout(timer);
  }
}

function throwAnswered(text: string): void {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return;
  }
  throwTold(body);
}

/** @throws {HiqliteError} what the body of an error says. */
function throwTold(body: unknown): void {
  const problem = errorOf(body);
  if (problem === undefined) return;
  throw new HiqliteError(problem.code, problem.message);
}
