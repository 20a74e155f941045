import { type Fields, fieldsOf, integerField, textField } from "./fields.ts";
import { invalid, kindOf, valueFromJson, valueToJson } from "./json.ts";
import {
  arrayOf,
  INTEGER,
  type NamedSchemas,
  object,
  reference,
  TEXT,
} from "./json_schema.ts";
import type {
  SqlParameter,
  SqlParameters,
  Statement,
  StatementReference,
} from "../state/sql/types.ts";

/** Schemas of statements and their parameters. */
export const STATEMENT_SCHEMAS: NamedSchemas = {
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
  Parameters: parametersOf(reference("Value")),
  Statement: object({
    sql: TEXT,
    params: {
      description:
        "As Parameters; a value may be a Reference to the first row of an earlier statement.",
      ...parametersOf({ oneOf: [reference("Value"), reference("Reference")] }),
    },
  }, ["sql"]),
};

/** Properties of a request for one statement. */
export const STATEMENT_PROPERTIES: NamedSchemas = {
  sql: TEXT,
  params: reference("Parameters"),
};

function parametersOf(value: NamedSchemas[string]): NamedSchemas[string] {
  return {
    oneOf: [arrayOf(value), { type: "object", additionalProperties: value }],
  };
}

/** The JSON form of a statement; `prefix` is its place in the request, with a final dot. */
export function statementToJson(
  statement: Statement,
  prefix: string,
): { readonly sql: string; readonly params: unknown } {
  return {
    sql: statement.sql,
    params: parametersToJson(statement.params, `${prefix}params`),
  };
}

/** A statement from JSON; `references` says whether `{"$ref": …}` means something here. */
export function statementFromJson(
  fields: Fields,
  prefix: string,
  references: boolean,
): Statement {
  const sql = textField(fields, "sql", `${prefix}sql`);
  const params = parametersFromJson(fields.get("params"), {
    path: `${prefix}params`,
    references,
  });
  return params === undefined ? { sql } : { sql, params };
}

function parametersToJson(
  params: SqlParameters | undefined,
  path: string,
): unknown {
  if (params === undefined) return undefined;
  if (Array.isArray(params)) {
    return params.map((value, at) => valueToJson(value, `${path}[${at}]`));
  }
  return Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      valueToJson(value, `${path}.${name}`),
    ]),
  );
}

interface Place {
  readonly path: string;
  readonly references: boolean;
}

function parametersFromJson(
  json: unknown,
  place: Place,
): SqlParameters | undefined {
  if (json === undefined || json === null) return undefined;
  const { path, references } = place;
  if (Array.isArray(json)) {
    return json.map((value, at) =>
      isPlain(value)
        ? value
        : parameterFromJson(value, { path: `${path}[${at}]`, references })
    );
  }
  if (typeof json !== "object") {
    throw invalid(path, `expected an array or an object, got ${kindOf(json)}`);
  }
  // Without a prototype, a parameter named __proto__ is a name like any other.
  const named: Record<string, SqlParameter> = Object.create(null);
  for (const [name, value] of Object.entries(json)) {
    named[name] = parameterFromJson(value, {
      path: `${path}.${name.slice(0, 40)}`,
      references,
    });
  }
  return named;
}

/** Whether a value is taken as it is: most are, and their place need not be spelled out. */
function isPlain(value: unknown): value is string | number | boolean | null {
  return typeof value === "string" || typeof value === "boolean" ||
    value === null || typeof value === "number" && Number.isFinite(value);
}

function parameterFromJson(json: unknown, place: Place): SqlParameter {
  const { path, references } = place;
  if (!isReference(json)) return valueFromJson(json, path);
  if (!references) {
    throw invalid(path, "$ref works in the statements of a transaction only");
  }
  return referenceFromJson(json, path)!;
}

function isReference(json: unknown): json is object {
  return typeof json === "object" && json !== null &&
    Object.hasOwn(json, "$ref");
}

/** A reference to what a statement returned, from JSON; null for anything else. @throws {HiqliteError} `invalid` for a wrong one. */
export function referenceFromJson(
  json: unknown,
  path: string,
): { readonly $ref: StatementReference } | null {
  if (!isReference(json)) return null;
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
