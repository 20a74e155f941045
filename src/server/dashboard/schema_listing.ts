import type {
  JsonForeignKey,
  JsonSchemaColumn,
  JsonSchemaIndex,
  JsonSchemaListing,
  JsonSchemaObject,
} from "../../api/dashboard/schema.ts";
import { HiqliteError } from "../../errors.ts";
import type { Member, QueryRequest } from "../../node/port.ts";
import type { SqlValue } from "../../state/sql/types.ts";

/** So often a schema is read again that changed meanwhile. */
const ATTEMPTS = 3;

/** Users' tables and views, and what is kept for virtual tables. Nobody looks into this software's own. */
const OBJECTS =
  `(SELECT name FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE '\\_hql\\_%' ESCAPE '\\') m`;

const READ = {
  tables:
    "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' ORDER BY name",
  texts: "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name",
  columns:
    `SELECT m.name, x.name, x.type, x."notnull", x.dflt_value, x.pk, x.hidden FROM ${OBJECTS}, pragma_table_xinfo(m.name) x ORDER BY m.name, x.cid`,
  indexes:
    `SELECT m.name, i.name, i."unique", i.origin, i.partial, x.name, x."desc", x.coll FROM ${OBJECTS}, pragma_index_list(m.name) i, pragma_index_xinfo(i.name) x WHERE x.key = 1 ORDER BY m.name, i.seq DESC, x.seqno`,
  keys:
    `SELECT m.name, f.id, f."table", f."from", f."to", f.on_update, f.on_delete FROM ${OBJECTS}, pragma_foreign_key_list(m.name) f ORDER BY m.name, f.id, f.seq`,
} as const;

type ListedRow = readonly SqlValue[];
type ListedRows = Readonly<Record<keyof typeof READ, readonly ListedRow[]>>;

/**
 * The schema as a member has it, of one moment.
 * @throws {HiqliteError} as a query does; `conflict` if it changes again and again.
 */
export async function readSchema(
  member: Pick<Member, "query">,
  how: Omit<QueryRequest, "sql" | "params">,
): Promise<JsonSchemaListing> {
  const read = async (sql: string): Promise<readonly ListedRow[]> =>
    (await member.query({ ...how, sql })).rows;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [[before]] = await read(
      "SELECT schema_version FROM pragma_schema_version",
    ) as [ListedRow];
    const rows = {} as Record<keyof typeof READ, readonly ListedRow[]>;
    for (const [name, sql] of Object.entries(READ)) {
      rows[name as keyof typeof READ] = await read(sql);
    }
    const [[after]] = await read(
      "SELECT schema_version FROM pragma_schema_version",
    ) as [ListedRow];
    if (before === after) return listingOf(rows);
  }
  throw new HiqliteError(
    "conflict",
    "The schema changed while it was read, again and again: try again",
  );
}

function listingOf(rows: ListedRows): JsonSchemaListing {
  const columns = grouped(rows.columns);
  const indexes = grouped(rows.indexes);
  const keys = grouped(rows.keys);
  const texts = new Map(rows.texts.map((row) => [row[1], row]));
  const triggers = grouped(
    rows.texts.filter(([type]) => type === "trigger")
      .map(([, name, table, sql]) => [table!, name!, sql!]),
  );
  const objects = rows.tables.filter(([name]) => name !== "sqlite_schema")
    .map(([name, kind, withoutRowid, strict]): JsonSchemaObject => ({
      name: name as string,
      kind: kind as JsonSchemaObject["kind"],
      sql: (texts.get(name!)?.[3] ?? "") as string,
      internal: /^(_hql_|hql_locks$)/i.test(name as string),
      without_rowid: withoutRowid === 1,
      strict: strict === 1,
      columns: (columns.get(name!) ?? []).map(columnOf),
      indexes: indexesOf(indexes.get(name!) ?? [], texts),
      foreign_keys: foreignKeysOf(keys.get(name!) ?? []),
      triggers: (triggers.get(name!) ?? []).map(([, trigger, sql]) => ({
        name: trigger as string,
        sql: sql as string,
      })),
    }));
  return { objects };
}

/** ListedRows by what stands first in them. */
function grouped(rows: readonly ListedRow[]): Map<SqlValue, ListedRow[]> {
  const groups = new Map<SqlValue, ListedRow[]>();
  for (const row of rows) {
    const group = groups.get(row[0]!);
    if (group === undefined) groups.set(row[0]!, [row]);
    else group.push(row);
  }
  return groups;
}

function columnOf(
  [, name, type, notNull, fallback, key, hidden]: ListedRow,
): JsonSchemaColumn {
  return {
    name: name as string,
    type: type as string,
    not_null: notNull === 1,
    default: fallback as string | null,
    key: key as number,
    generated: hidden === 2 ? "virtual" : hidden === 3 ? "stored" : "no",
    hidden: hidden === 1,
  };
}

function indexesOf(
  rows: readonly ListedRow[],
  texts: ReadonlyMap<SqlValue | undefined, ListedRow>,
): JsonSchemaIndex[] {
  return [...grouped(rows.map((row) => row.slice(1)))].map(([name, parts]) => {
    const [, unique, origin, partial] = parts[0]!;
    return {
      name: name as string,
      unique: unique === 1,
      partial: partial === 1,
      origin: origin as JsonSchemaIndex["origin"],
      columns: parts.map(([, , , , column, descending, collation]) => ({
        name: column as string | null,
        descending: descending === 1,
        collation: collation as string,
      })),
      sql: (texts.get(name)?.[3] ?? null) as string | null,
    };
  });
}

function foreignKeysOf(rows: readonly ListedRow[]): JsonForeignKey[] {
  return [...grouped(rows.map((row) => row.slice(1)))].map(([, parts]) => {
    const [, table, , , onUpdate, onDelete] = parts[0]!;
    return {
      table: table as string,
      from: parts.map((part) => part[2] as string),
      to: parts.map((part) => part[3] as string | null),
      on_update: onUpdate as string,
      on_delete: onDelete as string,
    };
  });
}
