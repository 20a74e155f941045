import { type Context, Hono } from "@hono/hono";
import { clusterToWire, resultToWire } from "../api/wire.ts";
import { HiqliteError, HTTP_STATUS } from "../errors.ts";
import { invalid, rowsToJson } from "../api/json.ts";
import type { Logger } from "../util/logger.ts";
import type { Member, MembershipRequest, WriteAnswer } from "../node/port.ts";
import type { QueryLimits } from "../state/sql/types.ts";
import * as read from "../api/requests.ts";
import { BodyReader } from "./body.ts";
import { openApiDocument } from "../api/openapi.ts";
import { RequestError } from "./request_error.ts";
import { secretCheck } from "./auth.ts";

/** What the API needs to know. */
export interface AppOptions {
  /** Asked of every request below `/api/`. */
  readonly secretApi: string;
  /** Bytes of one request body. @default {50_331_648} */
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
  /** The version in the OpenAPI document. @default {"0.0.0"} */
  readonly version?: string;
  /** Hears of defects; their details never go to the client. */
  readonly logger?: Logger;
}

const MEMBERSHIP_ACTIONS: readonly MembershipRequest["action"][] = [
  "add-learner",
  "promote",
  "demote",
  "remove",
];

/** Bytes of an `Idempotency-Key` at most. */
const KEY_BYTES = 128;

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
  const maxBodyBytes = options.maxBodyBytes ?? 48 * 1024 * 1024;
  const bodies = new BodyReader({
    maxBodyBytes,
    maxBufferedBytes: options.maxBufferedBytes ?? 4 * maxBodyBytes,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
  });
  const checkSecret = secretCheck(options.secretApi);

  app.onError((error, context) => answerError(error, context, options.logger));
  app.notFound((context) =>
    answerError(
      new HiqliteError("not_found", `no such path: ${context.req.path}`),
      context,
      options.logger,
    )
  );
  app.use("/api/*", async (context, next) => {
    checkSecret(context.req.raw.headers);
    await next();
  });

  addStatusRoutes(app, member, options.version ?? "0.0.0");
  addSqlRoutes(app, member, bodies, {
    timeoutMs: options.queryTimeoutMs ?? 10_000,
    maxRows: options.queryMaxRows ?? 100_000,
    maxBytes: options.queryMaxBytes ?? 16 * 1024 * 1024,
  });
  addClusterRoutes(app, member, bodies);
  refuseOtherMethods(app);
  return app;
}

function addStatusRoutes(app: Hono, member: Member, version: string): void {
  app.get("/ping", (context) => context.text("pong"));
  app.get("/health", (context) => {
    const health = member.health();
    return context.json(health, health.ok ? 200 : 503);
  });
  app.get("/ready", (context) => {
    const ready = member.ready();
    return context.json(ready, ready.ok ? 200 : 503);
  });
  app.get("/metrics", (context) =>
    context.text(member.metrics(), 200, {
      "content-type": "text/plain; version=0.0.4; charset=utf-8",
    }));
  app.get("/openapi.json", (context) => context.json(openApiDocument(version)));
}

function addSqlRoutes(
  app: Hono,
  member: Member,
  bodies: BodyReader,
  limits: QueryLimits,
): void {
  const write = (
    parse: (json: unknown) => read.WriteBody,
    shape: (answer: WriteAnswer) => object,
  ) =>
  (context: Context): Promise<Response> => {
    checkContentType(context);
    const key = idempotencyKeyOf(context);
    return bodies.json(context.req.raw, async (json) => {
      const answer = await member.write({ ...parse(json), ...key });
      return answer.result.ok
        ? context.json(shape(answer))
        : refusedWrite(context, answer);
    });
  };
  const results = (answer: WriteAnswer) => ({
    results: answer.result.results.map(resultToWire),
    index: answer.index,
  });
  app.post(
    "/api/v1/execute",
    write(read.readExecute, (answer) => ({
      ...resultToWire(answer.result.results[0]!),
      index: answer.index,
    })),
  );
  app.post("/api/v1/txn", write(read.readTxn, results));
  app.post("/api/v1/batch", write(read.readBatch, results));
  app.post(
    "/api/v1/migrate",
    write(read.readMigrate, (answer) => ({ index: answer.index })),
  );
  app.post("/api/v1/query", (context) => {
    checkContentType(context);
    return bodies.json(context.req.raw, async (json) => {
      const answer = await member.query(read.readQuery(json, limits));
      return context.json({
        columns: answer.columns,
        rows: rowsToJson(answer.rows),
        index: answer.index,
      });
    });
  });
}

function addClusterRoutes(
  app: Hono,
  member: Member,
  bodies: BodyReader,
): void {
  app.get(
    "/api/v1/cluster",
    (context) => context.json(clusterToWire(member.cluster())),
  );
  app.post("/api/v1/cluster/transfer", (context) => {
    checkContentType(context);
    return bodies.json(context.req.raw, async (json) => {
      const target = read.readTransfer(json);
      return context.json(
        clusterToWire(await member.transferLeadership(target)),
      );
    });
  });
  for (const action of MEMBERSHIP_ACTIONS) {
    app.post(`/api/v1/cluster/${action}`, (context) => {
      checkContentType(context);
      return bodies.json(context.req.raw, async (json) => {
        const request = read.readMembership(action, json);
        return context.json(
          clusterToWire(await member.changeMembership(request)),
        );
      });
    });
  }
}

/** Answers 405 where a path exists for another method. */
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
        `${path} answers ${allowed.join(", ")}, not ${context.req.method}`,
      );
    });
  }
}

function checkContentType(context: Context): void {
  const type = context.req.header("content-type") ?? "none";
  if (!/^application\/json *(?:; *charset=utf-8)?$/i.test(type)) {
    throw new RequestError(
      415,
      `expected Content-Type application/json, got ${type.slice(0, 80)}`,
    );
  }
  const encoding = context.req.header("content-encoding") ?? "identity";
  if (encoding !== "identity") {
    throw new RequestError(
      415,
      `Content-Encoding ${encoding.slice(0, 40)} is not accepted`,
    );
  }
}

function idempotencyKeyOf(context: Context): { idempotencyKey?: string } {
  const key = context.req.header("idempotency-key");
  if (key === undefined) return {};
  const bytes = new TextEncoder().encode(key).length;
  if (bytes < 1 || bytes > KEY_BYTES) {
    throw invalid(
      "Idempotency-Key",
      `expected 1 to ${KEY_BYTES} bytes, got ${bytes}`,
    );
  }
  return { idempotencyKey: key };
}

/** A write whose result is an error; a batch says what it kept. */
function refusedWrite(context: Context, answer: WriteAnswer): Response {
  const { result, index } = answer;
  if (result.ok) throw new TypeError("the write was not refused");
  return context.json({
    error: result.error,
    results: result.results.map(resultToWire),
    index,
  }, HTTP_STATUS[result.error.code] as 400);
}

function answerError(
  error: Error,
  context: Context,
  logger: Logger | undefined,
): Response {
  if (!(error instanceof HiqliteError)) {
    logger?.error("request failed", {
      path: context.req.path,
      error: error.stack ?? String(error),
    });
    return context.json({
      error: {
        code: "internal",
        message: "a defect in the member; its log has the details",
      },
    }, 500);
  }
  const status = error instanceof RequestError
    ? error.status
    : HTTP_STATUS[error.code];
  if (status === 429 || status === 503) context.header("Retry-After", "1");
  if (status === 401) context.header("WWW-Authenticate", "Bearer");
  return context.json(
    { error: { code: error.code, message: error.message } },
    status as 400,
  );
}
