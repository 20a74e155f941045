import {
  arrayField,
  consistencyField,
  type Fields,
  fieldsOf,
  integerField,
  maxRunField,
  textField,
  timeoutField,
} from "../fields.ts";
import type {
  QueryAnswer,
  QueryRequest,
  WriteAnswer,
  WriteRequest,
} from "../../node/port.ts";
import type {
  Migration,
  StatementResult,
  StatementsBody,
} from "../../state/sql/types.ts";
import {
  arrayOf,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "../json_schema.ts";
import { invalid, rowsFromJson, rowsToJson } from "../json.ts";
import type { MemberRoute } from "../route.ts";
import {
  STATEMENT_PROPERTIES,
  statementFromJson,
  statementToJson,
} from "../statement.ts";
import { NOTIFY_PROPERTIES, notifyFromJson, notifyToJson } from "../topics.ts";
import { fenceField } from "../lock_json.ts";
import { type JsonResult, resultFromJson, resultToJson } from "../result.ts";
import { type ResultsCodec, writeReply } from "../write_answer.ts";

const INDEX: NamedSchemas = { index: reference("Index") };

/** Of the results of one statement. */
const ONE_RESULT: ResultsCodec = {
  schema: { allOf: [reference("Result"), object(INDEX)] },
  encode: (results) => resultToJson(results[0]!),
  decode: (body) => [resultFromJson(body as JsonResult)],
};

/** Of the results of several statements. */
const RESULT_LIST: ResultsCodec = {
  schema: object({ results: arrayOf(reference("Result")), ...INDEX }),
  encode: (results) => ({ results: results.map(resultToJson) }),
  decode: (body) =>
    (body as { readonly results: JsonResult[] }).results.map(resultFromJson),
};

/** Of what has no results. */
const NO_RESULTS: ResultsCodec = {
  schema: object(INDEX),
  encode: () => ({}),
  decode: () => [],
};

/** The longest run that a query can ask for, ms. */
const QUERY_MS_MAX = 2 ** 32 - 1;

type WriteKind = StatementsBody["kind"];
type BodyOf<Kind> = Extract<StatementsBody, { readonly kind: Kind }>;

/** How a kind of write is written in JSON, beside its `timeout_ms`. */
interface BodyCodec<Kind> {
  /** All properties are required but `params` and `notify`. */
  readonly properties: NamedSchemas;
  encode(body: BodyOf<Kind>): object;
  decode(fields: Fields): BodyOf<Kind>;
}

/** `POST /api/v1/execute` */
const EXECUTE = writeRoute("execute", "Run one writing statement.", {
  properties: { ...STATEMENT_PROPERTIES, ...NOTIFY_PROPERTIES },
  encode: ({ statement, notify }) => ({
    ...statementToJson(statement, ""),
    ...notifyToJson(notify),
  }),
  decode: (fields) => ({
    kind: "execute",
    statement: statementFromJson(fields, "", false),
    ...notifyFromJson(fields),
  }),
}, ONE_RESULT);

/** `POST /api/v1/txn` */
const TXN = writeRoute("txn", "Run statements, all or nothing.", {
  properties: {
    statements: { ...arrayOf(reference("Statement")), minItems: 1 },
    ...NOTIFY_PROPERTIES,
  },
  encode: ({ statements, notify }) => ({
    ...notifyToJson(notify),
    statements: statements.map((statement, at) =>
      statementToJson(statement, `statements[${at}].`)
    ),
  }),
  decode: (fields) => {
    const statements = arrayField(fields, "statements").map((item, at) => {
      const path = `statements[${at}]`;
      const own = fieldsOf(item, ["sql", "params"], path);
      return statementFromJson(own, `${path}.`, true);
    });
    if (statements.length > 0) {
      return { kind: "txn", statements, ...notifyFromJson(fields) };
    }
    throw invalid("statements", "expected at least one statement");
  },
}, RESULT_LIST);

/** `POST /api/v1/batch` */
const BATCH = writeRoute(
  "batch",
  "Run the statements of a text, each on its own, up to the first error.",
  {
    properties: { sql: TEXT },
    encode: ({ sql }) => ({ sql }),
    decode: (fields) => ({ kind: "batch", sql: textField(fields, "sql") }),
  },
  RESULT_LIST,
);

/** `POST /api/v1/migrate` */
const MIGRATE = writeRoute("migrate", "Bring the schema up to date.", {
  properties: {
    migrations: arrayOf(
      object({ id: INTEGER, name: TEXT, sql: TEXT }, ["id", "name", "sql"]),
    ),
  },
  encode: ({ migrations }) => ({ migrations }),
  decode: (fields) => ({
    kind: "migrate",
    migrations: arrayField(fields, "migrations").map(decodeMigration),
  }),
}, NO_RESULTS);

/** The route of each kind of write. */
export const WRITES: Readonly<
  Record<WriteKind, MemberRoute<WriteRequest, WriteAnswer>>
> = { execute: EXECUTE, txn: TXN, batch: BATCH, migrate: MIGRATE };

/** `POST /api/v1/query` */
export const QUERY: MemberRoute<QueryRequest, QueryAnswer> = {
  method: "POST",
  path: "/api/v1/query",
  summary: "Read. `min_index` waits for a write seen elsewhere.",
  scope: "read",
  repeat: "safe",
  request: {
    schema: object({
      ...STATEMENT_PROPERTIES,
      consistency: { enum: ["local", "linearizable"], default: "local" },
      min_index: INTEGER,
      timeout_ms: INTEGER,
    }, ["sql"]),
    encode: (request) => ({
      ...statementToJson(request, ""),
      consistency: request.consistency,
      min_index: request.minIndex,
      timeout_ms: wholeMs(request.limits?.timeoutMs),
    }),
    decode: decodeQuery,
  },
  reply: {
    format: "json",
    statuses: { 200: "Done." },
    schema: object({
      columns: arrayOf(TEXT),
      rows: reference("Rows"),
      ...INDEX,
    }),
    encode: ({ columns, rows, index }) => ({
      columns,
      rows: rowsToJson(rows),
      index,
    }),
    decode: (body) => {
      const { columns, rows, index } = body as QueryAnswer;
      const values: StatementResult["rows"] = rowsFromJson(rows);
      return { columns, rows: values, index };
    },
  },
  ask: (member, request) => member.query(request),
};

/** The routes of the database. */
export const SQL_ROUTES = { EXECUTE, TXN, BATCH, MIGRATE, QUERY };

function writeRoute<Kind extends WriteKind>(
  kind: Kind,
  summary: string,
  body: BodyCodec<Kind>,
  results: ResultsCodec,
): MemberRoute<WriteRequest, WriteAnswer> {
  const names = Object.keys(body.properties);
  const fence: NamedSchemas = kind === "migrate"
    ? {}
    : { fence: reference("Fence") };
  const known = [...names, "timeout_ms", "max_run_ms", ...Object.keys(fence)];
  return {
    method: "POST",
    path: `/api/v1/${kind}`,
    summary,
    scope: "write",
    repeat: "keyed",
    request: {
      schema: object(
        {
          ...body.properties,
          ...fence,
          timeout_ms: INTEGER,
          max_run_ms: INTEGER,
        },
        names.filter((name) => name !== "params" && name !== "notify"),
      ),
      encode: (request, timeoutMs) => ({
        ...body.encode(request.body as BodyOf<Kind>),
        fence: "fence" in request.body ? request.body.fence : undefined,
        timeout_ms: timeoutMs,
        max_run_ms: request.maxRunMs,
      }),
      decode: (json) => {
        const fields = fieldsOf(json, known);
        return {
          body: { ...body.decode(fields), ...fenceField(fields) },
          ...timeoutField(fields),
          ...maxRunField(fields),
        };
      },
    },
    reply: writeReply(results),
    ask: (member, request) => member.write(request),
  };
}

function decodeMigration(item: unknown, at: number): Migration {
  const path = `migrations[${at}]`;
  const step = fieldsOf(item, ["id", "name", "sql"], path);
  const id = integerField(step, "id", 1, 2 ** 31, `${path}.id`);
  if (id === undefined) throw invalid(`${path}.id`, "is missing");
  return {
    id,
    name: textField(step, "name", `${path}.name`),
    sql: textField(step, "sql", `${path}.sql`),
  };
}

function decodeQuery(json: unknown): QueryRequest {
  const fields = fieldsOf(json, [
    "sql",
    "params",
    "consistency",
    "min_index",
    "timeout_ms",
  ]);
  const consistency = consistencyField(fields);
  const minIndex = integerField(
    fields,
    "min_index",
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const timeoutMs = integerField(fields, "timeout_ms", 1, QUERY_MS_MAX);
  return {
    ...statementFromJson(fields, "", false),
    consistency,
    ...(minIndex === undefined ? {} : { minIndex }),
    limits: timeoutMs === undefined ? {} : { timeoutMs },
  };
}

/** The limit of a query as it is sent; a member cuts it to its own. */
function wholeMs(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined
    ? undefined
    : Math.min(Math.ceil(timeoutMs), QUERY_MS_MAX);
}
