import type { VNode } from "preact";
import { call } from "../api.ts";
import { ValueView } from "../grid/value_view.tsx";
import { Button } from "../parts/button.tsx";
import { Notice, Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { rowSql } from "../rows/page.ts";
import { type Cell, cellsOf } from "../rows/row.ts";
import { type ExactValue, sameValue } from "../values/exact_value.ts";
import { shownText } from "../values/shown.ts";
import type { StagedChanges, StagedRow } from "./staged.ts";
import type { TableView } from "./table_view.ts";

/** A value that somebody else changed. */
interface Difference {
  readonly column: string;
  readonly seen: ExactValue;
  readonly theirs: ExactValue;
  readonly yours: ExactValue | null;
}

/** What somebody else changed meanwhile: what was seen, theirs, and yours. Nothing was written. */
export function ConflictNotice(
  { view, staged, name, onDone }: {
    readonly view: TableView;
    readonly staged: StagedChanges;
    readonly name: string;
    readonly onDone: () => void;
  },
): VNode {
  const row = staged.state.value.rows.get(name);
  const now = useRowNow(view, row, name);
  if (now.error !== null) return <Problem error={now.error} />;
  if (now.value === null || row === undefined) return <Skeleton lines={2} />;
  const { cells } = now.value;
  const drop = (
    <Button
      onClick={() => {
        staged.drop({ name });
        onDone();
        void view.refresh();
      }}
    >
      Drop my change
    </Button>
  );
  if (cells === null) {
    return (
      <Notice
        tone="danger"
        title="This row is not there any more"
        actions={drop}
      >
        <p>Somebody deleted it, or changed its key. Nothing was written.</p>
      </Notice>
    );
  }
  const values = valuesOf(view, cells);
  return (
    <Notice
      tone="danger"
      title="Changed by someone else"
      actions={
        <>
          <Button
            onClick={() => {
              staged.seeAgain(name, values);
              onDone();
            }}
          >
            Keep mine, over theirs
          </Button>
          {drop}
        </>
      }
    >
      <p>Nothing was written.</p>
      <Differences rows={differences(row, values)} />
    </Notice>
  );
}

/** The row as the cluster has it now; its cells are null if it is gone. */
function useRowNow(
  { identity, columns, look }: TableView,
  row: StagedRow | undefined,
  name: string,
) {
  return useLoaded(async (signal) => {
    if (identity.kind === "none" || row === undefined) return null;
    const { sql, params } = rowSql(
      { table: look.object.name, columns, key: identity.parts },
      row.key,
    );
    const { rows } = await call("query", {
      body: { sql, params, consistency: "linearizable" },
      signal,
    });
    return { cells: rows[0] === undefined ? null : cellsOf(rows[0]) };
  }, [name]);
}

function Differences(
  { rows }: { readonly rows: readonly Difference[] },
): VNode {
  return (
    <Table
      caption="What differs"
      columns={[
        {
          title: "Column",
          cell: (each: Difference) => shownText(each.column),
        },
        { title: "You saw", cell: ({ seen }) => <ValueView value={seen} /> },
        {
          title: "Theirs, now",
          cell: ({ theirs }) => <ValueView value={theirs} />,
        },
        {
          title: "Yours",
          cell: ({ yours }) =>
            yours === null ? "deleted" : <ValueView value={yours} />,
        },
      ]}
      rows={rows}
      keyOf={({ column }) => column}
    />
  );
}

function valuesOf(
  view: TableView,
  cells: readonly Cell[],
): Map<string, ExactValue> {
  return new Map(
    cells.flatMap((cell, at) =>
      cell.whole ? [[view.columns[at]!, cell.value] as const] : []
    ),
  );
}

function differences(
  row: StagedRow,
  values: ReadonlyMap<string, ExactValue>,
): Difference[] {
  const seen = row.deleted
    ? [...row.seen].map(([column, seen]) => ({ column, seen, yours: null }))
    : [...row.values].map(([column, staged]) => ({
      column,
      seen: staged.seen,
      yours: staged.value,
    }));
  return seen.flatMap((each) => {
    const theirs = values.get(each.column);
    return theirs === undefined || sameValue(theirs, each.seen)
      ? []
      : [{ ...each, theirs }];
  });
}
