import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import type { ExactValue } from "../values/exact_value.ts";
import { hexOf, literalOf } from "../values/literal.ts";
import { csvHeader, type CsvOptions, csvRecord } from "./csv.ts";
import { distinctNames, jsonRow } from "./json.ts";

/** What rows are written as. */
export type FileFormat = "csv" | "json" | "ndjson" | "sql" | "markdown";

/** What a file of rows has beside them. */
export interface FileOptions extends CsvOptions {
  readonly names: readonly string[];
  /** For SQL: the table, and the text that makes it. */
  readonly table: string;
  readonly ddl: string | null;
}

/** A format, as three functions: what goes before, a row, and what goes behind. */
export interface FileWriter {
  readonly begin: string;
  row(values: readonly ExactValue[], first: boolean): string;
  readonly end: string;
}

/** How rows are written in a format. */
export function fileWriter(
  format: FileFormat,
  options: FileOptions,
): FileWriter {
  switch (format) {
    case "csv":
      return {
        begin: csvHeader(options.names, options),
        row: (values) => csvRecord(values, options),
        end: "",
      };
    case "json":
      return jsonWriter(options);
    case "ndjson": {
      const names = distinctNames(options.names);
      return {
        begin: "",
        row: (values) => `${jsonRow(names, values)}\n`,
        end: "",
      };
    }
    case "sql":
      return sqlWriter(options);
    case "markdown":
      return markdownWriter(options);
  }
}

function jsonWriter({ names }: FileOptions): FileWriter {
  const distinct = distinctNames(names);
  return {
    begin: "[",
    row: (values, first) =>
      `${first ? "\n" : ",\n"}${jsonRow(distinct, values)}`,
    end: "\n]\n",
  };
}

function sqlWriter({ names, table, ddl }: FileOptions): FileWriter {
  const columns = names.map(quotedName).join(", ");
  const into = `INSERT INTO ${quotedName(table)} (${columns}) VALUES`;
  return {
    begin: ddl === null ? "" : `${ddl};\n`,
    row: (values) => `${into} (${values.map(literalOf).join(", ")});\n`,
    end: "",
  };
}

function markdownWriter({ names }: FileOptions): FileWriter {
  const line = (texts: readonly string[]) => `| ${texts.join(" | ")} |\n`;
  return {
    begin: line(names.map(markdownText)) + line(names.map(() => "---")),
    row: (values) =>
      line(values.map((value) => markdownText(plainText(value)))),
    end: "",
  };
}

/** A cell ends at a bar and at a line's end. */
function markdownText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("|", "\\|")
    .replaceAll(/\r\n|\r|\n/g, "<br>");
}

/** A value as plain text, for people and for a clipboard. */
export function plainText(value: ExactValue): string {
  if (value.type === "text") return value.value;
  if (value.type === "blob") return `0x${hexOf(value.value)}`;
  return literalOf(value);
}

/** Rows as text for a clipboard, as spreadsheets take it: tabs between cells, and none in them. */
export function tabSeparated(
  rows: readonly (readonly ExactValue[])[],
): string {
  return rows.map((row) =>
    row.map((value) => {
      const text = value.type === "null" ? "" : plainText(value);
      return /["\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    }).join("\t")
  ).join("\n");
}
