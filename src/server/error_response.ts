import type { Context } from "@hono/hono";
import type { ErrorBody } from "../api/error_body.ts";
import { HiqliteError, HTTP_STATUS } from "../errors.ts";
import type { Logger } from "../util/logger.ts";
import { endsConnection } from "./failed_logins.ts";
import { RequestError } from "./request_error.ts";

/** What nobody hears any more is answered with; it is in no list of statuses. */
const CLIENT_GONE = 499;

/** The response to a request that failed. A defect is logged, and its details are not shown. */
export function errorResponse(
  error: Error,
  context: Context,
  logger: Logger | undefined,
): Response {
  if (isGivenUp(error, context)) {
    return new Response(null, { status: CLIENT_GONE });
  }
  if (!(error instanceof HiqliteError)) {
    logger?.error("request failed", {
      path: context.req.path,
      error: error.stack ?? String(error),
    });
    return withError(context, 500, {
      code: "internal",
      message: "The member has a defect; its log has the details",
    });
  }
  const status = error instanceof RequestError
    ? error.status
    : HTTP_STATUS[error.code];
  if (status === 429 || status === 503) context.header("Retry-After", "1");
  if (status === 401) context.header("WWW-Authenticate", "Bearer");
  if (endsConnection(error)) context.header("Connection", "close");
  return withError(context, status, {
    code: error.code,
    message: error.message,
  });
}

/** Whether its client went away while it waited, as one that does not want a lock any more. */
function isGivenUp(error: Error, context: Context): boolean {
  // The signal is not even looked at in other cases: that is not free.
  if (error.name !== "AbortError") return false;
  const { signal } = context.req.raw;
  return signal.aborted && error === signal.reason;
}

function withError(
  context: Context,
  status: number,
  error: ErrorBody["error"],
): Response {
  const body: ErrorBody = { error };
  return context.json(body, status as 400);
}
