import { type Affinity, valueAsWritten } from "../values/affinity.ts";
import { type ExactValue, NULL_VALUE } from "../values/exact_value.ts";
import { blobLiteral, bytesOfHex, realText } from "../values/literal.ts";
import type { CsvField } from "./csv_reader.ts";

/** How CSV is written. */
export interface CsvOptions {
  /** Texts that a spreadsheet would take for a formula get a `'` in front: they are no longer the same texts. */
  readonly spreadsheets: boolean;
}

/**
 * A record of CSV: texts in quotes, everything else without. So `NULL` (nothing) is not `''` (`""`), 2 not 2.0, and a blob
 * (`x'00'`) no text.
 */
export function csvRecord(
  values: readonly ExactValue[],
  options: CsvOptions,
): string {
  // A record of one NULL would be a blank line, which is no record.
  if (values.length === 1 && values[0]!.type === "null") return "NULL\r\n";
  return `${values.map((value) => csvField(value, options)).join(",")}\r\n`;
}

/** The first record of CSV: the names of its columns. */
export function csvHeader(
  names: readonly string[],
  options: CsvOptions,
): string {
  return csvRecord(
    names.map((name) => ({ type: "text", value: name })),
    options,
  );
}

function csvField(value: ExactValue, options: CsvOptions): string {
  switch (value.type) {
    case "null":
      return "";
    case "integer":
      return `${value.value}`;
    case "real":
      return realText(value.value);
    case "blob":
      return blobLiteral(value.value);
    case "text": {
      const formula = options.spreadsheets && /^[=+\-@\t\r]/.test(value.value);
      return `"${formula ? "'" : ""}${value.value.replaceAll('"', '""')}"`;
    }
  }
}

/** What a field means for a column: in quotes a text, without them what {@linkcode csvRecord} writes so. */
export function valueOfField(
  { text, quoted }: CsvField,
  affinity: Affinity,
): ExactValue {
  if (quoted) return { type: "text", value: text };
  if (text === "" || text === "NULL") return NULL_VALUE;
  const hex = /^x'([0-9a-f]*)'$/i.exec(text);
  const bytes = hex && bytesOfHex(hex[1]!);
  if (bytes !== null) return { type: "blob", value: bytes };
  return valueAsWritten(text, affinity);
}
