import type { Consistency } from "../../node/port.ts";

/** How rows are shown. */
export const MODES = [
  "box",
  "table",
  "markdown",
  "list",
  "csv",
  "json",
  "line",
  "insert",
] as const;

/** One of {@linkcode MODES}. */
export type RowMode = typeof MODES[number];

/** What dot-commands change. */
export interface Settings {
  mode: RowMode;
  /** Names of columns above the rows, in the modes that may do without. */
  headers: boolean;
  /** What stands for NULL where no mode has a word of its own. */
  nullValue: string;
  /** Columns that are cut or padded to so many characters; 0: as wide as they are. */
  widths: readonly number[];
  consistency: Consistency;
  /** Statements that write are run, not refused. */
  write: boolean;
  /** How long a statement took is told. */
  timer: boolean;
  /** Each query shows its plan first. */
  plan: boolean;
}

/** Settings of a fresh shell: for a person, or for a program. */
export function freshSettings(typed: boolean, write: boolean): Settings {
  return {
    mode: typed ? "box" : "list",
    headers: typed,
    nullValue: typed ? "NULL" : "",
    widths: [],
    consistency: "local",
    write,
    timer: false,
    plan: false,
  };
}
