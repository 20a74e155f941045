import type { VNode } from "preact";
import { filtersSql } from "../rows/filter.ts";
import { exportedRow, exportSql } from "../rows/export.ts";
import { ExportForm } from "./export_form.tsx";
import type { TableView } from "./table_view.ts";

/** All rows of a table that are looked at, as a file. */
export function ExportDialog(
  { view, onClose }: { readonly view: TableView; readonly onClose: () => void },
): VNode {
  const { object, filters, sort } = view.look;
  // A generated column cannot be inserted.
  const columns = object.columns.filter(({ hidden, generated }) =>
    !hidden && generated === "no"
  ).map(({ name }) => name);
  const query = exportSql({
    table: object.name,
    columns,
    key: view.identity.kind === "key" ? view.identity.parts : [],
    sort,
    filter: filtersSql(filters),
  });
  return (
    <ExportForm
      what={filters.length === 0
        ? `All rows of ${object.name}`
        : `The rows of ${object.name} that match the filters`}
      table={object.name}
      ddl={object.kind === "table" && object.sql !== "" ? object.sql : null}
      job={{
        query,
        names: () => columns,
        values: (row) => exportedRow(row, columns.length),
      }}
      exact
      onClose={onClose}
    />
  );
}
