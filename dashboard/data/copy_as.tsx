import type { VNode } from "preact";
import { type FileFormat, fileWriter } from "../files/formats.ts";
import { copyText } from "../parts/copy_button.tsx";
import { say } from "../state/toasts.ts";
import type { ExactValue } from "../values/exact_value.ts";

/** Why nothing was copied. */
export const CANNOT_COPY =
  "The browser does not let this page copy: it is not encrypted";

const COPIED: readonly (readonly [FileFormat, string])[] = [
  ["csv", "CSV"],
  ["ndjson", "JSON lines"],
  ["sql", "INSERT"],
  ["markdown", "Markdown"],
];

/** Copies rows that are here, in a format of choice. */
export function CopyAs(
  { names, rows, table, label = "Copy the rows that are here" }: {
    readonly names: readonly string[];
    readonly rows: readonly (readonly ExactValue[])[];
    /** Of the INSERT statements. */
    readonly table: string;
    readonly label?: string;
  },
): VNode {
  const copy = (format: FileFormat): void => {
    const options = { names, table, ddl: null, spreadsheets: false };
    const writer = fileWriter(format, options);
    const text = rows.map((row, at) => writer.row(row, at === 0)).join("");
    void copyAndSay(writer.begin + text + writer.end);
  };
  return (
    <select
      class="input compact"
      aria-label={label}
      value=""
      onChange={(event) => {
        copy(event.currentTarget.value as FileFormat);
        event.currentTarget.value = "";
      }}
    >
      <option value="" disabled>Copy as …</option>
      {COPIED.map(([format, words]) => (
        <option key={format} value={format}>{words}</option>
      ))}
    </select>
  );
}

/** Copies a text, and says whether that was possible. */
export async function copyAndSay(text: string): Promise<void> {
  if (await copyText(text, null)) say("Copied");
  else say(CANNOT_COPY, "danger");
}
