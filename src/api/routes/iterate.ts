import type { QueryRequest } from "../../node/port.ts";
import type { ResourceRoute } from "../route.ts";
import { QUERY } from "./sql.ts";

/** Rows that are taken as they are read; the request is one of `/api/v1/query`. */
export const ITERATE: ResourceRoute = {
  method: "POST",
  path: "/api/v1/iterate",
  scope: "read",
  safe: true,
  summary:
    "Read all rows of a SELECT, as lines of JSON: first `{columns, count, index}`, then `count` arrays, one a row, or at last `{error}`. The member keeps them in a temporary file, 1 GiB at most; who takes nothing for five minutes is cut off. Four at a time, two of one credential.",
  query: {},
  headers: {},
  keyed: false,
  body: { "application/json": { schema: QUERY.request!.schema } },
  statuses: { 200: "Lines of JSON (`application/x-ndjson`)." },
};

/** The JSON of a request; `timeoutMs` is how long the member may take. @throws {HiqliteError} `invalid` */
export function iterateToJson(
  request: QueryRequest,
  timeoutMs: number,
): unknown {
  return QUERY.request!.encode(
    { ...request, limits: { timeoutMs } },
    timeoutMs,
  );
}

/** The request of a JSON body. @throws {HiqliteError} `invalid` */
export function iterateFromJson(json: unknown): QueryRequest {
  return QUERY.request!.decode(json);
}
