import type { VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { Icon } from "../parts/icon.tsx";
import { shownText } from "../values/shown.ts";
import { keyMoves } from "./moves.ts";
import {
  ROW_HEIGHT,
  useVirtualRows,
  type VirtualRows,
} from "./use_virtual_rows.ts";

/** A column of a grid. */
export interface GridColumn {
  readonly name: string;
  /** Below its name in a title. */
  readonly about: string;
  /** Values stand at the end of their cell. */
  readonly number: boolean;
  /** px. */
  readonly width: number;
  readonly sorted?: "ascending" | "descending" | undefined;
}

/** The place of a cell: a row's number, which it keeps while the window moves, and a column's. */
export interface CellPlace {
  readonly row: number;
  readonly column: number;
}

/** What a grid shows and tells. */
export interface GridProps {
  readonly label: string;
  readonly columns: readonly GridColumn[];
  /** The number of the first row that is here. */
  readonly first: number;
  /** How many rows are here. */
  readonly count: number;
  /** All there is, if that is known. */
  readonly total: number | null;
  readonly cell: (place: CellPlace) => VNode;
  readonly cellClass?: (place: CellPlace) => string;
  readonly active: CellPlace;
  readonly onActive: (place: CellPlace) => void;
  readonly onOpen?: (place: CellPlace) => void;
  readonly onSort?: (column: number) => void;
  /** Rows beyond an end of those that are here are wanted. */
  readonly onEdge?: (end: "start" | "end") => void;
  /** Other keys on a cell; true: it was one of these. */
  readonly onKey?: (event: KeyboardEvent, place: CellPlace) => boolean;
}

/** Rows from the end at which more are asked for. */
const EDGE_ROWS = 40;

/** Thousands of rows of which those in sight are drawn; arrows, Home, End, PgUp and PgDn move between cells. */
export function Grid(props: GridProps): VNode {
  const { columns, first, count, total, active } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualRows(count, scroller);
  useAnchor(scroller, first);
  useFollowed(scroller, rows, props);
  const template = columns.map(({ width }) => `${width}px`).join(" ");
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  const near = (): void => {
    if (rows.from < EDGE_ROWS) props.onEdge?.("start");
    if (rows.to > count - EDGE_ROWS) props.onEdge?.("end");
  };
  return (
    <div
      ref={scroller}
      class="grid"
      role="grid"
      aria-label={props.label}
      aria-rowcount={total === null ? -1 : total + 1}
      aria-colcount={columns.length}
      aria-readonly="true"
      onScroll={near}
      onKeyDown={(event) => pressed(event, props, scroller.current)}
    >
      <div
        class="canvas"
        style={{
          blockSize: `${rows.height}px`,
          inlineSize: `${width}px`,
        }}
      >
        <Head {...props} template={template} />
        {indexes(rows).map((index) => (
          <div
            key={first + index}
            role="row"
            class={first + index === active.row ? "row chosen" : "row"}
            aria-rowindex={index + 2}
            style={{
              transform: `translateY(${rows.topOf(index)}px)`,
              gridTemplateColumns: template,
            }}
          >
            {columns.map((_, column) => (
              <Cell
                key={column}
                place={{ row: first + index, column }}
                {...props}
              />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

function indexes({ from, to }: VirtualRows): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

function Head(
  { columns, onSort, template }: GridProps & { readonly template: string },
): VNode {
  return (
    <div
      role="row"
      class="head"
      aria-rowindex={1}
      style={{ gridTemplateColumns: template }}
    >
      {columns.map((column, at) => (
        <div
          key={at}
          role="columnheader"
          aria-sort={column.sorted ??
            (onSort === undefined ? undefined : "none")}
          title={`${shownText(column.name)}\n${column.about}`}
          class={column.number ? "number" : undefined}
        >
          {onSort === undefined
            ? <span class="clip">{shownText(column.name)}</span>
            : (
              <button type="button" onClick={() => onSort(at)}>
                <span class="clip">{shownText(column.name)}</span>
                {column.sorted === undefined ? null : (
                  <Icon
                    name={column.sorted === "ascending"
                      ? "arrow-up"
                      : "arrow-down"}
                  />
                )}
              </button>
            )}
        </div>
      ))}
    </div>
  );
}

function Cell(
  { place, columns, active, cell, cellClass, onActive, onOpen }: GridProps & {
    readonly place: CellPlace;
  },
): VNode {
  const { row, column } = place;
  const chosen = row === active.row && column === active.column;
  const classes = [
    columns[column]!.number ? "number" : "",
    cellClass?.(place) ?? "",
  ].filter((name) => name !== "").join(" ");
  return (
    <div
      role="gridcell"
      aria-colindex={column + 1}
      aria-selected={chosen}
      data-cell={`${row}:${column}`}
      tabIndex={chosen ? 0 : -1}
      class={classes}
      onClick={() => onActive(place)}
      onFocus={() => chosen || onActive(place)}
      onDblClick={() => onOpen?.(place)}
    >
      {cell(place)}
    </div>
  );
}

function pressed(
  event: KeyboardEvent,
  props: GridProps,
  scroller: HTMLElement | null,
): void {
  const { active, first, count, columns } = props;
  const target = event.target as HTMLElement;
  if (target.getAttribute("role") !== "gridcell") return;
  if (props.onKey?.(event, active) === true) {
    event.preventDefault();
    return;
  }
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    props.onOpen?.(active);
    return;
  }
  const page = Math.max(
    1,
    Math.floor((scroller?.clientHeight ?? 0) / ROW_HEIGHT) - 2,
  );
  const move = keyMoves(event, page);
  if (move === null) return;
  event.preventDefault();
  const row = Math.min(
    first + count - 1,
    Math.max(first, active.row + move.rows),
  );
  const column = Math.min(
    columns.length - 1,
    Math.max(0, active.column + move.columns),
  );
  if (active.row + move.rows > row) props.onEdge?.("end");
  if (active.row + move.rows < row) props.onEdge?.("start");
  props.onActive({ row, column });
}

/** Rows that came or went before the first one must not move those that are looked at. */
function useAnchor(
  scroller: { readonly current: HTMLDivElement | null },
  first: number,
): void {
  const last = useRef(first);
  useLayoutEffect(() => {
    const moved = first - last.current;
    last.current = first;
    if (moved !== 0 && scroller.current !== null) {
      scroller.current.scrollTop -= moved * ROW_HEIGHT;
    }
  }, [first]);
}

/** The active cell is in sight, and has the focus if a cell had it. */
function useFollowed(
  scroller: { readonly current: HTMLDivElement | null },
  rows: VirtualRows,
  { active, first, count }: GridProps,
): void {
  const wanted = useRef(false);
  useLayoutEffect(() => {
    const index = active.row - first;
    if (index >= 0 && index < count) rows.show(index);
    const focused = document.activeElement;
    wanted.current = focused?.getAttribute("role") === "gridcell" &&
      scroller.current?.contains(focused) === true;
  }, [active.row, active.column]);
  useLayoutEffect(() => {
    if (!wanted.current) return;
    const cell = scroller.current?.querySelector<HTMLElement>(
      `[data-cell="${active.row}:${active.column}"]`,
    );
    if (cell === null || cell === undefined) return;
    wanted.current = false;
    if (cell !== document.activeElement) cell.focus({ preventScroll: true });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
