import type { Context, Hono } from "@hono/hono";
import type { BodyReader } from "./body.ts";
import type { Deliveries } from "./deliveries.ts";
import { idempotencyKeyOf } from "../api/idempotency_key.ts";
import type { Member } from "../node/port.ts";
import type { MemberRoute, ReplyCodec, Route } from "../api/route.ts";
import { RequestError } from "./request_error.ts";

/** What the routes of an application share. */
export interface Mounting {
  readonly app: Hono;
  readonly bodies: BodyReader;
  readonly deliveries: Deliveries;
}

/** What belongs to a request beside its body. */
export interface RequestContext {
  /** Of a route that is `keyed`; nothing if the client sent none. */
  readonly key: { readonly idempotencyKey?: string };
}

/** What a route's handler does with a request. */
export type Handler<Input, Reply> = (
  request: Input,
  context: RequestContext,
) => Reply | Promise<Reply>;

/** JSON in UTF-8, in the spellings that clients use. */
const JSON_TYPE =
  /^application\/json[\t ]*(?:;[\t ]*(?:charset=(?:utf-?8|"utf-?8")[\t ]*)?)*$/i;

/** Binds a route to its handler. @throws {TypeError} if the route's path does not fit what it says of the secret. */
export function mount<Input, Reply>(
  { app, bodies, deliveries }: Mounting,
  route: Route<Input, Reply>,
  handle: Handler<Input, Reply>,
): void {
  const { method, path, reply, request: codec } = route;
  // The application asks for the secret by path, so that no route can forget it.
  if (route.secret !== path.startsWith("/api/")) {
    throw new TypeError(
      `${path} is ${route.secret ? "outside of" : "below"} /api/`,
    );
  }
  app.on(method, path, async (context) => {
    if (codec === undefined) {
      const answer = await handle(undefined as Input, { key: {} });
      return respond(context, deliveries, reply, answer);
    }
    checkContentType(context);
    const { headers } = context.req.raw;
    const key = route.repeat === "keyed" ? idempotencyKeyOf(headers) : {};
    return bodies.json(
      context.req.raw,
      async (json) =>
        respond(
          context,
          deliveries,
          reply,
          await handle(codec.decode(json), { key }),
        ),
    );
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
