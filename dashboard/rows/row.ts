import {
  type ExactValue,
  exactValue,
  type StorageClass,
} from "../values/exact_value.ts";
import { CELL_COLUMNS, type RowPlace } from "./page.ts";

/** A cell of a row as it was read. */
export interface Cell {
  /** The value; of a long one its beginning. */
  readonly value: ExactValue;
  /** Bytes of the whole text or blob. */
  readonly bytes: number;
  /** Whether the value is there as a whole: not if it is long, nor if it is a text with a NUL or broken UTF-8. */
  readonly whole: boolean;
}

/** A row as it was read. */
export interface Row {
  readonly cells: readonly Cell[];
  /** Where it stands; its key is empty in what has none. */
  readonly place: RowPlace;
}

/** The rows of the answer to a page's query. */
export function rowsOfPage(
  rows: readonly (readonly unknown[])[],
  columns: number,
  sorted: boolean,
): Row[] {
  return rows.map((row) => {
    const rest = row.slice(columns * CELL_COLUMNS);
    const whole: ExactValue[] = [];
    for (let at = 0; at < rest.length; at += 2) {
      whole.push(exactValue(rest[at], rest[at + 1] as StorageClass));
    }
    const first = sorted ? whole.shift()! : null;
    return {
      cells: cellsOf(row.slice(0, columns * CELL_COLUMNS)),
      place: { sorted: first, key: whole },
    };
  });
}

/** The cells of a row, three columns of the answer for each. */
export function cellsOf(row: readonly unknown[]): Cell[] {
  const cells: Cell[] = [];
  for (let at = 0; at < row.length; at += CELL_COLUMNS) {
    const value = exactValue(row[at], row[at + 1] as StorageClass);
    const bytes = Number(row[at + 2] ?? 0);
    cells.push({ value, bytes, whole: isWhole(value, bytes) });
  }
  return cells;
}

const utf8 = new TextEncoder();

/** What the database reads of a text ends at a NUL: then bytes are missing. */
function isWhole(value: ExactValue, bytes: number): boolean {
  if (value.type === "text") return utf8.encode(value.value).length === bytes;
  return value.type !== "blob" || value.value.length === bytes;
}

/** A text that names a row in this page: equal keys have equal ones. */
export function rowName(key: readonly ExactValue[]): string {
  return JSON.stringify(key.map((value) => {
    if (value.type === "null") return null;
    return value.type === "blob"
      ? [value.type, [...value.value]]
      : [value.type, `${value.value}`];
  }));
}
