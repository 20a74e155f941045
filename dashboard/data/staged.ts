import { type ReadonlySignal, signal } from "@preact/signals";
import type { RowChange } from "../rows/changes.ts";
import { type Row, rowName } from "../rows/row.ts";
import { type ExactValue, sameValue } from "../values/exact_value.ts";

/** A value as it was seen, and what it shall become. */
export interface StagedValue {
  readonly seen: ExactValue;
  readonly value: ExactValue;
}

/** What shall happen to a row. */
export interface StagedRow {
  readonly key: readonly ExactValue[];
  readonly deleted: boolean;
  /** What else must be as it was if the row is deleted. */
  readonly seen: ReadonlyMap<string, ExactValue>;
  readonly values: ReadonlyMap<string, StagedValue>;
}

/** A row that shall be inserted; columns that are not named get their defaults. */
export type StagedInsert = ReadonlyMap<string, ExactValue>;

/** Everything that shall happen to a table. */
export interface Staged {
  /** By the names of rows. */
  readonly rows: ReadonlyMap<string, StagedRow>;
  readonly inserts: readonly StagedInsert[];
}

const EMPTY: Staged = { rows: new Map(), inserts: [] };

/** Changes of one table that are not written yet. They stay until they are written or discarded, whatever page is open. */
export class StagedChanges {
  readonly #state = signal<Staged>(EMPTY);

  /** What is staged now. */
  get state(): ReadonlySignal<Staged> {
    return this.#state;
  }

  /** How many rows are changed, deleted or inserted. */
  get count(): number {
    const { rows, inserts } = this.#state.value;
    return rows.size + inserts.length;
  }

  /** A value shall be another one; the one that was seen takes the change back. */
  set(row: Row, column: string, seen: ExactValue, value: ExactValue): void {
    this.#change(row, (before) => {
      const values = new Map(before.values);
      const first = values.get(column)?.seen ?? seen;
      if (sameValue(first, value)) values.delete(column);
      else values.set(column, { seen: first, value });
      return { ...before, values };
    });
  }

  /** What somebody else wrote meanwhile is seen now. */
  seeAgain(name: string, values: ReadonlyMap<string, ExactValue>): void {
    const row = this.#state.value.rows.get(name);
    if (row === undefined) return;
    const staged = new Map(
      [...row.values].map(([column, { seen, value }]) =>
        [column, { seen: values.get(column) ?? seen, value }] as const
      ).filter(([, { seen, value }]) => !sameValue(seen, value)),
    );
    this.#put(name, { ...row, values: staged, seen: values });
  }

  /** The row shall be deleted, or not after all. */
  toggleDelete(row: Row, columns: readonly string[]): void {
    this.#change(row, (before) => {
      const seen = new Map<string, ExactValue>();
      for (const [at, cell] of row.cells.entries()) {
        if (cell.whole) seen.set(columns[at]!, cell.value);
      }
      return { ...before, deleted: !before.deleted, seen };
    });
  }

  /** A row shall be inserted. */
  insert(values: StagedInsert): void {
    const { value } = this.#state;
    this.#state.value = { ...value, inserts: [...value.inserts, values] };
  }

  /** A change is taken back. */
  drop(change: { readonly name: string } | { readonly insert: number }): void {
    const { rows, inserts } = this.#state.value;
    this.#state.value = "name" in change
      ? {
        inserts,
        rows: new Map([...rows].filter(([name]) => name !== change.name)),
      }
      : { rows, inserts: inserts.filter((_, at) => at !== change.insert) };
  }

  /** Everything is taken back, or was written. */
  clear(): void {
    this.#state.value = EMPTY;
  }

  /** The changes as they are written, in order. */
  changes(): readonly {
    readonly name: string | null;
    readonly change: RowChange;
  }[] {
    const { rows, inserts } = this.#state.value;
    return [
      ...[...rows].map(([name, row]) => ({ name, change: changeOf(row) })),
      ...inserts.map((values) => ({
        name: null,
        change: {
          kind: "insert",
          values: [...values].map(([column, value]) => ({ column, value })),
        } as const,
      })),
    ];
  }

  #change(row: Row, change: (before: StagedRow) => StagedRow): void {
    const name = rowName(row.place.key);
    const before = this.#state.value.rows.get(name) ?? {
      key: row.place.key,
      deleted: false,
      seen: new Map(),
      values: new Map(),
    };
    this.#put(name, change(before));
  }

  #put(name: string, row: StagedRow): void {
    const rows = new Map(this.#state.value.rows);
    if (row.deleted || row.values.size > 0) rows.set(name, row);
    else rows.delete(name);
    this.#state.value = { ...this.#state.value, rows };
  }
}

function changeOf({ key, deleted, seen, values }: StagedRow): RowChange {
  return deleted
    ? {
      kind: "delete",
      key,
      seen: [...seen].map(([column, seen]) => ({ column, seen })),
    }
    : {
      kind: "update",
      key,
      changes: [...values].map(([column, staged]) => ({ column, ...staged })),
    };
}

const byTable = new Map<string, StagedChanges>();

/** The changes of a table. */
export function stagedChangesOf(table: string): StagedChanges {
  const known = byTable.get(table) ?? new StagedChanges();
  byTable.set(table, known);
  return known;
}

// Whoever closes the tab with changes that are not written is asked first.
addEventListener("beforeunload", (event) => {
  if ([...byTable.values()].some((changes) => changes.count > 0)) {
    event.preventDefault();
  }
});
