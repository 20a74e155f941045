import type { Context } from "@hono/hono";
import { IDEMPOTENCY_KEY_HEADER } from "../api/idempotency_key.ts";
import { STATUS_ROUTES } from "../api/routes/status.ts";
import { HiqliteError } from "../errors.ts";

/** Headers that a page may send: those that the API reads. */
const ALLOWED_HEADERS = [
  "authorization",
  "content-type",
  IDEMPOTENCY_KEY_HEADER,
  "if-match",
  "if-none-match",
  "last-event-id",
  "x-api-secret",
].join(", ");

/** Headers that a page may see beside those that it always may. */
const EXPOSED_HEADERS = "etag, retry-after, x-epoch, x-index, x-ttl-ms";

const ALLOWED_METHODS = "GET, POST, PUT, DELETE";

/** For so long a browser asks no more what it may do, s. */
const MAX_AGE_S = 600;

const OPEN_PATHS: ReadonlySet<string> = new Set(
  Object.values(STATUS_ROUTES).map(({ path }) => path),
);

/**
 * Lets pages of these origins use the API from a browser; `*`: of all. A page
 * must still send a secret or a token: no cookie counts, so nothing is done in
 * the name of whoever looks at it.
 */
export function cors(
  origins: readonly string[],
): (context: Context, next: () => Promise<void>) => Promise<Response | void> {
  const all = origins.includes("*");
  const allowed = new Set(origins);
  return async (context, next) => {
    const { path } = context.req;
    const origin = context.req.header("origin");
    const isApi = path.startsWith("/api/") || OPEN_PATHS.has(path);
    if (origin === undefined || !isApi) return await next();
    const mayUse = all || allowed.has(origin);
    if (isPreflight(context.req.raw)) {
      if (mayUse) return preflightAnswer(all ? "*" : origin);
      throw new HiqliteError(
        "forbidden",
        `Pages of ${
          JSON.stringify(origin.slice(0, 200))
        } may not use this API; cors_origins (HQL_CORS_ORIGINS) names those that may`,
      );
    }
    await next();
    showTo(origin, origins, context.res.headers);
  };
}

/** Adds to the headers of an answer what lets pages of an origin read it, if they may. */
export function showTo(
  origin: string,
  origins: readonly string[],
  headers: Headers,
): void {
  const all = origins.includes("*");
  if (origins.length > 0 && !all) headers.append("vary", "Origin");
  if (!all && !origins.includes(origin)) return;
  headers.set("access-control-allow-origin", all ? "*" : origin);
  headers.set("access-control-expose-headers", EXPOSED_HEADERS);
}

/** Whether a browser asks if it may send what a page wants to. */
export function isPreflight(
  { method, headers }: Pick<Request, "method" | "headers">,
): boolean {
  return method === "OPTIONS" && headers.has("access-control-request-method");
}

function preflightAnswer(origin: string): Response {
  return new Response(null, {
    status: 204,
    headers: {
      "access-control-allow-origin": origin,
      "access-control-allow-methods": ALLOWED_METHODS,
      "access-control-allow-headers": ALLOWED_HEADERS,
      "access-control-max-age": `${MAX_AGE_S}`,
      ...(origin === "*" ? {} : { vary: "Origin" }),
    },
  });
}
