import { invalid, kindOf, valueFromJson } from "./json.ts";
import { addressProblem } from "../config/address.ts";
import type { MembershipRequest, QueryRequest } from "../node/port.ts";
import type {
  CommandBody,
  Migration,
  QueryLimits,
  SqlParameter,
  SqlParameters,
  Statement,
} from "../state/sql/types.ts";

/** Longest wait for a leader that a request may ask for, ms. */
const TIMEOUT_MS_MAX = 120_000;

/** The fields of a JSON object; refuses what is not named in `known`. */
function fieldsOf(
  json: unknown,
  known: readonly string[],
  path = "body",
): ReadonlyMap<string, unknown> {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw invalid(path, `expected an object, got ${kindOf(json)}`);
  }
  const fields = new Map(Object.entries(json));
  for (const name of fields.keys()) {
    if (!known.includes(name)) {
      throw invalid(
        path,
        `unknown field ${JSON.stringify(name.slice(0, 40))}, expected ${
          known.join(", ")
        }`,
      );
    }
  }
  return fields;
}

function textField(
  fields: ReadonlyMap<string, unknown>,
  name: string,
  path = name,
): string {
  const value = fields.get(name);
  if (typeof value === "string") return value;
  throw invalid(
    path,
    value === undefined
      ? "is missing, expected a string"
      : `expected a string, got ${kindOf(value)}`,
  );
}

function integerField(
  fields: ReadonlyMap<string, unknown>,
  name: string,
  low: number,
  high: number,
  path = name,
): number | undefined {
  const value = fields.get(name);
  if (value === undefined) return undefined;
  if (
    typeof value === "number" && Number.isInteger(value) && value >= low &&
    value <= high
  ) return value;
  throw invalid(
    path,
    `expected an integer from ${low} to ${high}, got ${
      typeof value === "number" ? value : kindOf(value)
    }`,
  );
}

function arrayField(
  fields: ReadonlyMap<string, unknown>,
  name: string,
): readonly unknown[] {
  const value = fields.get(name);
  if (Array.isArray(value)) return value;
  throw invalid(
    name,
    value === undefined
      ? "is missing, expected an array"
      : `expected an array, got ${kindOf(value)}`,
  );
}

/** How long the sender of a write waits for a leader, ms. */
function timeoutOf(fields: ReadonlyMap<string, unknown>): {
  timeoutMs?: number;
} {
  const timeoutMs = integerField(fields, "timeout_ms", 1, TIMEOUT_MS_MAX);
  return timeoutMs === undefined ? {} : { timeoutMs };
}

/** What a write's body asks for. */
export interface WriteBody {
  readonly body: CommandBody;
  readonly timeoutMs?: number;
}

/** Reads the body of `/execute`. */
export function readExecute(json: unknown): WriteBody {
  const fields = fieldsOf(json, ["sql", "params", "timeout_ms"]);
  const statement = statementOf(fields, "", false);
  return { body: { kind: "execute", statement }, ...timeoutOf(fields) };
}

/** Reads the body of `/txn`. */
export function readTxn(json: unknown): WriteBody {
  const fields = fieldsOf(json, ["statements", "timeout_ms"]);
  const statements = arrayField(fields, "statements").map((item, at) => {
    const path = `statements[${at}]`;
    return statementOf(
      fieldsOf(item, ["sql", "params"], path),
      `${path}.`,
      true,
    );
  });
  if (statements.length === 0) {
    throw invalid("statements", "expected at least one statement");
  }
  return { body: { kind: "txn", statements }, ...timeoutOf(fields) };
}

/** Reads the body of `/batch`. */
export function readBatch(json: unknown): WriteBody {
  const fields = fieldsOf(json, ["sql", "timeout_ms"]);
  return {
    body: { kind: "batch", sql: textField(fields, "sql") },
    ...timeoutOf(fields),
  };
}

/** Reads the body of `/migrate`. */
export function readMigrate(json: unknown): WriteBody {
  const fields = fieldsOf(json, ["migrations", "timeout_ms"]);
  const migrations = arrayField(fields, "migrations").map(
    (item, at): Migration => {
      const path = `migrations[${at}]`;
      const step = fieldsOf(item, ["id", "name", "sql"], path);
      const id = integerField(step, "id", 1, 2 ** 31, `${path}.id`);
      if (id === undefined) throw invalid(`${path}.id`, "is missing");
      return {
        id,
        name: textField(step, "name", `${path}.name`),
        sql: textField(step, "sql", `${path}.sql`),
      };
    },
  );
  return { body: { kind: "migrate", migrations }, ...timeoutOf(fields) };
}

