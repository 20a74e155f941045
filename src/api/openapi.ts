import { CACHE_ROUTES, CACHE_SCHEMAS } from "./routes/cache.ts";
import { CACHE_PATH_PARTS, CACHE_RESOURCES } from "./routes/cache_resource.ts";
import { CLUSTER_ROUTES } from "./routes/cluster.ts";
import { CLUSTER_SCHEMAS } from "./cluster_status.ts";
import { ERROR_SCHEMAS } from "./error_body.ts";
import { HEALTH_SCHEMAS, STATUS_ROUTES } from "./routes/status.ts";
import { IDEMPOTENCY_KEY_BYTES } from "./idempotency_key.ts";
import { type JsonSchema, reference, TEXT } from "./json_schema.ts";
import { RESULT_SCHEMAS } from "./result.ts";
import type { ResourceRoute, Route } from "./route.ts";
import { SQL_ROUTES } from "./routes/sql.ts";
import { STATEMENT_SCHEMAS } from "./statement.ts";

/** A part of the document. */
type Part = Readonly<Record<string, unknown>>;

/** Every route of the API. */
const ROUTES: readonly Route<unknown, unknown>[] = [
  ...Object.values(STATUS_ROUTES),
  ...Object.values(SQL_ROUTES),
  ...Object.values(CACHE_ROUTES),
  ...Object.values(CLUSTER_ROUTES),
];

/** Every schema that has a name. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ...STATEMENT_SCHEMAS,
  ...RESULT_SCHEMAS,
  ...HEALTH_SCHEMAS,
  ...CACHE_SCHEMAS,
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
    paths: pathsOf([
      ...ROUTES.map((route) => [route, operationOf(route)] as const),
      ...Object.values(CACHE_RESOURCES).map((route) =>
        [route, resourceOperation(route)] as const
      ),
    ]),
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

/** Operations by their path, then by their method. */
function pathsOf(
  operations: readonly (readonly [
    { readonly path: string; readonly method: string },
    Part,
  ])[],
): Part {
  const paths: Record<string, Record<string, Part>> = {};
  for (const [{ path, method }, operation] of operations) {
    (paths[path] ??= {})[method.toLowerCase()] = operation;
  }
  return paths;
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

/** An operation on a thing that has a path of its own; its body is the thing itself. */
function resourceOperation(route: ResourceRoute): Part {
  const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    description: CACHE_PATH_PARTS[name as keyof typeof CACHE_PATH_PARTS],
    schema: TEXT,
  }));
  const asked = Object.entries(route.query).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema: TEXT,
  }));
  const headers = Object.entries(route.headers).map(([name, description]) => ({
    name,
    in: "header",
    description,
    schema: TEXT,
  }));
  return {
    summary: route.summary,
    parameters: [
      ...named,
      ...asked,
      ...headers,
      ...(route.keyed ? [KEY_HEADER] : []),
    ],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: route.body } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(route.statuses).map(([status, description]) => [
          status,
          { description },
        ]),
      ),
      default: { $ref: "#/components/responses/Error" },
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
  description:
    "A retry with the same key is applied once. One key, without a comma and a space in it: so two headers would be read.",
  schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_BYTES },
};
