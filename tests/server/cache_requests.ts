import type { createApp } from "../../src/server/app.ts";

/** What requests of {@linkcode asking} authenticate with. */
export const CACHE_SECRET = "api-secret-0123456789";
/** Where its requests go. */
export const CACHE_BASE = "http://member/api/v1/cache";

/** Sends a request, and reads its answer. */
export type AskedCaches = (
  method: string,
  path: string,
  options?: {
    readonly body?: BodyInit;
    readonly type?: string | null;
    readonly headers?: Record<string, string>;
  },
) => Promise<{
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
}>;

/** Sends requests below `/cache`, without a socket. */
export function asking(app: ReturnType<typeof createApp>): AskedCaches {
  return async (method, path, { body, type, headers = {} } = {}) => {
    const response = await app.request(`${CACHE_BASE}${path}`, {
      method,
      headers: {
        "x-api-secret": CACHE_SECRET,
        ...(type === null || type === undefined
          ? {}
          : { "content-type": type }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const json = text.startsWith("{") ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
}
