import type { Context, Hono } from "@hono/hono";
import type { BodyReader } from "./body.ts";
import type { Deliveries } from "./deliveries.ts";
import { idempotencyKeyOf } from "../api/idempotency_key.ts";
import type { Consistency, Member } from "../node/port.ts";
import type {
  MemberRoute,
  ReplyCodec,
  ResourceRoute,
  Route,
} from "../api/route.ts";
import { type Access, accessOf, checkCaches, checkScope } from "./access.ts";
import { limitedGroupOf, type RateLimits } from "./rate_limits.ts";
import { RequestError } from "./request_error.ts";
import type { TokenEnds } from "./token_ends.ts";

/** What the routes of an application share. */
export interface Mounting {
  readonly app: Hono;
  readonly bodies: BodyReader;
  readonly deliveries: Deliveries;
  /** Ends what lasts when its token does. */
  readonly ends: TokenEnds;
  readonly rates: RateLimits;
}

/** What belongs to a request beside its body. */
export interface RequestContext {
  /** Of a route that is `keyed`; nothing if the client sent none. */
  readonly key: { readonly idempotencyKey?: string };
  /** What the caller may do; null of a route that is open. */
  readonly access: Access | null;
}

/** What a route's handler does with a request. */
export type Handler<Input, Reply> = (
  request: Input,
  context: RequestContext,
) => Reply | Promise<Reply>;

/** JSON in UTF-8, in the spellings that clients use. */
const JSON_TYPE =
  /^application\/json[\t ]*(?:;[\t ]*(?:charset=(?:utf-?8|"utf-?8")[\t ]*)?)*$/i;

/** Binds a route to its handler. @throws {TypeError} if the route's path does not fit its scope. */
export function mount<Input, Reply>(
  mounting: Mounting,
  route: Route<Input, Reply>,
  handle: Handler<Input, Reply>,
): void {
  const { app, bodies, deliveries } = mounting;
  const { method, path, reply, request: codec } = route;
  // The application asks who it is by path, so that no route can forget it.
  const open = route.scope === "open";
  if (open === path.startsWith("/api/")) {
    throw new TypeError(`${path} is ${open ? "below" : "outside of"} /api/`);
  }
  app.on(method, path, async (context) => {
    const access = admitted(context, route, mounting.rates);
    if (codec === undefined) {
      const asked = { key: {}, access };
      const answer = await handle(undefined as Input, asked);
      return respond(context, deliveries, reply, answer);
    }
    checkContentType(context);
    const key = route.repeat === "keyed"
      ? idempotencyKeyOf(context.req.raw.headers)
      : {};
    return bodies.json(
      context.req.raw,
      async (json) => {
        const request = codec.decode(json);
        checkRequest(access, route, request, mounting.rates);
        const answer = await handle(request, { key, access });
        return respond(context, deliveries, reply, answer);
      },
    );
  });
}

/**
 * What the caller of a route may do; null if it is open.
 * @throws {HiqliteError} `forbidden`; `overloaded` for a write beyond the rate limit.
 */
function admitted<Input>(
  context: Context,
  { scope, caches, path }: Pick<
    Route<Input, unknown>,
    "scope" | "caches" | "path"
  >,
  rates: RateLimits,
): Access | null {
  if (scope === "open") return null;
  const access = accessOf(context);
  checkScope(access, { scope, ofCaches: caches !== undefined });
  if (scope === "write") rates.take(limitedGroupOf(path), access);
  return access;
}

/** @throws {HiqliteError} `forbidden`; `overloaded` for a linearizable read beyond the rate limit. */
function checkRequest<Input>(
  access: Access | null,
  route: Route<Input, unknown>,
  request: Input,
  rates: RateLimits,
): void {
  if (access === null) return;
  const asked = request as { readonly consistency?: Consistency } | undefined;
  if (asked?.consistency === "linearizable") {
    rates.take(limitedGroupOf(route.path), access);
  }
  if (access.caches === null) return;
  checkCaches(access, route.caches!(request));
}

/** Binds a thing with a path of its own to its handler, which looks at caches that are not in the path. */
export function mountResource(
  { app, rates }: Mounting,
  route: ResourceRoute,
  handle: (context: Context, access: Access) => Response | Promise<Response>,
): void {
  const { method, path, scope, ofCaches = false } = route;
  // Hono's spelling of what stands in braces.
  app.on(method, path.replaceAll(/\{(\w+)\}/g, ":$1"), (context) => {
    const access = accessOf(context);
    checkScope(access, { scope, ofCaches });
    if (scope === "write" || asksForMajority(context)) {
      rates.take(limitedGroupOf(path), access);
    }
    return handle(context, access);
  });
}

/** Whether a read with a path of its own is linearizable; its handler says what is wrong with the rest of its query. */
function asksForMajority(context: Context): boolean {
  return context.req.queries("consistency")?.includes("linearizable") === true;
}

/** What belongs to a request that may wait for long. */
export interface SignalledContext extends RequestContext {
  /** Aborts when the client is gone, or may not wait any more. */
  readonly signal: AbortSignal;
}

/** Binds a route whose requests may wait for long, so that nothing is kept of their bodies, and nobody waits whose client is gone. */
export function mountSignalled<Input, Reply>(
  { app, bodies, deliveries, ends, rates }: Mounting,
  route: Route<Input, Reply>,
  handle: (
    request: Input,
    context: SignalledContext,
  ) => Promise<Reply>,
): void {
  const { method, path, reply, request: codec } = route;
  app.on(method, path, async (context) => {
    const access = admitted(context, route, rates)!;
    checkContentType(context);
    const { headers, signal: client } = context.req.raw;
    const key = route.repeat === "keyed" ? idempotencyKeyOf(headers) : {};
    const request = await bodies.json(
      context.req.raw,
      // deno-lint-ignore require-await -- what it throws is the request's fault
      async (json) => codec!.decode(json),
    );
    checkRequest(access, route, request, rates);
    const answer = await ends.during(
      access,
      client,
      (signal) => handle(request, { key, access, signal }),
    );
    return respond(context, deliveries, reply, answer);
  });
}

/** Binds a route to what it asks of the member. */
export function mountMember<Input, Reply>(
  mounting: Mounting,
  route: MemberRoute<Input, Reply>,
  member: Member,
): void {
  mount(mounting, route, (request) => route.ask(member, request));
}

/** The response with a reply. */
export function respond<Reply>(
  context: Context,
  deliveries: Deliveries,
  reply: ReplyCodec<Reply>,
  answer: Reply,
): Response {
  const status = reply.status?.(answer) ?? 200;
  const body = reply.encode(answer);
  const [text, type] = reply.format === "json"
    ? [JSON.stringify(body), "application/json"]
    : [body as string, "text/plain; charset=UTF-8"];
  return deliveries.response(context, text, status, reply.contentType ?? type);
}

/** Refuses a body that is not JSON as it is. @throws {RequestError} 415 */
export function checkContentType(context: Context): void {
  const type = context.req.header("content-type") ?? "none";
  if (!JSON_TYPE.test(type)) {
    throw new RequestError(
      415,
      `The Content-Type is ${type.slice(0, 80)}; send application/json`,
    );
  }
  checkContentEncoding(context);
}

/** Refuses a body that is not sent as it is. @throws {RequestError} 415 */
export function checkContentEncoding(context: Context): void {
  const encoding = context.req.header("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new RequestError(
      415,
      `The Content-Encoding is ${
        encoding.slice(0, 40)
      }; send the body as it is`,
    );
  }
}
