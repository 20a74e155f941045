import type { Compiled } from "../statement/cache.ts";
import { foldName, namesIn } from "../statement/text.ts";
import type { SchemaTraits } from "./schema_traits.ts";

/** The users' tables whose rows a statement writes: no views, and nothing that a virtual table keeps its data in. */
export function* tablesWritten(
  { observed }: Compiled,
  { tables }: SchemaTraits,
): Generator<string> {
  for (const name of observed.writes) {
    const table = tables.get(foldName(name));
    if (table !== undefined) yield table;
  }
}

/** The tables and views that a statement made, altered or dropped, also by an index or a trigger of theirs; known once `follow` has followed it. */
export function tablesTouched(
  compiled: Compiled,
  schema: () => SchemaTraits,
  follow: () => void,
): string[] {
  const before = schema();
  // Dropping a table deletes what refers to its rows.
  const touched = [
    ...compiled.observed.touches,
    ...tablesWritten(compiled, before),
  ];
  // ALTER TABLE does not show the authorizer the new name.
  const unknown = compiled.keyword === "ALTER"
    ? [...namesIn(compiled.statement.source)].filter((name) =>
      !before.tables.has(name)
    )
    : [];
  follow();
  const after = schema().tables;
  for (const name of unknown) {
    const table = after.get(name);
    if (table !== undefined) touched.push(table);
  }
  return touched;
}
