import { type Context, Hono } from "@hono/hono";
import { setAccess } from "./access.ts";
import { Authentication } from "./auth.ts";
import { BodyReader } from "./body.ts";
import { cors } from "./cors.ts";
import { Dashboard } from "./dashboard/dashboard.ts";
import { mountLinks } from "./dashboard/mount_links.ts";
import { noSuchPath } from "./dashboard/mount_dashboard.ts";
import type { DashboardOptions, DashboardWiring } from "./dashboard/options.ts";
import { Deliveries } from "./deliveries.ts";
import { errorResponse } from "./error_response.ts";
import { FailedLogins } from "./failed_logins.ts";
import type { Logger } from "../util/logger.ts";
import type { QueryLimits } from "../state/sql/types.ts";
import type { Member } from "../node/port.ts";
import { mountBackups } from "./routes/backup.ts";
import { mountCache } from "./routes/cache.ts";
import { mountCluster } from "./routes/cluster.ts";
import { mountIterate } from "./routes/iterate.ts";
import { mountLive } from "./routes/live.ts";
import { mountLocks } from "./routes/lock.ts";
import { mountSql } from "./routes/sql.ts";
import { mountTopics } from "./routes/topics.ts";
import { mountTokens } from "./routes/tokens.ts";
import { mountStatus } from "./routes/status.ts";
import { openInTurns } from "./open_turns.ts";
import { RateLimits, rateOf } from "./rate_limits.ts";
import { RequestError } from "./request_error.ts";
import { TokenEnds } from "./token_ends.ts";

/** What the API needs to know. */
export interface AppOptions {
  /** The API secret: every request below `/api/` must carry it, or a token. */
  readonly secretApi: string;
  /** How long a wrong secret or token waits for its answer, ms. @default {500} */
  readonly failedLoginMs?: number;
  /** Accepted beside it; empty for none. @default {""} */
  readonly secretApiPrevious?: string;
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
  /** Writes and linearizable reads that each credential may ask for, of the database and of the caches; 0 a second: any number, a burst of 0: as many as in a second. @default no limits */
  readonly rateLimits?: {
    readonly dbRps: number;
    readonly dbBurst: number;
    readonly cacheRps: number;
    readonly cacheBurst: number;
    /** Milliseconds that never go back. @default the machine's */
    readonly now?: () => number;
  };
  /** The version in the OpenAPI document. @default {"0.0.0"} */
  readonly version?: string;
  /** Origins whose pages may use the API from a browser, as browsers spell them; `*`: all. @default none */
  readonly corsOrigins?: readonly string[];
  /** The dashboard. @default none */
  readonly dashboard?: DashboardOptions;
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
  return wiredApp(member, options, {});
}

/** The same, of a member that has its own dashboard. */
export function wiredApp(
  member: Member,
  options: AppOptions,
  wiring: DashboardWiring,
): Hono {
  const app = new Hono();
  const maxBodyBytes = options.maxBodyBytes ?? 16 * 1024 * 1024;
  const bodies = new BodyReader({
    maxBodyBytes,
    maxBufferedBytes: options.maxBufferedBytes ?? 4 * maxBodyBytes,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
  });
  const failed = new FailedLogins({
    logger: options.logger,
    delayMs: options.failedLoginMs,
  });
  const authentication = new Authentication({
    secrets: [options.secretApi, options.secretApiPrevious ?? ""]
      .filter((secret) => secret !== ""),
    member,
    failed,
  });

  app.onError((error, context) =>
    errorResponse(error, context, options.logger)
  );
  app.notFound((context) => {
    throw noSuchPath(context.req.path);
  });
  app.use("*", closeUnread, endUnsent);
  app.use("*", cors(options.corsOrigins ?? []));
  app.use("*", openInTurns());
  app.use("/api/*", async (context, next) => {
    setAccess(context, await authentication.access(context.req.raw.headers));
    await next();
  });

  const maxBytes = options.queryMaxBytes ?? 16 * 1024 * 1024;
  const deliveries = new Deliveries({
    bytes: options.maxWaitingBytes ?? 4 * maxBytes,
    stallMs: options.readTimeoutMs ?? 30_000,
  });
  const ends = new TokenEnds((token) => authentication.whyEnded(token));
  const rates = rateLimitsOf(options);
  const mounting = { app, bodies, deliveries, ends, rates };
  mountStatus(mounting, member, failed, options.version ?? "0.0.0");
  const limits = {
    timeoutMs: options.queryTimeoutMs ?? 10_000,
    maxRows: options.queryMaxRows ?? 100_000,
    maxBytes,
  };
  mountSql(mounting, member, limits);
  mountIterate(mounting, member, limits);
  mountLive(mounting, member, limits);
  mountCache(mounting, member);
  mountTopics(mounting, member);
  mountLocks(mounting, member, limits.timeoutMs);
  mountTokens(mounting, member);
  mountBackups(mounting, member);
  mountCluster(mounting, member);
  const dashboard = dashboardOf(member, options, limits, wiring);
  mountLinks(mounting, dashboard);
  dashboard?.mount(mounting);
  refuseOtherMethods(app);
  return app;
}

function rateLimitsOf({ rateLimits: given }: AppOptions): RateLimits {
  if (given === undefined) return new RateLimits({ db: null, cache: null });
  return new RateLimits({
    db: rateOf(given.dbRps, given.dbBurst),
    cache: rateOf(given.cacheRps, given.cacheBurst),
  }, given.now);
}

function dashboardOf(
  member: Member,
  options: AppOptions,
  limits: QueryLimits,
  wiring: DashboardWiring,
): Dashboard | undefined {
  const { secretApi, secretApiPrevious = "", dashboard } = options;
  return dashboard === undefined ? undefined : new Dashboard({
    member,
    secrets: [secretApi, secretApiPrevious].filter((one) => one !== ""),
    limits,
    version: options.version ?? "0.0.0",
    logger: options.logger,
    options: dashboard,
    wiring,
  });
}

/**
 * A connection on which a body was left unread is ended by the server. Said in the answer, or the client would use it
 * for its next request, and lose that.
 */
async function closeUnread(
  context: Context,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  const { raw } = context.req;
  if (raw.method === "GET" || raw.bodyUsed || raw.body === null) return;
  context.res.headers.set("connection", "close");
}

/** What answers HEAD is made as for GET and never read: a stream of events would wait, and count, for ever. */
async function endUnsent(
  context: Context,
  next: () => Promise<void>,
): Promise<void> {
  await next();
  if (context.req.raw.method === "HEAD") await context.res.body?.cancel();
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
