import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { quotedName } from "../../src/state/sqlite/statement/text.ts";

/** A statement to begin with. */
export interface Template {
  readonly title: string;
  readonly sql: string;
}

/** Statements about a table or view, to be changed and run on the SQL page. */
export function templatesOf(object: JsonSchemaObject): Template[] {
  const table = quotedName(object.name);
  if (object.kind === "view") {
    return [{ title: "Drop view", sql: `DROP VIEW ${table};` }];
  }
  const column = object.columns.find(({ key }) => key === 0)?.name ??
    object.columns[0]?.name ?? "a";
  const index = quotedName(indexName(object, column));
  return [
    {
      title: "Add column",
      sql: `ALTER TABLE ${table} ADD COLUMN new_column TEXT;`,
    },
    {
      title: "Create index",
      sql: `CREATE INDEX ${index} ON ${table} (${quotedName(column)});`,
    },
    { title: "Rename table", sql: `ALTER TABLE ${table} RENAME TO new_name;` },
    { title: "Drop table", sql: `DROP TABLE ${table};` },
  ];
}

/** A name that no index of the table has. */
function indexName(
  { name, indexes }: JsonSchemaObject,
  column: string,
): string {
  const taken = new Set(indexes.map((index) => index.name));
  const base = `${name}_${column}`;
  let free = base;
  for (let n = 2; taken.has(free); n++) free = `${base}_${n}`;
  return free;
}
