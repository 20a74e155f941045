/** Rows that are held at once: what is further away is read again. */
export const ROWS_HELD_MAX = 5_000;

/** A window of consecutive rows of a table. */
export interface RowWindow<T> {
  readonly rows: readonly T[];
  /** The first row is the first one there is. */
  readonly atStart: boolean;
  /** The last row is the last one there is. */
  readonly atEnd: boolean;
}

/** The window with the rows that follow its last one; `dropped` of its first ones had to go. */
export function appended<T>(
  window: RowWindow<T>,
  rows: readonly T[],
  atEnd: boolean,
): { readonly window: RowWindow<T>; readonly dropped: number } {
  const all = [...window.rows, ...rows];
  const dropped = Math.max(0, all.length - ROWS_HELD_MAX);
  return {
    window: {
      rows: all.slice(dropped),
      atStart: window.atStart && dropped === 0,
      atEnd,
    },
    dropped,
  };
}

/** The window with the rows before its first one. Its last ones go if there are too many. */
export function prepended<T>(
  window: RowWindow<T>,
  rows: readonly T[],
  atStart: boolean,
): RowWindow<T> {
  const all = [...rows, ...window.rows];
  return {
    rows: all.slice(0, ROWS_HELD_MAX),
    atStart,
    atEnd: window.atEnd && all.length <= ROWS_HELD_MAX,
  };
}
