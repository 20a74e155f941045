import type { JsonDashboardRows } from "../../../src/api/dashboard/sql.ts";
import type {
  JsonSchemaColumn,
  JsonSchemaListing,
  JsonSchemaObject,
} from "../../../src/api/dashboard/schema.ts";

/** The answer of `GET schema`. */
export const FIXED_SCHEMA: JsonSchemaListing = {
  objects: [
    table("customer", [
      column("id", "INTEGER", { key: 1 }),
      column("name", "TEXT", { not_null: true }),
      column("email", "TEXT"),
      column("balance", "REAL"),
      column("notes", "TEXT"),
      column("joined_at", "TEXT", { default: "CURRENT_DATE" }),
    ]),
    table("invoice_line_that_has_a_very_long_name_indeed", [
      column("id", "INTEGER", { key: 1 }),
    ]),
    { ...table("open_purchase", [column("id", "INTEGER")]), kind: "view" },
    table("purchase", [
      column("id", "INTEGER", { key: 1 }),
      column("customer_id", "INTEGER", { not_null: true }),
      column("status", "TEXT", { not_null: true, default: "'open'" }),
    ]),
  ],
};

function table(
  name: string,
  columns: readonly JsonSchemaColumn[],
): JsonSchemaObject {
  return {
    name,
    kind: "table",
    sql: `CREATE TABLE ${name} (…)`,
    internal: false,
    without_rowid: false,
    strict: false,
    columns,
    indexes: [],
    foreign_keys: [],
    triggers: [],
  };
}

function column(
  name: string,
  type: string,
  rest: Partial<JsonSchemaColumn> = {},
): JsonSchemaColumn {
  return {
    name,
    type,
    not_null: false,
    default: null,
    key: 0,
    generated: "no",
    hidden: false,
    ...rest,
  };
}

const NOTES = [null, "", "Wants it\nsoon", '{"vip":true,"tags":["a","b"]}'];

/** The answer of `POST sql/query` for the first page of `customer`: of each column its value, class and length, then the key. */
export function fixedCustomers(): JsonDashboardRows {
  const rows = Array.from({ length: 60 }, (_, at) => {
    const id = at + 1;
    const values = [
      id,
      at === 3
        ? "A customer whose name is longer than any column"
        : `Customer ${id}`,
      `c${id}@example.org`,
      { $float: `${id * 1.25}` },
      NOTES[at % NOTES.length]!,
      "2026-01-01",
    ];
    return [
      ...values.flatMap((value) => [value, classOf(value), lengthOf(value)]),
      id,
      "integer",
    ];
  });
  return {
    columns: [],
    rows,
    more: false,
    index: 18_204_113,
    ms: 1.2,
    node_id: 1,
  };
}

function classOf(value: unknown): string {
  if (value === null) return "null";
  if (typeof value === "number") return "integer";
  return typeof value === "string" ? "text" : "real";
}

function lengthOf(value: unknown): number | null {
  if (value === null) return null;
  return typeof value === "string" ? value.length : 8;
}
