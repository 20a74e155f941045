import type { Context } from "@hono/hono";
import { entryToJson, keyToJson, parsePosition } from "../../api/cache_json.ts";
import { cursorAfter, rangeOfPage } from "../../api/cache_range.ts";
import { settingsFromJson } from "../../api/cache_operation.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import {
  CACHE_COUNTER,
  CACHE_GET,
  CACHE_LIST,
  CACHE_STATS,
} from "../../api/routes/cache.ts";
import { CACHE_RESOURCES } from "../../api/routes/cache_resource.ts";
import {
  CACHE_ATOMIC,
  CACHE_WRITE_REPLY,
  writeFromJson,
} from "../../api/routes/cache_write.ts";
import { HiqliteError } from "../../errors.ts";
import type { Member } from "../../node/port.ts";
import type { KvRange } from "../../state/kv/types.ts";
import {
  checkContentType,
  mount,
  type Mounting,
  mountMember,
  respond,
} from "../mount.ts";
import { watchStream } from "../watch_stream.ts";
import { cacheResultOf, change, mountCacheEntries } from "./cache_entry.ts";
import { setPosition } from "./cache_headers.ts";
import {
  type CachePath,
  cachePathOf,
  type CacheQuery,
  freshnessOf,
} from "./cache_path.ts";

/** Hono's spelling of a path. */
const CACHE = "/api/v1/cache/:cache";

/** Mounts the routes of caches. */
export function mountCache(mounting: Mounting, member: Member): void {
  mount(
    mounting,
    CACHE_ATOMIC,
    (request, { key }) => CACHE_ATOMIC.ask(member, { ...request, ...key }),
  );
  mountMember(mounting, CACHE_GET, member);
  mountMember(mounting, CACHE_COUNTER, member);
  mountMember(mounting, CACHE_LIST, member);
  mountMember(mounting, CACHE_STATS, member);
  mountCaches(mounting, member);
  mountCacheEntries(mounting, member);
}

/** Mounts the paths of whole caches. */
function mountCaches(mounting: Mounting, member: Member): void {
  const { app, bodies, deliveries } = mounting;
  app.get(CACHE, (context) => {
    const { cache, query } = pathOf(context, "LIST_ENTRIES");
    return query.key("watch") === undefined &&
        query.keys("watch_key").length === 0
      ? page(mounting, context, member, cache, query)
      : watched(context, member, cache, query);
  });

  app.post(CACHE, async (context) => {
    const { cache } = pathOf(context, "CHANGE_CACHE");
    checkContentType(context);
    const key = idempotencyKeyOf(context.req.raw.headers);
    return await bodies.json(context.req.raw, async (json) => {
      const request = { ...writeFromJson(json, cache), ...key };
      const answer = await member.caches.apply(request);
      setPosition(context, answer);
      return respond(context, deliveries, CACHE_WRITE_REPLY, answer);
    });
  });

  app.put(CACHE, async (context) => {
    const { cache } = pathOf(context, "CREATE_CACHE");
    checkContentType(context);
    return await bodies.json(context.req.raw, async (json) => {
      const settings = settingsFromJson(json, "body");
      const operation = { kind: "create", cache, settings } as const;
      cacheResultOf(context, await change(context, member, operation));
      return context.body(null, 204);
    });
  });

  app.delete(CACHE, async (context) => {
    const { cache } = pathOf(context, "DROP_CACHE");
    const answer = await change(context, member, { kind: "drop", cache });
    if (cacheResultOf(context, answer).found) return context.body(null, 204);
    throw new HiqliteError("not_found", `There is no cache "${cache}"`);
  });
}

async function page(
  { deliveries }: Mounting,
  context: Context,
  member: Member,
  cache: string,
  query: CacheQuery,
): Promise<Response> {
  const range = rangeOf(query);
  const withValues = query.flag("values") ?? true;
  const answer = await member.caches.list({
    cache,
    range,
    ...freshnessOf(query),
  });
  setPosition(context, answer);
  const { entries, epoch, index } = answer;
  const body = {
    entries: entries.map((entry) => {
      const { value, ...rest } = entryToJson(entry);
      const key = keyToJson(entry.key);
      return withValues ? { key, value, ...rest } : { key, ...rest };
    }),
    cursor: cursorAfter(answer),
    epoch,
    index,
  };
  return deliveries.response(
    context,
    JSON.stringify(body),
    200,
    "application/json",
  );
}

function rangeOf(query: CacheQuery): KvRange {
  return rangeOfPage({
    prefix: query.key("prefix"),
    start: query.key("start"),
    end: query.key("end"),
    reverse: query.flag("reverse"),
    limit: query.integer("limit", 1, 1000),
    cursor: query.key("cursor"),
  });
}

function watched(
  context: Context,
  member: Member,
  cache: string,
  query: CacheQuery,
): Response {
  const keys = query.keys("watch_key");
  const prefix = query.key("watch");
  const since = context.req.header("last-event-id") ?? query.key("since");
  const stream = watchStream((signal) =>
    member.caches.watch({
      cache,
      ...(keys.length === 0 ? {} : { keys }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(since === undefined ? {} : { since: parsePosition(since, "since") }),
      signal,
      shared: true,
    })
  );
  return context.body(stream, 200, {
    "content-type": "text/event-stream",
    "cache-control": "no-store",
  });
}

function pathOf(
  context: Context,
  route: keyof typeof CACHE_RESOURCES,
): CachePath {
  const known = Object.keys(CACHE_RESOURCES[route].query);
  return cachePathOf(context.req.raw, known);
}
