import type { Context } from "@hono/hono";
import { changeText, liveEventText } from "../../api/live_events.ts";
import { placeText } from "../../api/log_place.ts";
import {
  changesFromJson,
  LIVE_RESOURCES,
  liveFromJson,
} from "../../api/routes/live.ts";
import { bookmarkText } from "../../api/server_event.ts";
import { HiqliteError } from "../../errors.ts";
import type { ChangesRequest, LiveRequest, Member } from "../../node/port.ts";
import type { QueryLimits } from "../../state/sql/types.ts";
import { type EventStream, eventStream } from "../event_stream.ts";
import { STREAM_HEADERS } from "../watch_stream.ts";
import { checkContentType, type Mounting, mountResource } from "../mount.ts";

/** Bytes of the rows of a live query, roughly: they are kept as long as a client reads them. */
const ROWS_BYTES_MAX = 1024 * 1024;
const { GET_CHANGES, POST_CHANGES, GET_LIVE, POST_LIVE } = LIVE_RESOURCES;

/** Mounts what follows the database; `limits` are the most that a query may ask for. */
export function mountLive(
  mounting: Mounting,
  member: Member,
  limits: QueryLimits,
): void {
  const { bodies, ends } = mounting;
  mountResource(mounting, GET_CHANGES, (context, access) => {
    const { table, ...query } = queryOf(context, GET_CHANGES.query, ["table"]);
    const json = {
      ...query,
      ...(table === undefined ? {} : { tables: table }),
    };
    const request = changesFromJson(resumed(context, json));
    return changes(context, member, request, (end) => ends.watch(access, end));
  });
  mountResource(mounting, POST_CHANGES, async (context, access) => {
    checkContentType(context);
    const request = await bodies.json(
      context.req.raw,
      async (json) => await changesFromJson(resumed(context, json)),
    );
    return changes(context, member, request, (end) => ends.watch(access, end));
  });
  mountResource(mounting, GET_LIVE, (context, access) => {
    const query = queryOf(context, GET_LIVE.query, []);
    const json = resumed(context, { ...query, ...numbersIn(query) });
    const request = liveFromJson(json);
    const lasts: Lasts = (end) => ends.watch(access, end);
    return live(context, member, limits, { request, lasts });
  });
  mountResource(mounting, POST_LIVE, async (context, access) => {
    checkContentType(context);
    const request = await bodies.json(
      context.req.raw,
      async (json) => await liveFromJson(resumed(context, json)),
    );
    const lasts: Lasts = (end) => ends.watch(access, end);
    return await live(context, member, limits, { request, lasts });
  });
}

/** How long a client may hear. */
type Lasts = EventStream<never>["lasts"];

function changes(
  context: Context,
  member: Member,
  request: ChangesRequest,
  lasts: Lasts,
): Response {
  const ended = new AbortController();
  const told = member.live.changes({ ...request, signal: ended.signal });
  const stream = eventStream({
    events: told[Symbol.asyncIterator](),
    ended,
    lasts,
    text: changeText,
    // So that a listener whose tables do not change goes on from where it is.
    sign: () =>
      told.place === null ? ": \n\n" : bookmarkText(placeText(told.place)),
  });
  return streamed(context, stream);
}

/** The first run is awaited, so that its error is one of the request. */
async function live(
  context: Context,
  member: Member,
  limits: QueryLimits,
  { request, lasts }: { readonly request: LiveRequest; readonly lasts: Lasts },
): Promise<Response> {
  const ended = new AbortController();
  const gone = (): void => ended.abort();
  const { signal } = context.req.raw;
  signal.addEventListener("abort", gone);
  const { timeoutMs } = limits;
  const events = member.live.query({
    ...request,
    // A query from outside must not hold a thread for ever.
    guarded: true,
    limits: {
      timeoutMs: Math.min(request.limits?.timeoutMs ?? timeoutMs, timeoutMs),
      maxRows: limits.maxRows,
      maxBytes: Math.min(limits.maxBytes, ROWS_BYTES_MAX),
    },
    signal: ended.signal,
  })[Symbol.asyncIterator]();
  const first = await events.next()
    .finally(() => signal.removeEventListener("abort", gone));
  const text = liveEventText;
  return streamed(
    context,
    eventStream({ events: after(first, events), ended, text, lasts }),
  );
}

/** What was asked for already, then the rest. */
function after<T>(
  first: IteratorResult<T>,
  events: AsyncIterator<T>,
): AsyncIterator<T> {
  let told = false;
  return {
    next() {
      if (told) return events.next();
      told = true;
      return Promise.resolve(first);
    },
    return: () => events.return!(),
  };
}

function streamed(
  context: Context,
  stream: ReadableStream<Uint8Array>,
): Response {
  return context.body(stream, 200, STREAM_HEADERS);
}

/** The request with the id that a stream goes on from. */
function resumed(context: Context, json: unknown): unknown {
  const id = context.req.header("last-event-id");
  return id === undefined || typeof json !== "object"
    ? json
    : { ...json, since: id };
}

/** The parameters of an address; those in `lists` may come more than once. @throws {HiqliteError} `invalid` */
function queryOf(
  context: Context,
  known: Readonly<Record<string, string>>,
  lists: readonly string[],
): Record<string, string | readonly string[]> {
  const found: Record<string, string | readonly string[]> = {};
  for (const [name, values] of Object.entries(context.req.queries())) {
    if (!Object.hasOwn(known, name)) {
      throw new HiqliteError(
        "invalid",
        `Unknown parameter "${name.slice(0, 40)}", expected ${
          Object.keys(known).join(", ")
        }`,
      );
    }
    if (lists.includes(name)) found[name] = values;
    else if (values.length === 1) found[name] = values[0]!;
    else throw new HiqliteError("invalid", `${name}: is given twice`);
  }
  return found;
}

/** What of an address is no text. @throws {HiqliteError} `invalid` */
function numbersIn(
  query: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of ["params", "min_index", "min_interval_ms", "timeout_ms"]) {
    const text = query[name];
    if (text === undefined) continue;
    try {
      found[name] = JSON.parse(text as string);
    } catch {
      throw new HiqliteError(
        "invalid",
        `${name}: expected JSON, got "${String(text).slice(0, 40)}"`,
      );
    }
  }
  return found;
}
