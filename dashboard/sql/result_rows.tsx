import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { copyAndSay, CopyAs } from "../data/copy_as.tsx";
import { ExportForm } from "../data/export_form.tsx";
import { plainText, tabSeparated } from "../files/formats.ts";
import { distinctNames } from "../files/json.ts";
import { formatMs } from "../format.ts";
import { type CellPlace, Grid, type GridColumn } from "../grid/grid.tsx";
import { ValueView } from "../grid/value_view.tsx";
import { columnWidth } from "../grid/widths.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { FullValue } from "../data/full_value.tsx";
import { type ExactValue, likelyValue } from "../values/exact_value.ts";
import { shownCount, shownText } from "../values/shown.ts";
import type { ShownResult } from "./runner.ts";

/** Rows by which the widths of columns are found. */
const MEASURED_ROWS = 60;

/** The rows of an answer, what it took, and ways to take them along. */
export function ResultRows(
  { result, onMore }: {
    readonly result: ShownResult;
    /** Asks for as many as may be shown; null: they are. */
    readonly onMore: (() => void) | null;
  },
): VNode {
  const values = useMemo(
    () => result.rows.map((row) => row.map(likelyValue)),
    [result],
  );
  const columns = useMemo(() => columnsOf(result, values), [values]);
  const [active, setActive] = useState<CellPlace>({ row: 0, column: 0 });
  const [opened, setOpened] = useState<CellPlace | null>(null);
  const [exporting, setExporting] = useState(false);
  useEffect(() => setActive({ row: 0, column: 0 }), [result]);
  const value = opened === null
    ? undefined
    : values[opened.row]?.[opened.column];
  return (
    <>
      {values.length === 0
        ? <EmptyState icon="table-2" title="No rows" />
        : (
          <Grid
            label="Rows of the query"
            columns={columns}
            first={0}
            count={values.length}
            total={result.more ? null : values.length}
            active={active}
            onActive={setActive}
            onOpen={setOpened}
            onKey={(event, { row, column }) => {
              if (
                !(event.ctrlKey || event.metaKey) || event.key !== "c"
              ) return false;
              void copyAndSay(tabSeparated([[values[row]![column]!]]));
              return true;
            }}
            cell={({ row, column }) => (
              <ValueView value={values[row]![column]!} />
            )}
          />
        )}
      <ResultFooter
        result={result}
        values={values}
        onMore={onMore}
        onExport={() => setExporting(true)}
      />
      {value === undefined ? null : (
        <Dialog
          wide
          title={shownText(result.columns[opened!.column]!)}
          onClose={() => setOpened(null)}
        >
          <FullValue value={value} name={result.columns[opened!.column]!} />
        </Dialog>
      )}
      {exporting
        ? <QueryExport sql={result.sql} onClose={() => setExporting(false)} />
        : null}
    </>
  );
}

function QueryExport(
  { sql, onClose }: { readonly sql: string; readonly onClose: () => void },
): VNode {
  return (
    <ExportForm
      what="All rows of this query"
      table="query"
      ddl={null}
      job={{
        query: { sql, params: [] },
        names: distinctNames,
        values: (row) => row.map(likelyValue),
      }}
      onClose={onClose}
    />
  );
}

function columnsOf(
  { columns }: ShownResult,
  values: readonly (readonly ExactValue[])[],
): GridColumn[] {
  return columns.map((name, at) => ({
    name,
    about: "",
    number: values[0]?.[at]?.type === "integer" ||
      values[0]?.[at]?.type === "real",
    width: columnWidth(
      name,
      values.slice(0, MEASURED_ROWS).map((row) =>
        plainText(row[at]!).slice(0, 60)
      ),
    ),
  }));
}

function ResultFooter(
  { result, values, onMore, onExport }: {
    readonly result: ShownResult;
    readonly values: readonly (readonly ExactValue[])[];
    readonly onMore: (() => void) | null;
    readonly onExport: () => void;
  },
): VNode {
  return (
    <footer class="rows-footer">
      <span>
        {result.more ? "The first " : ""}
        {values.length === 1 ? "1 row" : `${shownCount(values.length)} rows`}
      </span>
      {result.more && onMore !== null
        ? <Button compact look="plain" onClick={onMore}>Load more</Button>
        : null}
      <span class="faint">
        {result.ms === null ? "" : `${formatMs(result.ms)} server · `}
        {formatMs(result.totalMs)} total · index {shownCount(result.index)}
        {result.nodeId === null ? "" : ` · n${result.nodeId}`}
      </span>
      <div class="end">
        <CopyAs names={result.columns} rows={values} table="query" />
        {/^\s*(SELECT|WITH|VALUES)\b/i.test(result.sql)
          ? (
            <Button
              compact
              icon="download"
              onClick={onExport}
            >
              Export all
            </Button>
          )
          : null}
      </div>
    </footer>
  );
}
