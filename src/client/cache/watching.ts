import { parsePosition, positionText } from "../../api/cache_json.ts";
import { keyOf, keysOf, WATCH } from "./arguments.ts";
import { checked } from "../options.ts";
import { HiqliteError } from "../../errors.ts";
import type { CacheSession } from "./session.ts";
import type { CacheUpdate, WatchOptions } from "./types.ts";
import { type CacheValues, keyNames } from "./values.ts";

/** Tells changes of a cache with their values as clients see them. */
export async function* watchCache<T>(
  session: CacheSession,
  cache: string,
  values: CacheValues<T>,
  options: WatchOptions,
): AsyncGenerator<CacheUpdate<T>> {
  const { keys, prefix, since, signal } = checked(options, WATCH);
  // From afar one of them would be left out: the query of a watch names one kind.
  if (keys !== undefined && prefix !== undefined) {
    throw new HiqliteError("invalid", "keys and prefix exclude each other");
  }
  const events = session.watch({
    cache,
    ...(keys === undefined ? {} : { keys: keysOf(keys) }),
    ...(prefix === undefined ? {} : { prefix: keyOf(prefix) }),
    ...(since === undefined ? {} : { since: parsePosition(since, "since") }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const event of events) {
    switch (event.kind) {
      case "reset":
        yield event;
        break;
      case "entry":
        yield {
          kind: "put",
          ...await values.keyed(event.entry, event.key, event.epoch),
        };
        break;
      case "removed":
        yield { kind: "delete", ...keyNames(event.key) };
        break;
      case "position":
        yield { kind: "position", position: positionText(event.position) };
    }
  }
}
