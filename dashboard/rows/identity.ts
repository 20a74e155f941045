import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { foldName, quotedName } from "../../src/state/sqlite/statement/text.ts";

/** A part of what tells a row from all others. */
export interface KeyPart {
  /** The column's name; a name of the rowid that no column has. */
  readonly name: string;
  /** The collation that makes it unique; null: its column's own. */
  readonly collation: string | null;
}

/** How a row of a table is found again. */
export type Identity =
  | {
    /** Its INTEGER PRIMARY KEY, its rowid under a name that no column shadows, or the key of a table WITHOUT ROWID. */
    readonly kind: "key";
    readonly parts: readonly KeyPart[];
  }
  /** Not at all: the rows are shown, not changed. */
  | { readonly kind: "none"; readonly reason: string };

const ROWID_NAMES = ["rowid", "_rowid_", "oid"];

/** What tells the rows of an object of the schema apart, or why nothing does. */
export function identityOf(object: JsonSchemaObject): Identity {
  const reason = reasonOf(object);
  if (reason !== null) return { kind: "none", reason };
  if (object.without_rowid) return { kind: "key", parts: declaredKey(object) };
  const alias = integerPrimaryKey(object);
  if (alias !== null) return key(alias);
  const taken = new Set(object.columns.map((column) => foldName(column.name)));
  const free = ROWID_NAMES.find((name) => !taken.has(name));
  return free === undefined
    ? none(
      "Its columns take all three names of the rowid, so that its rows cannot be told apart. Change them on the SQL page.",
    )
    : key(free);
}

function reasonOf(object: JsonSchemaObject): string | null {
  if (object.kind === "view") {
    return "A view has no rows of its own. Change the tables that it reads.";
  }
  if (object.kind === "virtual") {
    return "A virtual table keeps its rows in its own way. Change it on the SQL page.";
  }
  if (object.kind === "shadow") {
    return "It belongs to a virtual table, which would break.";
  }
  if (object.internal || foldName(object.name).startsWith("sqlite_")) {
    return "The database keeps it by itself.";
  }
  return null;
}

/**
 * The column that is another name of the rowid: INTEGER alone in the key of a table with rowids. Such a key has no index,
 * unlike that of `INTEGER PRIMARY KEY DESC`, which is none.
 */
function integerPrimaryKey(object: JsonSchemaObject): string | null {
  const keys = object.columns.filter((column) => column.key > 0);
  const [only] = keys;
  if (only === undefined || keys.length > 1) return null;
  if (foldName(only.type) !== "integer") return null;
  return object.indexes.some((index) => index.origin === "pk")
    ? null
    : only.name;
}

/**
 * Two values may be equal for the column and not for the key, or the other way round: its index decides. Where nobody wrote COLLATE
 * they are the same, and without the word SQLite finds its way in a key of several columns.
 */
function declaredKey(object: JsonSchemaObject): KeyPart[] {
  const index = object.indexes.find((each) => each.origin === "pk");
  const plain = !/\bcollate\b/i.test(object.sql);
  return object.columns.filter((column) => column.key > 0)
    .sort((a, b) => a.key - b.key)
    .map(({ name }) => ({
      name,
      collation: plain
        ? null
        : index?.columns.find((column) => column.name === name)?.collation ??
          "BINARY",
    }));
}

function key(name: string): Identity {
  return { kind: "key", parts: [{ name, collation: null }] };
}

function none(reason: string): Identity {
  return { kind: "none", reason };
}

/** A part of a key as an expression that compares as the key does. */
export function keySql(part: KeyPart): string {
  const name = quotedName(part.name);
  return part.collation === null
    ? name
    : `${name} COLLATE ${quotedName(part.collation)}`;
}
