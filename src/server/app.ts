import { Hono } from "@hono/hono";
import { BodyReader } from "./body.ts";
import { Deliveries } from "./deliveries.ts";
import { errorResponse } from "./error_response.ts";
import { HiqliteError } from "../errors.ts";
import type { Logger } from "../util/logger.ts";
import type { Member } from "../node/port.ts";
import { mountCache } from "./routes/cache.ts";
import { mountCluster } from "./routes/cluster.ts";
import { mountSql } from "./routes/sql.ts";
import { mountStatus } from "./routes/status.ts";
import { RequestError } from "./request_error.ts";
import { secretCheck } from "./auth.ts";

/** What the API needs to know. */
export interface AppOptions {
  /** The API secret: every request below `/api/` must carry it. */
  readonly secretApi: string;
  /** Bytes of one request body. @default {16_777_216} */
  readonly maxBodyBytes?: number;
  /** Bytes of all request bodies under way. @default four times maxBodyBytes */
  readonly maxBufferedBytes?: number;
  /** Longest wait for the whole body, ms. @default {30_000} */
  readonly bodyTimeoutMs?: number;
  /** Longest run of a query, ms. @default {10_000} */
  readonly queryTimeoutMs?: number;
  /** Rows in an answer. @default {100_000} */
  readonly queryMaxRows?: number;
  /** Bytes in an answer, roughly. @default {16_777_216} */
  readonly queryMaxBytes?: number;
  /** Bytes of all answers that wait to be read; beyond it the answer that was left unread for longest is cut off. @default four times queryMaxBytes */
  readonly maxWaitingBytes?: number;
  /** How long a client may read nothing of an answer before it is cut off, ms. @default {30_000} */
  readonly readTimeoutMs?: number;
  /** The version in the OpenAPI document. @default {"0.0.0"} */
  readonly version?: string;
  /** Receives the details of defects, which never go to the client. */
  readonly logger?: Logger;
}

/**
 * The HTTP API of a member as a fetch handler, to be served by a server of
 * one's own. It opens no port.
 */
export function apiHandler(
  member: Member,
  options: AppOptions,
): (request: Request) => Response | Promise<Response> {
  const app = createApp(member, options);
  return (request) => app.fetch(request);
}

/** The HTTP API of a member; the routes are in the OpenAPI document it serves. */
export function createApp(member: Member, options: AppOptions): Hono {
  const app = new Hono();
  const maxBodyBytes = options.maxBodyBytes ?? 16 * 1024 * 1024;
  const bodies = new BodyReader({
    maxBodyBytes,
    maxBufferedBytes: options.maxBufferedBytes ?? 4 * maxBodyBytes,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
  });
  const checkSecret = secretCheck(options.secretApi);

  app.onError((error, context) =>
    errorResponse(error, context, options.logger)
  );
  app.notFound((context) => {
    const { path } = context.req;
    throw new HiqliteError(
      "not_found",
      `There is no path ${path.slice(0, 200)}; GET /openapi.json lists them`,
    );
  });
  app.use("/api/*", async (context, next) => {
    checkSecret(context.req.raw.headers);
    await next();
  });

  const maxBytes = options.queryMaxBytes ?? 16 * 1024 * 1024;
  const deliveries = new Deliveries({
    bytes: options.maxWaitingBytes ?? 4 * maxBytes,
    stallMs: options.readTimeoutMs ?? 30_000,
  });
  const mounting = { app, bodies, deliveries };
  mountStatus(mounting, member, options.version ?? "0.0.0");
  mountSql(mounting, member, {
    timeoutMs: options.queryTimeoutMs ?? 10_000,
    maxRows: options.queryMaxRows ?? 100_000,
    maxBytes,
  });
  mountCache(mounting, member);
  mountCluster(mounting, member);
  refuseOtherMethods(app);
  return app;
}

/** Refuses other methods of a path that exists with 405. */
function refuseOtherMethods(app: Hono): void {
  const methods = new Map<string, string[]>();
  for (const { method, path } of app.routes) {
    if (method === "ALL") continue;
    methods.set(path, [...methods.get(path) ?? [], method]);
  }
  for (const [path, allowed] of methods) {
    app.all(path, (context) => {
      context.header("Allow", allowed.join(", "));
      throw new RequestError(
        405,
        `The method of ${path} is ${
          allowed.join(" or ")
        }, not ${context.req.method}`,
      );
    });
  }
}
