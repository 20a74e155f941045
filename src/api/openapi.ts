import { CLUSTER_ROUTES } from "./routes/cluster.ts";
import { CLUSTER_SCHEMAS } from "./cluster_status.ts";
import { ERROR_SCHEMAS } from "./error_body.ts";
import { HEALTH_SCHEMAS, STATUS_ROUTES } from "./routes/status.ts";
import { IDEMPOTENCY_KEY_BYTES } from "./idempotency_key.ts";
import { type JsonSchema, reference } from "./json_schema.ts";
import { RESULT_SCHEMAS } from "./result.ts";
import type { Route } from "./route.ts";
import { SQL_ROUTES } from "./routes/sql.ts";
import { STATEMENT_SCHEMAS } from "./statement.ts";

/** A part of the document. */
type Part = Readonly<Record<string, unknown>>;

/** Every route of the API. */
const ROUTES: readonly Route<unknown, unknown>[] = [
  ...Object.values(STATUS_ROUTES),
  ...Object.values(SQL_ROUTES),
  ...Object.values(CLUSTER_ROUTES),
];

/** Every schema that has a name. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ...STATEMENT_SCHEMAS,
  ...RESULT_SCHEMAS,
  ...HEALTH_SCHEMAS,
  ...CLUSTER_SCHEMAS,
  ...ERROR_SCHEMAS,
};

/** The OpenAPI 3.1 description of the API. */
export function openApiDocument(version: string): Part {
  return {
    openapi: "3.1.0",
    info: {
      title: "Hiqlite",
      version,
      description:
        "A SQLite database replicated with Raft. Writes reach the leader through any member.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    security: [{ secret: [] }, { bearer: [] }],
    paths: Object.fromEntries(
      ROUTES.map((route) => [
        route.path,
        { [route.method.toLowerCase()]: operationOf(route) },
      ]),
    ),
    components: {
      securitySchemes: {
        secret: { type: "apiKey", in: "header", name: "X-API-SECRET" },
        bearer: { type: "http", scheme: "bearer" },
      },
      schemas: SCHEMAS,
      responses: {
        Error: {
          description: "An error; the status follows from its code.",
          content: { "application/json": { schema: reference("Error") } },
        },
      },
    },
  };
}

function operationOf(route: Route<unknown, unknown>): Part {
  return {
    summary: route.summary,
    ...(route.secret ? {} : { security: [] }),
    ...(route.repeat === "keyed" ? { parameters: [KEY_HEADER] } : {}),
    ...(route.request === undefined ? {} : {
      requestBody: {
        required: true,
        content: { "application/json": { schema: route.request.schema } },
      },
    }),
    responses: {
      ...responsesOf(route),
      ...(route.secret
        ? { default: { $ref: "#/components/responses/Error" } }
        : {}),
    },
  };
}

function responsesOf({ reply }: Route<unknown, unknown>): Part {
  const type = reply.format === "json" ? "application/json" : "text/plain";
  const schema = reply.schema === undefined ? {} : { schema: reply.schema };
  return Object.fromEntries(
    Object.entries(reply.statuses).map(([status, description]) => [
      status,
      { description, content: { [type]: schema } },
    ]),
  );
}

const KEY_HEADER: Part = {
  name: "Idempotency-Key",
  in: "header",
  description: "A retry with the same key is applied once.",
  schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_BYTES },
};
