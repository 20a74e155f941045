import { HTTP_STATUS } from "../errors.ts";

type Json = Readonly<Record<string, unknown>>;

const TEXT: Json = { type: "string" };
const INTEGER: Json = { type: "integer" };
const BOOLEAN: Json = { type: "boolean" };

/** The OpenAPI 3.1 description of the API. */
export function openApiDocument(version: string): Json {
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
    paths: { ...statusPaths(), ...sqlPaths(), ...clusterPaths() },
    components: {
      securitySchemes: {
        secret: { type: "apiKey", in: "header", name: "X-API-SECRET" },
        bearer: { type: "http", scheme: "bearer" },
      },
      schemas: schemas(),
      responses: { Error: errorResponse() },
    },
  };
}

function statusPaths(): Json {
  const health = {
    200: answer("Well.", ref("Health")),
    503: answer("Not well; `detail` says why.", ref("Health")),
  };
  const open = (summary: string, responses: Json): Json => ({
    get: { summary, security: [], responses },
  });
  return {
    "/ping": open("The listener answers.", {
      200: { description: "pong", content: { "text/plain": {} } },
    }),
    "/health": open("The member runs and knows a leader.", health),
    "/ready": open("The member is fit for traffic.", health),
    "/metrics": open("Metrics for Prometheus.", {
      200: { description: "Text format.", content: { "text/plain": {} } },
    }),
    "/openapi.json": open("This document.", {
      200: { description: "OpenAPI.", content: { "application/json": {} } },
    }),
  };
}

function sqlPaths(): Json {
  const timeout = { timeout_ms: INTEGER };
  const statement = { sql: TEXT, params: ref("Parameters") };
  const index = { index: ref("Index") };
  const results = object({
    results: { type: "array", items: ref("Result") },
    ...index,
  });
  return {
    "/api/v1/execute": write(
      "Run one writing statement.",
      object({ ...statement, ...timeout }, ["sql"]),
      { allOf: [ref("Result"), object(index)] },
    ),
    "/api/v1/txn": write(
      "Run statements, all or nothing.",
      object({
        statements: { type: "array", minItems: 1, items: ref("Statement") },
        ...timeout,
      }, ["statements"]),
      results,
    ),
    "/api/v1/batch": write(
      "Run the statements of a text, each on its own, up to the first error.",
      object({ sql: TEXT, ...timeout }, ["sql"]),
      results,
    ),
    "/api/v1/migrate": write(
      "Bring the schema up to date.",
      object({
        migrations: {
          type: "array",
          items: object({ id: INTEGER, name: TEXT, sql: TEXT }, [
            "id",
            "name",
            "sql",
          ]),
        },
        ...timeout,
      }, ["migrations"]),
      object(index),
    ),
    "/api/v1/query": {
      post: {
        summary: "Read. `min_index` waits for a write seen elsewhere.",
        requestBody: body(object({
          ...statement,
          consistency: { enum: ["local", "linearizable"], default: "local" },
          min_index: INTEGER,
          ...timeout,
        }, ["sql"])),
        responses: responses(object({
          columns: { type: "array", items: TEXT },
          rows: ref("Rows"),
          ...index,
        })),
      },
    },
  };
}

function clusterPaths(): Json {
  const change = (summary: string, fields: Json, required: string[]): Json => ({
    post: {
      summary,
      requestBody: body(object(fields, required)),
      responses: responses(ref("Cluster")),
    },
  });
  const target = { node_id: INTEGER };
  return {
    "/api/v1/cluster": {
      get: {
        summary: "The cluster as this member sees it.",
        responses: responses(ref("Cluster")),
      },
    },
    "/api/v1/cluster/transfer": change(
      "Move leadership, by default to the most up-to-date voter.",
      target,
      [],
    ),
    "/api/v1/cluster/add-learner": change(
      "Add a member that replicates and does not vote.",
      { ...target, raft_address: TEXT, api_address: TEXT },
      ["node_id"],
    ),
    "/api/v1/cluster/promote": change(
      "Make a learner a voter, once it has caught up.",
      target,
      ["node_id"],
    ),
    "/api/v1/cluster/demote": change("Make a voter a learner.", target, [
      "node_id",
    ]),
    "/api/v1/cluster/remove": change("Remove a member.", target, ["node_id"]),
  };
}

