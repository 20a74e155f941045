import assert from "node:assert/strict";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { filterText } from "../../dashboard/rows/filter.ts";
import {
  childrenOf,
  countSql,
  parentOf,
} from "../../dashboard/rows/relations.ts";
import type { ExactValue } from "../../dashboard/values/exact_value.ts";
import { Database } from "./database.ts";

function schema(db: Database): JsonSchemaObject[] {
  const key = (table: string, from: string[], to: (string | null)[]) => ({
    table,
    from,
    to,
    on_update: "NO ACTION",
    on_delete: "CASCADE",
  });
  return [
    db.object("customer"),
    {
      ...db.object("purchase"),
      foreign_keys: [key("Customer", ["customer_id"], [null])],
    },
    {
      ...db.object("line"),
      foreign_keys: [key("purchase", ["p", "year"], ["id", "year"])],
    },
  ];
}

Deno.test("foreign keys are followed both ways, with the rows at the other end", () => {
  using db = new Database(
    "CREATE TABLE customer (name, id INTEGER PRIMARY KEY)",
    "CREATE TABLE purchase (id, year, customer_id REFERENCES Customer, UNIQUE (id, year))",
    "CREATE TABLE line (p, year, FOREIGN KEY (p, year) REFERENCES purchase (id, year))",
    "INSERT INTO customer VALUES ('a', 7)",
    "INSERT INTO purchase VALUES (1, 2025, 7), (1, 2026, 7), (2, 2026, NULL)",
    "INSERT INTO line VALUES (1, 2026), (1, 2026), (1, 2025)",
  );
  const objects = schema(db);
  const row: Record<string, ExactValue> = {
    id: { type: "integer", value: 1n },
    year: { type: "integer", value: 2026n },
    customer_id: { type: "integer", value: 7n },
  };
  const valueOf = (column: string) => row[column];
  const parent = parentOf(objects[1]!.foreign_keys[0]!, objects, valueOf)!;
  assert.equal(parent.table, "Customer");
  assert.deepEqual(parent.filters.map(filterText), ["id = 7"]);
  assert.deepEqual(db.query(countSql(parent)), [[1]]);
  const [lines, ...more] = childrenOf("PURCHASE", objects, valueOf);
  assert.deepEqual(more, []);
  assert.deepEqual(lines!.filters.map(filterText), ["p = 1", "year = 2026"]);
  assert.deepEqual(db.query(countSql(lines!)), [[2]]);
  assert.equal(lines!.onDelete, "CASCADE");
  // NULL refers to nothing, and what is not known whole finds nothing.
  row.customer_id = { type: "null" };
  assert.equal(parentOf(objects[1]!.foreign_keys[0]!, objects, valueOf), null);
  assert.deepEqual(
    childrenOf(
      "purchase",
      objects,
      (name) => name === "id" ? row.id : undefined,
    ),
    [],
  );
});
