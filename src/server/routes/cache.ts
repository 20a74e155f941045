import type { Context } from "@hono/hono";
import { entryToJson, keyToJson, parsePosition } from "../../api/cache_json.ts";
import { watchEventText } from "../../api/cache_events.ts";
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
  cachesOf,
  writeFromJson,
} from "../../api/routes/cache_write.ts";
import { HiqliteError } from "../../errors.ts";
import type { CacheWatchEvent, Member, MemberCaches } from "../../node/port.ts";
import type { ResourceRoute } from "../../api/route.ts";
import type { KvRange } from "../../state/kv/types.ts";
import {
  checkContentType,
  mount,
  type Mounting,
  mountMember,
  mountResource,
  respond,
} from "../mount.ts";
import { type Access, checkCaches } from "../access.ts";
import type { EventStream } from "../event_stream.ts";
import { STREAM_HEADERS, watchStream } from "../watch_stream.ts";
import { cacheResultOf, change, mountCacheEntries } from "./cache_entry.ts";
import { setPosition } from "./cache_headers.ts";
import {
  type CachePath,
  cachePathOf,
  type CacheQuery,
  freshnessOf,
} from "./cache_path.ts";

const { LIST_ENTRIES, CHANGE_CACHE, CREATE_CACHE, DROP_CACHE } =
  CACHE_RESOURCES;

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
  mount(mounting, CACHE_STATS, async (request, { access }) => {
    const caches = await CACHE_STATS.ask(member, request);
    const only = access?.caches ?? null;
    return caches.filter(({ name }) => only === null || only.includes(name));
  });
  mountCaches(mounting, member);
  mountCacheEntries(mounting, member);
}

/** Mounts the paths of whole caches. */
function mountCaches(mounting: Mounting, member: Member): void {
  const { bodies, deliveries, ends } = mounting;
  mountResource(mounting, LIST_ENTRIES, (context, access) => {
    const { cache, query } = pathOf(context, LIST_ENTRIES, access);
    return query.key("watch") === undefined &&
        query.keys("watch_key").length === 0
      ? page(mounting, context, member, cache, query)
      : watched(
        context,
        { cache, query },
        (asked) => member.caches.watch(asked),
        (end) => ends.watch(access, end),
      );
  });

  mountResource(mounting, CHANGE_CACHE, async (context, access) => {
    const { cache } = pathOf(context, CHANGE_CACHE, access);
    checkContentType(context);
    const key = idempotencyKeyOf(context.req.raw.headers);
    return await bodies.json(context.req.raw, async (json) => {
      const request = { ...writeFromJson(json, cache), ...key };
      checkCaches(access, cachesOf(request.unit));
      const answer = await member.caches.apply(request);
      setPosition(context, answer);
      return respond(context, deliveries, CACHE_WRITE_REPLY, answer);
    });
  });

  mountResource(mounting, CREATE_CACHE, async (context, access) => {
    const { cache } = pathOf(context, CREATE_CACHE, access);
    checkContentType(context);
    return await bodies.json(context.req.raw, async (json) => {
      const settings = settingsFromJson(json, "body");
      const operation = { kind: "create", cache, settings } as const;
      cacheResultOf(context, await change(context, member, operation));
      return context.body(null, 204);
    });
  });

  mountResource(mounting, DROP_CACHE, async (context, access) => {
    const { cache } = pathOf(context, DROP_CACHE, access);
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
  { cache, query }: Pick<CachePath, "cache" | "query">,
  watch: MemberCaches["watch"],
  lasts: EventStream<CacheWatchEvent>["lasts"],
): Response {
  const keys = query.keys("watch_key");
  const prefix = query.key("watch");
  const since = context.req.header("last-event-id") ?? query.key("since");
  const stream = watchStream(
    (signal) =>
      watch({
        cache,
        ...(keys.length === 0 ? {} : { keys }),
        ...(prefix === undefined ? {} : { prefix }),
        ...(since === undefined
          ? {}
          : { since: parsePosition(since, "since") }),
        signal,
        shared: true,
      }),
    watchEventText,
    lasts,
  );
  return context.body(stream, 200, STREAM_HEADERS);
}

function pathOf(
  context: Context,
  route: ResourceRoute,
  access: Access,
): CachePath {
  const known = Object.keys(route.query);
  return cachePathOf(context.req.raw, known, access);
}
