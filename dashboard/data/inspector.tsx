import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type {
  JsonSchemaColumn,
  JsonSchemaObject,
} from "../../src/api/dashboard/schema.ts";
import { call } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { CopyButton } from "../parts/copy_button.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { parentOf, type ValueOf } from "../rows/relations.ts";
import { rowSql } from "../rows/page.ts";
import { type Cell, cellsOf, type Row, rowName } from "../rows/row.ts";
import { newestWrite } from "../state/written.ts";
import { writeMode } from "../state/write_mode.ts";
import { shownText } from "../values/shown.ts";
import { ColumnField } from "./column_field.tsx";
import { CopyAs } from "./copy_as.tsx";
import { hrefToRow, hrefToRows } from "./look.ts";
import { RelatedRows } from "./related_rows.tsx";
import type { StagedChanges } from "./staged.ts";
import type { TableView } from "./table_view.ts";

/** A link to a row is good whatever else is looked at. */
const NO_LOOK = { filters: [], sort: null };

/** One row with all its values whole, its parents and children; in write mode, where it is changed. */
export function Inspector(
  { row, view, objects, staged, column, onClose }: {
    readonly row: Row;
    readonly view: TableView;
    readonly objects: readonly JsonSchemaObject[];
    readonly staged: StagedChanges;
    /** The column that is looked at. */
    readonly column: number;
    readonly onClose: () => void;
  },
): VNode {
  const element = useRef<HTMLElement>(null);
  const { object } = view.look;
  const full = useFullRow(row, view);
  const cells = full.value ?? row.cells;
  const valueOf: ValueOf = (wanted) => {
    const cell = cells[view.columns.indexOf(wanted)];
    return cell?.whole === true ? cell.value : undefined;
  };
  const close = (): void => {
    onClose();
    focusCell();
  };
  useColumnInSight(element, column, full.loading);
  const gone = full.value === null && !full.loading && full.error === null &&
    view.identity.kind === "key";
  return (
    <aside
      ref={element}
      class="inspector card"
      aria-label="Row"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        close();
      }}
    >
      <Heading
        row={row}
        cells={full.value}
        view={view}
        staged={staged}
        onClose={close}
      />
      <div class="inside">
        {full.error === null ? null : <Problem error={full.error} />}
        {gone ? <p class="error">This row is not there any more.</p> : null}
        {full.loading && full.value === null
          ? <Skeleton lines={6} />
          : cells.map((cell, at) => (
            <Column
              key={view.columns[at]}
              cell={cell}
              column={object.columns.find((each) =>
                each.name === view.columns[at]
              )!}
              row={row}
              view={view}
              objects={objects}
              staged={staged}
              valueOf={valueOf}
            />
          ))}
        <RelatedRows object={object} objects={objects} valueOf={valueOf} />
      </div>
    </aside>
  );
}

function Heading(
  { row, cells, view, staged, onClose }: {
    readonly row: Row;
    /** All its values; null: they are not here. */
    readonly cells: readonly Cell[] | null;
    readonly view: TableView;
    readonly staged: StagedChanges;
    readonly onClose: () => void;
  },
): VNode {
  const change = staged.state.value.rows.get(rowName(row.place.key));
  return (
    <header>
      <h2>Row</h2>
      {change?.deleted === true
        ? <Chip tone="danger">will be deleted</Chip>
        : null}
      <div class="end">
        {cells?.every(({ whole }) => whole) === true
          ? <CopyRow cells={cells} view={view} />
          : null}
        {view.identity.kind === "none" ? null : (
          <CopyButton
            label="Copy a link to this row"
            icon="link"
            text={new URL(
              hrefToRow(view.look.object.name, NO_LOOK, row.place.key),
              location.href,
            ).href}
          />
        )}
        <DeleteButton row={row} view={view} staged={staged} />
        <Button
          compact
          look="plain"
          icon="x"
          label="Close the row"
          onClick={onClose}
        />
      </div>
    </header>
  );
}

/** Without what the table makes by itself: the statement is to be run again. */
function CopyRow(
  { cells, view }: {
    readonly cells: readonly Cell[];
    readonly view: TableView;
  },
): VNode {
  const { object } = view.look;
  const made = new Set(
    object.columns.filter(({ generated }) => generated !== "no")
      .map(({ name }) => name),
  );
  const kept = view.columns.flatMap((name, at) => made.has(name) ? [] : [at]);
  return (
    <CopyAs
      label="Copy this row"
      names={kept.map((at) => view.columns[at]!)}
      rows={[kept.map((at) => cells[at]!.value)]}
      table={object.name}
    />
  );
}

/** The field of the cell that was opened comes into sight, and gets the focus. */
function useColumnInSight(
  element: { readonly current: HTMLElement | null },
  column: number,
  loading: boolean,
): void {
  useEffect(() => {
    const field = element.current?.querySelectorAll<HTMLElement>(
      "[data-column]",
    )[column];
    field?.scrollIntoView({ block: "nearest" });
    (field?.querySelector<HTMLElement>("textarea") ?? element.current)?.focus({
      preventScroll: true,
    });
  }, [loading]);
}

/** What has no key is shown as the grid has it. */
function useFullRow(row: Row, view: TableView) {
  const { identity, columns, look } = view;
  return useLoaded(async (signal): Promise<readonly Cell[] | null> => {
    if (identity.kind === "none") return row.cells;
    const question = { table: look.object.name, columns, key: identity.parts };
    const { sql, params } = rowSql(question, row.place.key);
    const { rows } = await call("query", {
      body: { sql, params, min_index: newestWrite.value },
      signal,
    });
    return rows[0] === undefined ? null : cellsOf(rows[0]);
  }, [row]);
}

function focusCell(): void {
  document.querySelector<HTMLElement>(".grid [aria-selected=true]")?.focus();
}

function DeleteButton(
  { row, view, staged }: {
    readonly row: Row;
    readonly view: TableView;
    readonly staged: StagedChanges;
  },
): VNode | null {
  if (view.identity.kind === "none" || !writeMode.value) return null;
  const deleted =
    staged.state.value.rows.get(rowName(row.place.key))?.deleted === true;
  return (
    <Button
      compact
      icon={deleted ? "undo-2" : "trash"}
      onClick={() => staged.toggleDelete(row, view.columns)}
    >
      {deleted ? "Keep row" : "Delete row"}
    </Button>
  );
}

function Column(
  { cell, column, row, view, objects, staged, valueOf }: {
    readonly cell: Cell;
    readonly column: JsonSchemaColumn;
    readonly row: Row;
    readonly view: TableView;
    readonly objects: readonly JsonSchemaObject[];
    readonly staged: StagedChanges;
    readonly valueOf: ValueOf;
  },
): VNode {
  const { object } = view.look;
  const parents = object.foreign_keys.filter((key) =>
    key.from.includes(column.name)
  ).flatMap((key) => {
    const parent = parentOf(key, objects, valueOf);
    return parent === null ? [] : [parent];
  });
  return (
    <div class="column" data-column={column.name}>
      <ColumnField
        cell={cell}
        column={column}
        editable={writeMode.value && view.identity.kind === "key" &&
          column.generated === "no"}
        staged={staged.state.value.rows.get(rowName(row.place.key))?.values
          .get(column.name) ?? null}
        onValue={(value) => staged.set(row, column.name, cell.value, value)}
      />
      {parents.map((parent) => (
        <a
          key={parent.table}
          class="relation"
          href={hrefToRows(parent.table, {
            filters: parent.filters,
            sort: null,
          })}
        >
          Row of {shownText(parent.table)}
        </a>
      ))}
    </div>
  );
}
