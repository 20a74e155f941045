import type { MiddlewareHandler } from "@hono/hono";
import { METRICS, OPENAPI } from "../api/routes/status.ts";
import { Turnstile } from "./turnstile.ts";

/** What anybody may ask without a secret, in all: so many requests must not keep the member from its peers. */
const OPEN_REQUESTS = { windowMs: 50, perWindow: 50 };
/**
 * The same of what is long, some ten KiB each: the runtime keeps 400 KiB of answers
 * for each connection that asks again and again and reads nothing.
 */
const LONG_REQUESTS = { windowMs: 50, perWindow: 10 };
const LONG_PATHS: readonly string[] = [METRICS.path, OPENAPI.path];

/** Lets what is outside of /api/ wait for its turn. */
export function openInTurns(): MiddlewareHandler {
  const open = new Turnstile(OPEN_REQUESTS);
  const long = new Turnstile(LONG_REQUESTS);
  return async ({ req: { path } }, next) => {
    if (!path.startsWith("/api/")) {
      await (LONG_PATHS.includes(path) ? long : open).pass();
    }
    await next();
  };
}
