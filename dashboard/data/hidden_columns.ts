import { type Signal, signal } from "@preact/signals";

const ofTables = new Map<string, Signal<ReadonlySet<string>>>();

/** The names of a table's columns that are not shown, until the page is loaded anew. */
export function hiddenColumnsOf(table: string): Signal<ReadonlySet<string>> {
  let hidden = ofTables.get(table);
  if (hidden === undefined) {
    hidden = signal<ReadonlySet<string>>(new Set());
    ofTables.set(table, hidden);
  }
  return hidden;
}
