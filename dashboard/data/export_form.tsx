import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { FileFormat } from "../files/formats.ts";
import { saveFile } from "../files/save.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Problem } from "../parts/problem.tsx";
import { say } from "../state/toasts.ts";
import { shownCount, shownText } from "../values/shown.ts";
import { type ExportJob, exportRows } from "./export_rows.ts";
import { fileStem } from "./full_value.tsx";

const FORMATS: readonly (readonly [FileFormat, string, string])[] = [
  [
    "csv",
    "CSV",
    "Texts in quotes, NULL without: it can be imported again as it was.",
  ],
  [
    "ndjson",
    "JSON, a row per line",
    "Exact: large integers and blobs keep their forms of the API.",
  ],
  ["json", "JSON, one list", "Exact, for programs that read it whole."],
  ["sql", "SQL", "INSERT statements with exact literals."],
  ["markdown", "Markdown", "A table for a text; not for reading back."],
];

/** How a file is written. */
interface ChosenOptions {
  readonly format: FileFormat;
  readonly spreadsheets: boolean;
  readonly withTable: boolean;
}

/** Which format, and how far it is. */
export function ExportForm(
  { what, table, ddl, job, exact = false, onClose }: {
    readonly what: string;
    readonly table: string;
    readonly ddl: string | null;
    readonly job: Pick<ExportJob, "query" | "names" | "values">;
    /** Storage classes are asked for: 2.0 stays 2.0. */
    readonly exact?: boolean;
    readonly onClose: () => void;
  },
): VNode {
  const [options, setOptions] = useState<ChosenOptions>({
    format: "csv",
    spreadsheets: false,
    withTable: false,
  });
  const { rows, error, start } = useExport(onClose);
  const { format } = options;
  const run = (): Promise<void> =>
    start({
      ...job,
      format,
      spreadsheets: options.spreadsheets && format === "csv",
      table,
      ddl: options.withTable ? ddl : null,
    });
  return (
    <Dialog
      title="Export"
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            submit
            look="primary"
            icon="download"
            disabled={rows !== null}
          >
            {rows === null ? "Export" : `${shownCount(rows)} rows`}
          </Button>
        </>
      }
    >
      <p class="muted">{shownText(what)}, as one view of the data.</p>
      <ExportOptions
        options={options}
        withDdl={ddl !== null}
        onOptions={setOptions}
      />
      {exact ? null : (
        <p class="faint">
          A whole number of a query is written as an integer, also where SQLite
          has 2.0.
        </p>
      )}
      {error === null ? null : <Problem error={error} />}
    </Dialog>
  );
}

/** One export at a time; leaving ends it. */
function useExport(onDone: () => void) {
  const [rows, setRows] = useState<number | null>(null);
  const [error, setError] = useState<unknown>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const start = async (job: ExportJob): Promise<void> => {
    if (rows !== null) return;
    const stop = new AbortController();
    running.current = stop;
    setRows(0);
    setError(null);
    try {
      const told = { signal: stop.signal, onRows: setRows };
      const done = await exportRows(job, told);
      saveFile(done.parts, `${fileStem(job.table)}.${extensionOf(job.format)}`);
      say(`${shownCount(done.rows)} rows exported`);
      onDone();
    } catch (problem) {
      if (stop.signal.aborted) return;
      setError(problem);
      setRows(null);
    }
  };
  return { rows, error, start };
}

function ExportOptions(
  { options, withDdl, onOptions }: {
    readonly options: ChosenOptions;
    readonly withDdl: boolean;
    readonly onOptions: (options: ChosenOptions) => void;
  },
): VNode {
  const { format, spreadsheets, withTable } = options;
  return (
    <>
      <fieldset class="choices">
        <legend class="label">Format</legend>
        {FORMATS.map(([value, words, about]) => (
          <label key={value}>
            <input
              type="radio"
              name="format"
              checked={format === value}
              onChange={() => onOptions({ ...options, format: value })}
            />
            <span>
              {words} <small class="faint">{about}</small>
            </span>
          </label>
        ))}
      </fieldset>
      {format !== "csv" ? null : (
        <label class="switch">
          <input
            type="checkbox"
            checked={spreadsheets}
            onChange={(event) =>
              onOptions({
                ...options,
                spreadsheets: event.currentTarget.checked,
              })}
          />
          For spreadsheets: a ' before = + - @, so that no text becomes a
          formula. The file is then not exact.
        </label>
      )}
      {format !== "sql" || !withDdl ? null : (
        <label class="switch">
          <input
            type="checkbox"
            checked={withTable}
            onChange={(event) =>
              onOptions({ ...options, withTable: event.currentTarget.checked })}
          />
          With the CREATE TABLE
        </label>
      )}
    </>
  );
}

function extensionOf(format: FileFormat): string {
  return format === "markdown" ? "md" : format;
}
