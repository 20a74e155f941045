/** The answer of `GET schema`; its `ETag` changes when the schema does. */
export interface JsonSchemaListing {
  readonly objects: readonly JsonSchemaObject[];
}

/** A table or view. */
export interface JsonSchemaObject {
  readonly name: string;
  readonly kind: "table" | "view" | "virtual" | "shadow";
  /** The text that made it; empty of what SQLite made by itself. */
  readonly sql: string;
  /** A table of this software: read-only. */
  readonly internal: boolean;
  readonly without_rowid: boolean;
  readonly strict: boolean;
  readonly columns: readonly JsonSchemaColumn[];
  readonly indexes: readonly JsonSchemaIndex[];
  readonly foreign_keys: readonly JsonForeignKey[];
  readonly triggers: readonly { readonly name: string; readonly sql: string }[];
}

/** A column. */
export interface JsonSchemaColumn {
  readonly name: string;
  /** As declared; empty for none. */
  readonly type: string;
  readonly not_null: boolean;
  /** The text of its default; null for none. */
  readonly default: string | null;
  /** Its place in the primary key, from 1; 0: not in it. */
  readonly key: number;
  readonly generated: "no" | "virtual" | "stored";
  /** Not in `SELECT *`. */
  readonly hidden: boolean;
}

/** An index. */
export interface JsonSchemaIndex {
  readonly name: string;
  readonly unique: boolean;
  readonly partial: boolean;
  /** `c`: CREATE INDEX, `u`: UNIQUE, `pk`: PRIMARY KEY. */
  readonly origin: "c" | "u" | "pk";
  /** Null: an expression. */
  readonly columns: readonly {
    readonly name: string | null;
    readonly descending: boolean;
    readonly collation: string;
  }[];
  /** Null of what a constraint made. */
  readonly sql: string | null;
}

/** A foreign key. */
export interface JsonForeignKey {
  readonly table: string;
  readonly from: readonly string[];
  /** Null: the parent's primary key. */
  readonly to: readonly (string | null)[];
  readonly on_update: string;
  readonly on_delete: string;
}
