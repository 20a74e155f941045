import { watchEventOf } from "../../api/cache_events.ts";
import { positionText } from "../../api/cache_json.ts";
import type { CacheWatchEvent, CacheWatchRequest } from "../../node/port.ts";
import type { ByteKey } from "../../state/kv/types.ts";
import type { FailoverOptions } from "../failover.ts";
import { followOverHttp } from "../follow.ts";

/** Watches over HTTP: from the last position, wherever the stream goes on. @throws {HiqliteError} as {@linkcode followOverHttp}. */
export function watchOverHttp(
  options: FailoverOptions,
  request: CacheWatchRequest,
  closing: AbortSignal,
): AsyncGenerator<CacheWatchEvent> {
  const { since, signal } = request;
  let begun = since === undefined ? undefined : positionText(since);
  return followOverHttp(options, {
    request: (id) => ({ path: pathOf(request, id ?? begun) }),
    read: watchEventOf,
    idAfter({ event, id }, before) {
      if (event === "position") return id;
      if (event !== "reset") return before;
      // What was told of a life that is over is no place to go on from.
      begun = undefined;
      return undefined;
    },
    // A member that is behind.
    passing: "timeout",
    signal,
  }, closing);
}

function pathOf(
  { cache, keys, prefix }: CacheWatchRequest,
  since: string | undefined,
): string {
  const query = keys === undefined
    ? [`watch=${percent(prefix ?? "")}`]
    : keys.map((key) => `watch_key=${percent(key)}`);
  if (since !== undefined) query.push(`since=${since}`);
  return `/api/v1/cache/${encodeURIComponent(cache)}?${query.join("&")}`;
}

/** The bytes of a key, each one that is not plain as %XX. */
function percent(key: ByteKey): string {
  return key.replaceAll(
    /[^A-Za-z0-9_.~-]/g,
    (char) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
