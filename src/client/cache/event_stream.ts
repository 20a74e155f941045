import { watchEventOf } from "../../api/cache_events.ts";
import { errorOf } from "../../api/error_body.ts";
import { positionText } from "../../api/cache_json.ts";
import { HiqliteError } from "../../errors.ts";
import type {
  CachePosition,
  CacheWatchEvent,
  CacheWatchRequest,
} from "../../node/port.ts";
import type { ByteKey } from "../../state/kv/types.ts";
import { pause } from "../abort.ts";
import { startTimer } from "../../util/timers.ts";
import type { FailoverOptions } from "../failover.ts";
import { parseServerEvents } from "./server_events.ts";

/** First and longest pause after a stream broke, ms. */
const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 1000;
/** Members say something every 15 s; one that is silent for so long is left, ms. */
const SILENCE_MS = 45_000;

/** Errors that another member, or another time, may not have. */
const PASSING: ReadonlySet<string> = new Set([
  "no_leader",
  "overloaded",
  "shutting_down",
  "outcome_unknown",
  "timeout",
  "storage",
  "internal",
]);

/**
 * Watches over HTTP. A stream that ends or falls silent goes on at the next member, from the last
 * position; there is no other end than the signal, the client's, or an error that lasts.
 * @throws {HiqliteError} `shutting_down` when the client ends, and errors that last.
 */
export async function* watchOverHttp(
  options: FailoverOptions,
  request: CacheWatchRequest,
  closing: AbortSignal,
): AsyncGenerator<CacheWatchEvent> {
  const { urls } = options;
  const stopped = AbortSignal.any([
    closing,
    ...(request.signal === undefined ? [] : [request.signal]),
  ]);
  let since = request.since;
  let pauseMs = PAUSE_MS_MIN;
  for (let at = 0; !stopped.aborted; at = (at + 1) % urls.length) {
    const events = streamOf(options, urls[at]!, { ...request, since }, stopped);
    for await (const event of events) {
      pauseMs = PAUSE_MS_MIN;
      if (event.kind === "position") since = event.position;
      // What was told of a life that is over is no place to go on from.
      if (event.kind === "reset") since = undefined;
      yield event;
    }
    if (!stopped.aborted) await pause(pauseMs, stopped);
    pauseMs = Math.min(2 * pauseMs, PAUSE_MS_MAX);
  }
  if (closing.aborted && !request.signal?.aborted) {
    throw new HiqliteError(
      "shutting_down",
      "This client was shut down; connect() makes a new one",
    );
  }
}

/** What a request asks for, its place perhaps not given. */
type Asked = Omit<CacheWatchRequest, "since"> & {
  readonly since: CachePosition | undefined;
};

/** The events of one member's stream, until it ends or breaks. @throws {HiqliteError} that lasts. */
async function* streamOf(
  { secret, fetch }: FailoverOptions,
  url: string,
  request: Asked,
  stopped: AbortSignal,
): AsyncGenerator<CacheWatchEvent> {
  const silent = new AbortController();
  let timer = startTimer(() => silent.abort(), SILENCE_MS);
  try {
    const response = await fetch(`${url}${pathOf(request)}`, {
      headers: { "x-api-secret": secret, "accept": "text/event-stream" },
      redirect: "error",
      signal: AbortSignal.any([stopped, silent.signal]),
    });
    if (!response.ok || response.body === null) {
      throwLasting(await response.text());
      return;
    }
    const heard = (): void => {
      clearTimeout(timer);
      timer = startTimer(() => silent.abort(), SILENCE_MS);
    };
    for await (const event of parseServerEvents(response.body, heard)) {
      const told = watchEventOf(event);
      if (told !== null) yield told;
    }
  } catch (error) {
    // Anything else is a connection that could not be made, or broke.
    if (error instanceof HiqliteError) throw error;
  } finally {
    clearTimeout(timer);
    silent.abort();
  }
}

function throwLasting(text: string): void {
  let problem;
  try {
    problem = errorOf(JSON.parse(text));
  } catch {
    return;
  }
  if (problem !== undefined && !PASSING.has(problem.code)) {
    throw new HiqliteError(problem.code, problem.message);
  }
}

function pathOf({ cache, keys, prefix, since }: Asked): string {
  const query = keys === undefined
    ? [`watch=${percent(prefix ?? "")}`]
    : keys.map((key) => `watch_key=${percent(key)}`);
  if (since !== undefined) query.push(`since=${positionText(since)}`);
  return `/api/v1/cache/${encodeURIComponent(cache)}?${query.join("&")}`;
}

/** The bytes of a key, each one that is not plain as %XX. */
function percent(key: ByteKey): string {
  return key.replaceAll(
    /[^A-Za-z0-9_.~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
