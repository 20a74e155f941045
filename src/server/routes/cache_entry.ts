import type { Context } from "@hono/hono";
import { CACHE_RESOURCES } from "../../api/routes/cache_resource.ts";
import { conflictMessage } from "../../api/routes/cache_write.ts";
import type { ResourceRoute } from "../../api/route.ts";
import { addFromFields } from "../../api/cache_operation.ts";
import { fieldsOf } from "../../api/fields.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import { valueToJson } from "../../api/json.ts";
import { HiqliteError } from "../../errors.ts";
import type { CacheWriteAnswer, Member } from "../../node/port.ts";
import { TTL_MS_MAX, VALUE_BYTES_MAX } from "../../state/kv/limits.ts";
import type {
  ByteKey,
  KvCheck,
  KvOperation,
  KvResult,
  KvValue,
} from "../../state/kv/types.ts";
import type { Deliveries } from "../deliveries.ts";
import {
  checkContentEncoding,
  checkContentType,
  type Mounting,
  mountResource,
} from "../mount.ts";
import type { Access } from "../access.ts";
import {
  conditionFailed,
  conditionsOf,
  conditionsOfRemoval,
  kindOfBody,
  setPosition,
  setVersion,
  typeOf,
  valueOfBody,
} from "./cache_headers.ts";
import { type CachePath, cachePathOf, freshnessOf } from "./cache_path.ts";

const { GET_ENTRY, PUT_ENTRY, DELETE_ENTRY, REMOVE_ENTRY, ADD_TO_COUNTER } =
  CACHE_RESOURCES;

/** Mounts the paths of single entries and counters. */
export function mountCacheEntries(mounting: Mounting, member: Member): void {
  mountReading(mounting, member);
  mountPutting(mounting, member);
  mountRemoving(mounting, member);
  mountCounting(mounting, member);
}

function mountReading(mounting: Mounting, member: Member): void {
  mountResource(mounting, GET_ENTRY, async (context, access) => {
    const { cache, key, query } = entryPath(context, GET_ENTRY, access);
    const answer = await member.caches.get({
      cache,
      keys: [key],
      ...freshnessOf(query),
    });
    const entry = answer.entries[0]!;
    setPosition(context, answer);
    if (entry === null) throw notThere();
    setVersion(context, answer.epoch, entry.version);
    if (entry.ttlMs !== null) {
      context.header("X-Ttl-Ms", `${Math.ceil(entry.ttlMs)}`);
    }
    return valueResponse(mounting.deliveries, context, entry.value);
  });
}

function mountPutting(mounting: Mounting, member: Member): void {
  mountResource(mounting, PUT_ENTRY, async (context, access) => {
    const { cache, key, query } = entryPath(context, PUT_ENTRY, access);
    checkContentEncoding(context);
    const kind = kindOfBody(context);
    const { epoch, ...conditions } = conditionsOf(context);
    const ttlMs = query.integer("ttl_ms", 0, TTL_MS_MAX);
    const keepTtl = query.flag("keep_ttl");
    return await mounting.bodies.bytes(
      context.req.raw,
      VALUE_BYTES_MAX,
      async (bytes) => {
        const answer = await change(context, member, {
          kind: "put",
          cache,
          key,
          value: valueOfBody(kind, bytes),
          ...conditions,
          ...(ttlMs === undefined ? {} : { ttlMs: ttlMs === 0 ? null : ttlMs }),
          ...(keepTtl === undefined ? {} : { keepTtl }),
        }, epoch);
        setVersion(
          context,
          answer.epoch,
          cacheResultOf(context, answer).version,
        );
        return context.body(null, 204);
      },
    );
  });
}

