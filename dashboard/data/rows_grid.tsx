import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { type CellPlace, Grid, type GridColumn } from "../grid/grid.tsx";
import { ValueView } from "../grid/value_view.tsx";
import { columnWidth } from "../grid/widths.ts";
import { Button } from "../parts/button.tsx";
import { copyText } from "../parts/copy_button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { plainText, tabSeparated } from "../files/formats.ts";
import { type Row, rowName } from "../rows/row.ts";
import { say } from "../state/toasts.ts";
import { writeMode } from "../state/write_mode.ts";
import { affinityOf } from "../values/affinity.ts";
import { CANNOT_COPY } from "./copy_as.tsx";
import { hiddenColumnsOf } from "./hidden_columns.ts";
import { goToRows, type LinkedLook } from "./look.ts";
import type { StagedChanges, StagedRow } from "./staged.ts";
import type { TableView } from "./table_view.ts";

/** Rows by which the widths of columns are found. */
const MEASURED_ROWS = 60;

/** The grid of a table's rows, or what stands there if there are none. */
export function RowsGrid(
  { view, look, staged, active, onActive, onOpen, onInsert }: {
    readonly view: TableView;
    readonly look: LinkedLook;
    readonly staged: StagedChanges;
    readonly active: CellPlace;
    readonly onActive: (place: CellPlace) => void;
    readonly onOpen: () => void;
    readonly onInsert: () => void;
  },
): VNode {
  const { rows, first, atStart, atEnd } = view.rows.value;
  const columns = useColumns(view, look);
  const hidden = hiddenColumnsOf(view.look.object.name).value;
  const shown = view.columns.flatMap((name, at) =>
    hidden.has(name) ? [] : [at]
  );
  // Of the table's columns, not of those that are shown.
  const placeOf = ({ row, column }: CellPlace): CellPlace => ({
    row,
    column: shown[column]!,
  });
  const changes = staged.state.value.rows;
  const rowAt = (row: number): Row | undefined => rows[row - first];
  const changeAt = (row: number): StagedRow | undefined => {
    const found = rowAt(row);
    return found === undefined || changes.size === 0
      ? undefined
      : changes.get(rowName(found.place.key));
  };
  if (rows.length === 0) {
    return <NoRows view={view} look={look} onInsert={onInsert} />;
  }
  return (
    <Grid
      label={`Rows of ${view.look.object.name}`}
      columns={shown.map((at) => columns[at]!)}
      first={first}
      count={rows.length}
      total={atStart && atEnd ? rows.length : null}
      active={{ ...active, column: Math.max(0, shown.indexOf(active.column)) }}
      onActive={(place) => onActive(placeOf(place))}
      onOpen={(place) => {
        onActive(placeOf(place));
        onOpen();
      }}
      onSort={(column) => sortBy(view, look, shown[column]!)}
      onEdge={(end) => void (end === "end" ? view.more() : view.before())}
      onKey={(event, { row, column }) =>
        pressedOnRow(event, view, staged, rowAt(row), shown[column]!)}
      cell={(place) => {
        const { row, column } = placeOf(place);
        const cell = rowAt(row)!.cells[column]!;
        const change = changeAt(row)?.values.get(view.columns[column]!);
        return change === undefined
          ? <ValueView {...cell} />
          : <ValueView value={change.value} />;
      }}
      cellClass={(place) => {
        const { row, column } = placeOf(place);
        const change = changeAt(row);
        if (change?.deleted === true) return "gone";
        return change?.values.has(view.columns[column]!) === true
          ? "changed"
          : "";
      }}
    />
  );
}

/** Delete only stages; copying takes the cell. */
function pressedOnRow(
  event: KeyboardEvent,
  view: TableView,
  staged: StagedChanges,
  row: Row | undefined,
  column: number,
): boolean {
  if (row === undefined) return false;
  if (event.key === "Delete" && view.identity.kind === "key") {
    if (writeMode.value) staged.toggleDelete(row, view.columns);
    else say("Turn on write mode to delete a row", "info");
    return true;
  }
  if (!(event.ctrlKey || event.metaKey) || event.key !== "c") return false;
  void copyCell(row, column);
  return true;
}

async function copyCell(row: Row, column: number): Promise<void> {
  const cell = row.cells[column]!;
  const text = cell.value.type === "null"
    ? ""
    : tabSeparated([[cell.value]]) || plainText(cell.value);
  if (!await copyText(text, null)) say(CANNOT_COPY, "danger");
  else if (!cell.whole) {
    say("Only the beginning was copied: open the row for all of it", "info");
  } else say("Copied");
}

/** Rising, falling, and by key again. */
function sortBy(view: TableView, look: LinkedLook, at: number): void {
  const column = view.columns[at]!;
  const { sort } = look;
  const next = sort?.column !== column
    ? { column, descending: false }
    : sort.descending
    ? null
    : { column, descending: true };
  goToRows(view.look.object.name, { ...look, sort: next });
}

function useColumns(view: TableView, { sort }: LinkedLook): GridColumn[] {
  const { value } = view.rows;
  const measured = value.rows.length > 0;
  const widths = useMemo(() =>
    view.columns.map((name, at) =>
      columnWidth(
        name,
        value.rows.slice(0, MEASURED_ROWS).map((row) =>
          plainText(row.cells[at]!.value).slice(0, 60)
        ),
      )
    ), [view, measured]);
  return view.columns.map((name, at) => {
    const column = view.look.object.columns.find((each) => each.name === name)!;
    const affinity = affinityOf(column.type);
    return {
      name,
      about: [
        column.type === "" ? "no type" : column.type,
        column.key > 0 ? "key" : "",
        column.not_null ? "not null" : "",
        column.generated === "no" ? "" : "generated",
      ].filter((word) => word !== "").join(", "),
      number: affinity === "INTEGER" || affinity === "REAL" ||
        (affinity === "NUMERIC" && /NUM|DEC/i.test(column.type)),
      width: widths[at]!,
      sorted: sort?.column !== name
        ? undefined
        : sort.descending
        ? "descending"
        : "ascending",
    };
  });
}

function NoRows(
  { view, look, onInsert }: {
    readonly view: TableView;
    readonly look: LinkedLook;
    readonly onInsert: () => void;
  },
): VNode {
  if (look.filters.length > 0) {
    return (
      <EmptyState
        icon="funnel"
        title="No rows match"
        actions={
          <Button
            onClick={() =>
              goToRows(view.look.object.name, { ...look, filters: [] })}
          >
            Clear the filters
          </Button>
        }
      />
    );
  }
  return (
    <EmptyState
      icon="table-2"
      title="No rows yet"
      actions={view.identity.kind === "key" && writeMode.value
        ? <Button icon="plus" onClick={onInsert}>Insert row</Button>
        : undefined}
    >
      {view.identity.kind === "key" && !writeMode.value
        ? "Turn on write mode to insert some."
        : undefined}
    </EmptyState>
  );
}
