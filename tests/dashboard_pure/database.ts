import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import {
  type JsonSqlValue,
  rowsToJson,
  valueFromJson,
} from "../../src/api/json.ts";
import type {
  JsonSchemaColumn,
  JsonSchemaIndex,
  JsonSchemaObject,
} from "../../src/api/dashboard/schema.ts";
import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import { literalOf } from "../../dashboard/values/literal.ts";
import type {
  BoundSql,
  ExactValue,
} from "../../dashboard/values/exact_value.ts";

/** A real SQLite that is asked as the page asks: parameters and rows in the wire's forms. */
export class Database {
  readonly #db = new DatabaseSync(":memory:");

  constructor(...statements: string[]) {
    for (const sql of statements) this.#db.exec(sql);
  }

  exec(sql: string): void {
    this.#db.exec(sql);
  }

  query({ sql, params }: BoundSql): JsonSqlValue[][] {
    const statement = this.#db.prepare(sql);
    statement.setReadBigInts(true);
    // The types of Node that Deno carries do not have it yet.
    (statement as unknown as { setReturnArrays(on: boolean): void })
      .setReturnArrays(true);
    const rows = statement.all(...params.map(bindable)) as unknown;
    return rowsToJson(
      (rows as (bigint | string)[][]).map((row) =>
        row.map((value) =>
          typeof value === "bigint" && Number.isSafeInteger(Number(value))
            ? Number(value)
            : value
        )
      ),
    );
  }

  rows(sql: string): JsonSqlValue[][] {
    return this.query({ sql, params: [] });
  }

  insert(table: string, values: readonly ExactValue[]): void {
    this.exec(
      `INSERT INTO ${quotedName(table)} VALUES (${
        values.map(literalOf).join(", ")
      })`,
    );
  }

  /** A table or view as the schema's route tells it. */
  object(name: string): JsonSchemaObject {
    const [row] = this.rows(
      `SELECT l.type, wr, strict, sql FROM pragma_table_list l LEFT JOIN sqlite_schema s USING (name) WHERE name = '${name}'`,
    );
    const [kind, withoutRowid, strict, sql] = row!;
    return {
      name,
      kind: kind as JsonSchemaObject["kind"],
      sql: sql as string,
      internal: false,
      without_rowid: withoutRowid === 1,
      strict: strict === 1,
      columns: this.#columns(name),
      indexes: this.#indexes(name),
      foreign_keys: [],
      triggers: [],
    };
  }

  #columns(table: string): JsonSchemaColumn[] {
    return this.rows(
      `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo('${table}')`,
    ).map(([name, type, notNull, defaultText, key, hidden]) => ({
      name: name as string,
      type: type as string,
      not_null: notNull === 1,
      default: defaultText as string | null,
      key: key as number,
      generated: hidden === 2 ? "virtual" : hidden === 3 ? "stored" : "no",
      hidden: hidden === 1,
    }));
  }

  #indexes(table: string): JsonSchemaIndex[] {
    return this.rows(
      `SELECT name, "unique", partial, origin FROM pragma_index_list('${table}')`,
    ).map(([name, unique, partial, origin]) => ({
      name: name as string,
      unique: unique === 1,
      partial: partial === 1,
      origin: origin as "c" | "u" | "pk",
      columns: this.rows(
        `SELECT name, "desc", coll FROM pragma_index_xinfo('${name}') WHERE key = 1`,
      ).map(([column, descending, collation]) => ({
        name: column as string | null,
        descending: descending === 1,
        collation: collation as string,
      })),
      sql: null,
    }));
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

function bindable(param: JsonSqlValue): SQLInputValue {
  const value = valueFromJson(param, "param");
  return typeof value === "number" && Number.isSafeInteger(value)
    ? BigInt(value)
    : value as SQLInputValue;
}