function mountRemoving(mounting: Mounting, member: Member): void {
  mountResource(mounting, DELETE_ENTRY, async (context, access) => {
    const { cache, key } = entryPath(context, DELETE_ENTRY, access);
    const { epoch, ifVersion, ifPresent } = conditionsOfRemoval(context);
    const { found } = await applied(context, member, {
      kind: "delete",
      cache,
      key,
      ...(ifVersion === undefined ? {} : { ifVersion }),
    }, epoch);
    if (found) return context.body(null, 204);
    if (ifPresent) throw noneThere();
    throw notThere();
  });

  mountResource(mounting, REMOVE_ENTRY, async (context, access) => {
    const { cache, key } = entryPath(context, REMOVE_ENTRY, access);
    const { epoch, ifVersion, ifPresent } = conditionsOfRemoval(context);
    const { previous } = await applied(
      context,
      member,
      { kind: "getRemove", cache, key },
      epoch,
      ifVersion === undefined ? [] : [{ cache, key, version: ifVersion }],
    );
    if (previous === null && ifPresent) throw noneThere();
    if (previous === null) throw notThere();
    return valueResponse(mounting.deliveries, context, previous);
  });
}

function mountCounting(mounting: Mounting, member: Member): void {
  mountResource(mounting, ADD_TO_COUNTER, async (context, access) => {
    const { cache, key } = entryPath(context, ADD_TO_COUNTER, access);
    checkContentType(context);
    return await mounting.bodies.json(context.req.raw, async (json) => {
      const fields = fieldsOf(json, ["delta", "initial", "ttl_ms_if_new"]);
      const answer = await change(
        context,
        member,
        { kind: "add", cache, key, ...addFromFields(fields, "") },
      );
      const { counter } = cacheResultOf(context, answer);
      const { epoch, index } = answer;
      return context.json({
        value: valueToJson(counter, "value"),
        epoch,
        index,
      });
    });
  });
}

function valueResponse(
  deliveries: Deliveries,
  context: Context,
  { kind, bytes }: KvValue,
): Response {
  return deliveries.response(context, bytes.slice(), 200, typeOf(kind));
}

/** Applies one operation, if `checks` hold, under the request's key, and says where it stands. */
export async function change(
  context: Context,
  member: Member,
  operation: KvOperation,
  epoch?: number,
  checks: readonly KvCheck[] = [],
): Promise<CacheWriteAnswer> {
  try {
    const answer = await member.caches.apply({
      unit: { checks, operations: [operation] },
      ...(epoch === undefined ? {} : { epoch }),
      ...idempotencyKeyOf(context.req.raw.headers),
    });
    setPosition(context, answer);
    return answer;
  } catch (error) {
    // The version is of a life that is over, so no entry has it.
    if (error instanceof HiqliteError && error.code === "cache_reset") {
      throw conditionFailed(error.message);
    }
    throw error;
  }
}

/** What its operation did. @throws {HiqliteError} if nothing was done. */
export function cacheResultOf(
  context: Context,
  { answer, epoch }: CacheWriteAnswer,
): KvResult {
  switch (answer.kind) {
    case "done":
      return answer.results[0]!;
    case "conflict":
      if (answer.version !== 0) setVersion(context, epoch, answer.version);
      throw new HiqliteError(
        "precondition_failed",
        conflictMessage(answer, epoch),
      );
    case "refused":
      throw new HiqliteError(answer.code, answer.message);
  }
}

async function applied(
  context: Context,
  member: Member,
  operation: KvOperation,
  epoch?: number,
  checks?: readonly KvCheck[],
): Promise<KvResult> {
  return cacheResultOf(
    context,
    await change(context, member, operation, epoch, checks),
  );
}

function entryPath(
  context: Context,
  route: ResourceRoute,
  access: Access,
): CachePath & { readonly key: ByteKey } {
  const known = Object.keys(route.query);
  const { key, ...path } = cachePathOf(context.req.raw, known, access);
  return { ...path, key: key! };
}

function noneThere(): HiqliteError {
  return conditionFailed("there is no such entry");
}

function notThere(): HiqliteError {
  return new HiqliteError("not_found", "There is no such entry");
}
