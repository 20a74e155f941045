import type { Context } from "@hono/hono";
import { consistencyField, fieldsOf, integerField } from "../../api/fields.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import { WISH_PROPERTIES, wishFromFields } from "../../api/lock_json.ts";
import {
  LOCK_ACQUIRE,
  LOCK_CHANGE,
  LOCK_GRANT_REPLY,
  LOCK_LIST,
  LOCK_LIST_REPLY,
} from "../../api/routes/lock.ts";
import { LOCK_RESOURCES } from "../../api/routes/lock_resource.ts";
import { HiqliteError } from "../../errors.ts";
import type { Consistency, Member } from "../../node/port.ts";
import {
  checkContentType,
  type Mounting,
  mountMember,
  mountResource,
  mountSignalled,
  respond,
} from "../mount.ts";
import { CacheQuery } from "./cache_path.ts";

const { GET_LOCK, ACQUIRE_LOCK, RENEW_LOCK, RELEASE_LOCK } = LOCK_RESOURCES;
const INDEX_MAX = Number.MAX_SAFE_INTEGER;

/** Mounts the routes of locks; reading takes `timeoutMs` at most, beside the wait for a change. */
export function mountLocks(
  mounting: Mounting,
  member: Member,
  timeoutMs: number,
): void {
  mountSignalled(
    mounting,
    LOCK_ACQUIRE,
    (request, { key, signal }) =>
      member.locks.acquire({ ...request, ...key, signal }),
  );
  mountSignalled(
    mounting,
    LOCK_LIST,
    (request, { signal }) =>
      member.locks.list({
        ...request,
        timeoutMs: Math.min(request.timeoutMs ?? timeoutMs, timeoutMs),
        signal,
      }),
  );
  mountMember(mounting, LOCK_CHANGE, member);
  mountReads(mounting, member, timeoutMs);
  mountChanges(mounting, member);
}

function mountReads(
  mounting: Mounting,
  member: Member,
  timeoutMs: number,
): void {
  const { deliveries, ends } = mounting;
  mountResource(mounting, GET_LOCK, async (context, access) => {
    const { name, query } = pathOf(context, "GET_LOCK");
    const minIndex = query.integer("min_index", 0, INDEX_MAX);
    const unlike = query.integer("unlike", 0, INDEX_MAX);
    const asked = {
      name,
      consistency: consistencyOf(query.key("consistency")),
      ...(minIndex === undefined ? {} : { minIndex }),
      ...(unlike === undefined ? {} : { unlike }),
      waitMs: query.integer("wait_ms", 0, 60_000) ?? 0,
      timeoutMs: query.integer("timeout_ms", 1, timeoutMs) ?? timeoutMs,
    };
    const answer = await ends.during(
      access,
      context.req.raw.signal,
      (signal) => member.locks.list({ ...asked, signal }),
    );
    return respond(context, deliveries, LOCK_LIST_REPLY, answer);
  });
}

function mountChanges(mounting: Mounting, member: Member): void {
  const { bodies, deliveries, ends } = mounting;
  mountResource(mounting, ACQUIRE_LOCK, async (context, access) => {
    const { name } = pathOf(context, "ACQUIRE_LOCK");
    checkContentType(context);
    const { headers, signal: client } = context.req.raw;
    const key = idempotencyKeyOf(headers);
    const wish = await bodies.json(
      context.req.raw,
      // deno-lint-ignore require-await -- nothing of the body is kept while it waits
      async (json) =>
        wishFromFields(fieldsOf(json, Object.keys(WISH_PROPERTIES)), name),
    );
    const grant = await ends.during(
      access,
      client,
      (signal) => member.locks.acquire({ wish, ...key, signal }),
    );
    return respond(context, deliveries, LOCK_GRANT_REPLY, grant);
  });

  mountResource(mounting, RENEW_LOCK, async (context) => {
    const { name } = pathOf(context, "RENEW_LOCK");
    checkContentType(context);
    const token = await bodies.json(
      context.req.raw,
      // deno-lint-ignore require-await -- as above
      async (json) =>
        tokenOf(integerField(fieldsOf(json, ["token"]), "token", 1, INDEX_MAX)),
    );
    const { answer, index } = await member.locks.change({
      operation: { kind: "extend", name, token },
    });
    if (answer.kind === "leased") {
      return context.json({ expires_in_ms: answer.ttlMs, index });
    }
    throw new HiqliteError(
      "lock_lost",
      `The lock ${
        JSON.stringify(name)
      } is not held under the token ${token} any more`,
    );
  });

  mountResource(mounting, RELEASE_LOCK, async (context) => {
    const { name, query } = pathOf(context, "RELEASE_LOCK");
    const token = tokenOf(query.integer("token", 1, INDEX_MAX));
    const { answer, index } = await member.locks.change({
      operation: { kind: "release", name, token },
    });
    const released = answer.kind === "released" && answer.found;
    return context.json({ released, index });
  });
}

function consistencyOf(text = "local"): Consistency {
  return consistencyField(new Map([["consistency", text]]));
}

function tokenOf(token: number | undefined): number {
  if (token !== undefined) return token;
  throw new HiqliteError("invalid", "token: is missing, expected an integer");
}

/** The lock and the parameters of a request, as they were sent. */
function pathOf(
  context: Context,
  route: keyof typeof LOCK_RESOURCES,
): { readonly name: string; readonly query: CacheQuery } {
  const known = Object.keys(LOCK_RESOURCES[route].query);
  const [, path, search = ""] = /^[^:]+:\/\/[^/?#]*([^?#]*)(\?[^#]*)?/
    .exec(context.req.raw.url)!;
  const query = new CacheQuery(search, known);
  try {
    return { name: decodeURIComponent(path!.split("/")[4]!), query };
  } catch {
    throw new HiqliteError(
      "invalid",
      "The lock's name in the path is not percent-encoded UTF-8",
    );
  }
}