function schemas(): Json {
  const member = object({
    id: TEXT,
    node_id: INTEGER,
    raft_address: TEXT,
    api_address: TEXT,
    role: { enum: ["leader", "voter", "learner"] },
    connected: BOOLEAN,
    match_index: { type: ["integer", "null"] },
  });
  return {
    Value: {
      description:
        "null, a boolean (1 or 0), a number, a text; integers beyond ±(2^53 - 1) as $int, numbers JSON lacks as $float, blobs as base64.",
      oneOf: [
        { type: ["null", "boolean", "number", "string"] },
        object({ $int: TEXT }, ["$int"]),
        object({ $float: TEXT }, ["$float"]),
        object({ $blob: { type: "string", contentEncoding: "base64" } }, [
          "$blob",
        ]),
      ],
    },
    Reference: object({
      $ref: object(
        { statement: INTEGER, column: { type: ["string", "integer"] } },
        ["statement", "column"],
      ),
    }, ["$ref"]),
    Parameters: {
      oneOf: [
        { type: "array", items: ref("Value") },
        { type: "object", additionalProperties: ref("Value") },
      ],
    },
    Statement: object({
      sql: TEXT,
      params: {
        description:
          "As Parameters; a value may be a Reference to the first row of an earlier statement.",
        oneOf: [
          { type: "array", items: { oneOf: [ref("Value"), ref("Reference")] } },
          {
            type: "object",
            additionalProperties: { oneOf: [ref("Value"), ref("Reference")] },
          },
        ],
      },
    }, ["sql"]),
    Rows: {
      type: "array",
      items: { type: "array", items: ref("Value") },
    },
    Result: object({
      rows_affected: INTEGER,
      last_insert_rowid: ref("Value"),
      columns: { type: "array", items: TEXT },
      rows: ref("Rows"),
    }, ["rows_affected", "last_insert_rowid"]),
    Index: {
      type: "integer",
      description: "Log index; as `min_index` it reads this write anywhere.",
    },
    Health: object({ ok: BOOLEAN, detail: TEXT }, ["ok", "detail"]),
    Cluster: object({
      cluster_id: TEXT,
      self: TEXT,
      leader: { type: ["string", "null"] },
      term: INTEGER,
      commit_index: INTEGER,
      applied_index: INTEGER,
      last_index: INTEGER,
      first_index: INTEGER,
      joint: BOOLEAN,
      members: { type: "array", items: member },
    }),
    Error: object({
      error: object({
        code: { enum: Object.keys(HTTP_STATUS) },
        message: TEXT,
        statement: INTEGER,
      }, ["code", "message"]),
      results: { type: "array", items: ref("Result") },
      index: ref("Index"),
    }, ["error"]),
  };
}

function write(summary: string, request: Json, response: Json): Json {
  return {
    post: {
      summary,
      parameters: [{
        name: "Idempotency-Key",
        in: "header",
        description: "A retry with the same key is applied once.",
        schema: { type: "string", minLength: 1, maxLength: 128 },
      }],
      requestBody: body(request),
      responses: responses(response),
    },
  };
}

function responses(schema: Json): Json {
  return {
    200: answer("Done.", schema),
    default: { $ref: "#/components/responses/Error" },
  };
}

function errorResponse(): Json {
  return answer(
    "An error; the status follows from its code.",
    ref("Error"),
  );
}

function answer(description: string, schema: Json): Json {
  return { description, content: { "application/json": { schema } } };
}

function body(schema: Json): Json {
  return { required: true, content: { "application/json": { schema } } };
}

function object(properties: Json, required: readonly string[] = []): Json {
  return {
    type: "object",
    properties,
    ...(required.length > 0 ? { required } : {}),
  };
}

function ref(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}
