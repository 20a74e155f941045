import type { ComponentChildren, VNode } from "preact";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** The title is only read aloud: everybody else sees what the column has. @default {false} */
  readonly titleUnseen?: boolean;
  /** Numbers stand at the end of their cell. */
  readonly number?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

/** A plain table of a few hundred rows at most, with a caption for who cannot see where it stands. */
export function Table<Row>(
  { caption, columns, rows, keyOf, stacks = false }: {
    readonly caption: string;
    readonly columns: readonly Column<Row>[];
    readonly rows: readonly Row[];
    readonly keyOf: (row: Row) => string | number;
    /** On a phone each row is a list of its cells. @default {false} */
    readonly stacks?: boolean;
  },
): VNode {
  return (
    <div
      class={stacks ? "scroll-x stacks" : "scroll-x"}
      tabIndex={0}
      role="region"
      aria-label={caption}
    >
      <table class="table">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.title}
                scope="col"
                class={column.number === true ? "number" : undefined}
              >
                {column.titleUnseen === true
                  ? <span class="visually-hidden">{column.title}</span>
                  : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} data-row={keyOf(row)}>
              {columns.map((column) => (
                <td
                  key={column.title}
                  class={column.number === true ? "number nowrap" : undefined}
                  data-title={stacks && column.titleUnseen !== true
                    ? column.title
                    : undefined}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
