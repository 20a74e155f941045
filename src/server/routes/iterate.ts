import type { Context } from "@hono/hono";
import {
  errorLine,
  headLine,
  LINES_TYPE,
  rowLines,
} from "../../api/row_lines.ts";
import { ITERATE, iterateFromJson } from "../../api/routes/iterate.ts";
import type { Member, QueryRequest, RowStream } from "../../node/port.ts";
import type { QueryLimits } from "../../state/sql/types.ts";
import type { Access } from "../access.ts";
import { eventStream } from "../event_stream.ts";
import { checkContentType, type Mounting, mountResource } from "../mount.ts";
import { limitedGroupOf } from "../rate_limits.ts";
import { clientOf } from "./client_of.ts";

/** A query that is streamed may take so many times as long as another: it holds up none. */
const TIMES_AS_LONG = 6;
/** Rows are there when they are asked for: nothing need be said meanwhile. */
const NEVER_MS = 2 ** 31 - 1;
/** How long a client may take nothing, ms: as long as nobody need ask for rows. */
const STALL_MS = 300_000;

/** Mounts the stream of a query's rows; `limits` are those of other queries. */
export function mountIterate(
  mounting: Mounting,
  member: Member,
  limits: Pick<QueryLimits, "timeoutMs">,
): void {
  const { bodies, ends, rates } = mounting;
  mountResource(mounting, ITERATE, async (context, access) => {
    checkContentType(context);
    const { raw } = context.req;
    const request = await bodies.json(
      raw,
      async (json) => await iterateFromJson(json),
    );
    if (request.consistency === "linearizable") {
      rates.take(limitedGroupOf(ITERATE.path), access);
    }
    const stream = await ends.during(
      access,
      raw.signal,
      (signal) => member.rows(bounded(request, { limits, signal, access })),
    );
    return lines(context, stream, mounting, access);
  });
}

function bounded(
  request: QueryRequest,
  { limits, signal, access }: {
    readonly limits: Pick<QueryLimits, "timeoutMs">;
    readonly signal: AbortSignal;
    readonly access: Access;
  },
): QueryRequest {
  const most = TIMES_AS_LONG * limits.timeoutMs;
  const timeoutMs = Math.min(request.limits?.timeoutMs ?? most, most);
  return {
    ...request,
    // A query from outside must not hold a thread for ever.
    guarded: true,
    client: clientOf(access),
    limits: { timeoutMs },
    signal,
  };
}

function lines(
  context: Context,
  stream: RowStream,
  { ends }: Mounting,
  access: Access,
): Response {
  const ended = new AbortController();
  // Also of a client that was gone before it took anything.
  ended.signal.addEventListener("abort", () => void stream.end());
  const body = eventStream({
    events: textsOf(stream),
    ended,
    text: ({ text }) => text,
    error: errorLine,
    lasts: (end) => ends.watch(access, end),
    signMs: NEVER_MS,
    stallMs: STALL_MS,
  });
  return context.body(body, 200, { "content-type": LINES_TYPE });
}

/** The lines of a stream, some at a time; ends it when it is ended. */
async function* textsOf(
  stream: RowStream,
): AsyncGenerator<{ readonly text: string }> {
  try {
    yield { text: headLine(stream) };
    for (;;) {
      const rows = await stream.next();
      if (rows === null) return;
      yield { text: rowLines(rows) };
    }
  } finally {
    await stream.end();
  }
}