/** Reads the body of `/query`; `limits` are the most it may ask for. */
export function readQuery(json: unknown, limits: QueryLimits): QueryRequest {
  const fields = fieldsOf(json, [
    "sql",
    "params",
    "consistency",
    "min_index",
    "timeout_ms",
  ]);
  const consistency = fields.get("consistency") ?? "local";
  if (consistency !== "local" && consistency !== "linearizable") {
    throw invalid("consistency", 'expected "local" or "linearizable"');
  }
  const minIndex = integerField(
    fields,
    "min_index",
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const timeoutMs = integerField(fields, "timeout_ms", 1, TIMEOUT_MS_MAX) ??
    limits.timeoutMs;
  return {
    ...statementOf(fields, "", false),
    consistency,
    ...(minIndex === undefined ? {} : { minIndex }),
    guarded: true,
    limits: { ...limits, timeoutMs: Math.min(timeoutMs, limits.timeoutMs) },
  };
}

/** Reads the body of `/cluster/{action}` for a membership change. */
export function readMembership(
  action: MembershipRequest["action"],
  json: unknown,
): MembershipRequest {
  const addresses = action === "add-learner"
    ? ["raft_address", "api_address"]
    : [];
  const fields = fieldsOf(json, ["node_id", ...addresses]);
  const nodeId = integerField(fields, "node_id", 1, 999_999_999);
  if (nodeId === undefined) throw invalid("node_id", "is missing");
  const raftAddress = addressField(fields, "raft_address");
  const apiAddress = addressField(fields, "api_address");
  if (apiAddress !== undefined && raftAddress === undefined) {
    throw invalid("api_address", "needs raft_address beside it");
  }
  return {
    action,
    nodeId,
    ...(raftAddress === undefined ? {} : { raftAddress }),
    ...(apiAddress === undefined ? {} : { apiAddress }),
  };
}

function addressField(
  fields: ReadonlyMap<string, unknown>,
  name: string,
): string | undefined {
  if (!fields.has(name)) return undefined;
  const text = textField(fields, name);
  const problem = addressProblem(text);
  if (problem !== null) throw invalid(name, problem);
  return text;
}

/** Reads the body of `/cluster/transfer`: the target, or the best voter. */
export function readTransfer(json: unknown): number | undefined {
  const fields = fieldsOf(json, ["node_id"]);
  return integerField(fields, "node_id", 1, 999_999_999);
}

function statementOf(
  fields: ReadonlyMap<string, unknown>,
  prefix: string,
  references: boolean,
): Statement {
  const sql = textField(fields, "sql", `${prefix}sql`);
  const params = parametersOf(fields.get("params"), {
    path: `${prefix}params`,
    references,
  });
  return params === undefined ? { sql } : { sql, params };
}

interface Place {
  readonly path: string;
  /** Whether `{"$ref": …}` means something here. */
  readonly references: boolean;
}

function parametersOf(json: unknown, place: Place): SqlParameters | undefined {
  if (json === undefined || json === null) return undefined;
  const { path, references } = place;
  if (Array.isArray(json)) {
    return json.map((value, at) =>
      parameterOf(value, { path: `${path}[${at}]`, references })
    );
  }
  if (typeof json !== "object") {
    throw invalid(path, `expected an array or an object, got ${kindOf(json)}`);
  }
  // Without a prototype, a parameter named __proto__ is a name like any other.
  const named: Record<string, SqlParameter> = Object.create(null);
  for (const [name, value] of Object.entries(json)) {
    named[name] = parameterOf(value, {
      path: `${path}.${name.slice(0, 40)}`,
      references,
    });
  }
  return named;
}

function parameterOf(json: unknown, place: Place): SqlParameter {
  const { path, references } = place;
  if (
    typeof json !== "object" || json === null || !Object.hasOwn(json, "$ref")
  ) return valueFromJson(json, path);
  if (!references) {
    throw invalid(path, "$ref works in the statements of a transaction only");
  }
  const tagged = fieldsOf(json, ["$ref"], path);
  const fields = fieldsOf(
    tagged.get("$ref"),
    ["statement", "column"],
    `${path}.$ref`,
  );
  const statement = integerField(
    fields,
    "statement",
    0,
    Number.MAX_SAFE_INTEGER,
    `${path}.$ref.statement`,
  );
  const column = fields.get("column");
  const named = typeof column === "string" ||
    (typeof column === "number" && Number.isInteger(column) && column >= 0);
  if (statement === undefined || !named) {
    throw invalid(
      path,
      'expected {"$ref": {"statement": <from 0>, "column": <name or position from 0>}}',
    );
  }
  return { $ref: { statement, column } };
}
