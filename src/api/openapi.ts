import { BACKUP_SCHEMAS } from "./backup_json.ts";
import { BACKUP_ROUTES } from "./routes/backup.ts";
import { CACHE_ROUTES, CACHE_SCHEMAS } from "./routes/cache.ts";
import { CACHE_PATH_PARTS, CACHE_RESOURCES } from "./routes/cache_resource.ts";
import { LOCK_SCHEMAS } from "./lock_json.ts";
import { LOCK_ROUTES } from "./routes/lock.ts";
import { LOCK_PATH_PARTS, LOCK_RESOURCES } from "./routes/lock_resource.ts";
import { DASHBOARD_API_ROUTES } from "./routes/dashboard.ts";
import { CLUSTER_ROUTES } from "./routes/cluster.ts";
import { CLUSTER_SCHEMAS } from "./cluster_status.ts";
import { ERROR_SCHEMAS } from "./error_body.ts";
import { ITERATE } from "./routes/iterate.ts";
import { LIVE_RESOURCES } from "./routes/live.ts";
import { HEALTH_SCHEMAS, STATUS_ROUTES } from "./routes/status.ts";
import { IDEMPOTENCY_KEY_BYTES } from "./idempotency_key.ts";
import { type JsonSchema, reference, TEXT } from "./json_schema.ts";
import { RESULT_SCHEMAS } from "./result.ts";
import type { ResourceRoute, Route } from "./route.ts";
import { SQL_ROUTES } from "./routes/sql.ts";
import { LISTEN, TOPIC_ROUTES } from "./routes/topics.ts";
import { TELEMETRY_ROUTES } from "./routes/telemetry.ts";
import { TELEMETRY_SCHEMAS } from "./telemetry_json.ts";
import { TOKEN_ROUTES, TOKEN_SCHEMAS } from "./routes/tokens.ts";
import type { Scope } from "../state/tokens/types.ts";
import { TOPIC_SCHEMAS } from "./topics.ts";
import { STATEMENT_SCHEMAS } from "./statement.ts";

/** A part of the document. */
type Part = Readonly<Record<string, unknown>>;

/** Every route of the API. */
export const ROUTES: readonly Route<unknown, unknown>[] = [
  ...Object.values(STATUS_ROUTES),
  ...Object.values(SQL_ROUTES),
  ...Object.values(CACHE_ROUTES),
  ...Object.values(TOPIC_ROUTES),
  ...Object.values(LOCK_ROUTES),
  ...Object.values(TOKEN_ROUTES),
  ...Object.values(BACKUP_ROUTES),
  ...Object.values(CLUSTER_ROUTES),
  ...Object.values(TELEMETRY_ROUTES),
  ...Object.values(DASHBOARD_API_ROUTES),
];

/** Every thing with a path of its own. */
export const RESOURCES: Readonly<Record<string, ResourceRoute>> = {
  ...CACHE_RESOURCES,
  ...LOCK_RESOURCES,
  ...LIVE_RESOURCES,
  listen: LISTEN,
  iterate: ITERATE,
};

/** What stands in the braces of their paths. */
const PATH_PARTS = { ...CACHE_PATH_PARTS, ...LOCK_PATH_PARTS };

/** Every schema that has a name. */
const SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  ...STATEMENT_SCHEMAS,
  ...RESULT_SCHEMAS,
  ...HEALTH_SCHEMAS,
  ...CACHE_SCHEMAS,
  ...TOPIC_SCHEMAS,
  ...LOCK_SCHEMAS,
  ...TOKEN_SCHEMAS,
  ...BACKUP_SCHEMAS,
  ...CLUSTER_SCHEMAS,
  ...TELEMETRY_SCHEMAS,
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
    paths: pathsOf([
      ...ROUTES.map((route) => [route, operationOf(route)] as const),
      ...Object.values(RESOURCES).map((route) =>
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
    security: route.scope === "open" ? [] : securityOf(route.scope),
    ...(route.repeat === "keyed" ? { parameters: [KEY_HEADER] } : {}),
    ...(route.request === undefined ? {} : {
      requestBody: {
        required: true,
        content: { "application/json": { schema: route.request.schema } },
      },
    }),
    responses: {
      ...responsesOf(route),
      ...(route.scope !== "open"
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
    description: PATH_PARTS[name as keyof typeof PATH_PARTS],
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
    security: securityOf(route.scope),
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

/** Either header will do, with the API secret or a token of this scope. */
function securityOf(scope: Scope): readonly Part[] {
  return [{ secret: [scope] }, { bearer: [scope] }];
}

const KEY_HEADER: Part = {
  name: "Idempotency-Key",
  in: "header",
  description:
    "A retry with the same key is applied once. One key, without a comma and a space in it: so two headers would be read.",
  schema: { type: "string", minLength: 1, maxLength: IDEMPOTENCY_KEY_BYTES },
};
