import { ByteReader, ByteWriter } from "../../util/bytes.ts";

/**
 * The kinds of events that SQL produces. `schema`: tables, indexes, views or triggers were
 * made, altered or dropped; no bytes. `tables`: rows of some tables were written, or the schema's
 * change was of these tables and views; {@linkcode tablesIn} reads which.
 */
export const SqlEvent = { schema: "schema", tables: "tables" } as const;

/** Encodes names of tables. */
export function encodeTables(names: readonly string[]): Uint8Array {
  const writer = new ByteWriter(64).u32(names.length);
  for (const name of names) writer.text(name);
  return writer.finish();
}

/** The tables in the bytes of a `tables` event, as the schema spells them, sorted by UTF-16 code units. */
export function tablesIn(bytes: Uint8Array): string[] {
  const reader = new ByteReader(bytes);
  return Array.from({ length: reader.u32() }, () => reader.text());
}
