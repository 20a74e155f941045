import { quotedName } from "../../state/sqlite/statement/text.ts";
import { Real, type ShownRows } from "./reals.ts";
import type { RowMode, Settings } from "./settings.ts";
import { jsonOf, literalOf, printable, shownValue } from "./value_text.ts";

/** What the modes need of the settings. */
type Look = Pick<Settings, "headers" | "nullValue" | "widths">;
type Render = (rows: ShownRows, look: Look) => string[];

const RENDERERS: Readonly<Record<RowMode, Render>> = {
  box: (rows, look) => framed(rows, look, ["┌─┬┐", "├─┼┤", "└─┴┘", "│"]),
  table: (rows, look) => framed(rows, look, ["+-++", "+-++", "+-++", "|"]),
  markdown: (rows, look) => markdown(rows, look),
  list: (rows, look) => textLines(rows, look, (cells) => cells.join("|")),
  csv: (rows, look) =>
    textLines(rows, look, (cells) => cells.map(csvField).join(",")),
  json: (rows) => jsonLines(rows),
  line: (rows, look) => lines(rows, look),
  insert: (rows) =>
    rows.rows.map((row) =>
      `INSERT INTO "table" (${
        rows.columns.map(quotedName).join(", ")
      }) VALUES (${row.map(literalOf).join(", ")});`
    ),
};

/** Rows in a mode; no lines for a statement that has no columns. */
export function render(rows: ShownRows, settings: Settings): string[] {
  return rows.columns.length === 0
    ? []
    : RENDERERS[settings.mode](rows, settings);
}

/** Cells as text, the header first. */
function cellsOf({ columns, rows }: ShownRows, look: Look): string[][] {
  return [
    columns.map(printable),
    ...rows.map((row) =>
      row.map((value) => printable(shownValue(value, look.nullValue)))
    ),
  ];
}

/** Cells that have the same width in each column. Numbers end, all else begins below one another. */
function columnar(rows: ShownRows, look: Look): string[][] {
  const cells = cellsOf(rows, look);
  const widths = rows.columns.map((_, at) => {
    const wished = look.widths[at] ?? 0;
    return wished > 0
      ? wished
      : cells.reduce((most, row) => Math.max(most, lengthOf(row[at]!)), 0);
  });
  return cells.map((row, line) =>
    row.map((cell, at) => {
      const value = line === 0 ? null : rows.rows[line - 1]![at]!;
      const number = typeof value === "number" || typeof value === "bigint" ||
        value instanceof Real;
      return fitted(cell, widths[at]!, number);
    })
  );
}

function fitted(cell: string, width: number, number: boolean): string {
  const length = lengthOf(cell);
  if (length > width) return [...cell].slice(0, width - 1).join("") + "…";
  const space = " ".repeat(width - length);
  return number ? space + cell : cell + space;
}

function lengthOf(cell: string): number {
  let length = 0;
  for (const _ of cell) length++;
  return length;
}

/** `edges`: top, middle and bottom as left, line, crossing, right; and what stands between cells. */
function framed(
  rows: ShownRows,
  look: Look,
  edges: readonly [string, string, string, string],
): string[] {
  const [header, ...body] = columnar(rows, look);
  const [top, middle, bottom, side] = edges;
  const edge = ([left, line, cross, right]: string): string =>
    left! +
    header!.map((cell) => line!.repeat(lengthOf(cell) + 2)).join(cross) +
    right!;
  const row = (cells: readonly string[]): string =>
    `${side} ${cells.join(` ${side} `)} ${side}`;
  return [
    edge(top),
    ...(look.headers ? [row(header!), edge(middle)] : []),
    ...body.map(row),
    edge(bottom),
  ];
}

function markdown(rows: ShownRows, look: Look): string[] {
  const [header, ...body] = columnar(
    { columns: rows.columns.map(escapedPipe), rows: rows.rows },
    look,
  );
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    row(header!),
    `|${header!.map((cell) => "-".repeat(lengthOf(cell) + 2)).join("|")}|`,
    ...body.map((cells) => row(cells.map(escapedPipe))),
  ];
}

function escapedPipe(cell: string): string {
  return cell.replaceAll("|", "\\|");
}

/** Without frames, and with values as they are. */
function textLines(
  { columns, rows }: ShownRows,
  look: Look,
  line: (cells: readonly string[]) => string,
): string[] {
  const body = rows.map((row) =>
    line(row.map((value) => shownValue(value, look.nullValue)))
  );
  return look.headers ? [line(columns), ...body] : body;
}

/** A field as RFC 4180 has it. */
function csvField(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** One array, a line for each row; of columns with one name the last counts. */
function jsonLines({ columns, rows }: ShownRows): string[] {
  if (rows.length === 0) return ["[]"];
  const names = columns.map((name) => JSON.stringify(name));
  return rows.map((row, at) => {
    const fields = row.map((value, column) =>
      `${names[column]}:${jsonOf(value)}`
    );
    const open = at === 0 ? "[" : " ";
    const close = at === rows.length - 1 ? "]" : ",";
    return `${open}{${fields.join(",")}}${close}`;
  });
}

function lines({ columns, rows }: ShownRows, look: Look): string[] {
  const width = Math.max(...columns.map(lengthOf));
  return rows.flatMap((row, at) => [
    ...(at === 0 ? [] : [""]),
    ...columns.map((name, column) =>
      `${printable(name).padStart(width)} = ${
        printable(shownValue(row[column]!, look.nullValue))
      }`
    ),
  ]);
}
