import { liveEventOf, tableChangeOf } from "../api/live_events.ts";
import { parseLivePosition, parsePlace } from "../api/log_place.ts";
import {
  changesToJson,
  LIVE_RESOURCES,
  liveToJson,
} from "../api/routes/live.ts";
import type { ServerEvent } from "../api/server_event.ts";
import type {
  ChangesRequest,
  LiveEvent,
  LiveRequest,
  TableChange,
} from "../node/port.ts";
import type { LogIndex } from "../raft/types.ts";
import type { FailoverOptions } from "./failover.ts";
import { followOverHttp } from "./follow.ts";

/** Changes of tables over HTTP; without `since` those after the last answer that the client had `seen`. @throws {HiqliteError} as {@linkcode followOverHttp}. */
export function changesOverHttp(
  options: FailoverOptions,
  request: ChangesRequest,
  seen: () => LogIndex,
  closing: AbortSignal,
): AsyncGenerator<TableChange> {
  // Of a client that has seen nothing, what it sees until it asks for the first change.
  const atCall = seen();
  const from = (): ChangesRequest["since"] =>
    request.since ?? (atCall || seen() || undefined);
  return followOverHttp(options, {
    request(id) {
      const since = id === undefined ? from() : parsePlace(id, "id");
      return {
        path: LIVE_RESOURCES.POST_CHANGES.path,
        body: changesToJson({
          ...(request.tables === undefined ? {} : { tables: request.tables }),
          ...(since === undefined ? {} : { since }),
        }),
      };
    },
    read: tableChangeOf,
    idAfter,
    bounded: true,
    signal: request.signal,
  }, closing);
}

/** The rows of a query over HTTP, whenever they are others. @throws {HiqliteError} as {@linkcode followOverHttp}. */
export function liveOverHttp(
  options: FailoverOptions,
  request: LiveRequest,
  closing: AbortSignal,
): AsyncGenerator<LiveEvent> {
  return followOverHttp(options, {
    request: (id) => ({
      path: LIVE_RESOURCES.POST_LIVE.path,
      body: liveToJson(
        id === undefined
          ? request
          : { ...withoutIndex(request), since: parseLivePosition(id, "id") },
      ),
    }),
    read: liveEventOf,
    idAfter,
    bounded: true,
    signal: request.signal,
  }, closing);
}

/** What was told already is at the index that was wanted: no member shall be waited for again. */
function withoutIndex({ minIndex: _, ...rest }: LiveRequest): LiveRequest {
  return rest;
}

function idAfter({ id }: ServerEvent, before: string | undefined) {
  return id === "" ? before : id;
}
