import type { VNode } from "preact";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import type { RowChange } from "../rows/changes.ts";
import { childrenOf, type Related, type ValueOf } from "../rows/relations.ts";
import { shownText } from "../values/shown.ts";
import { useChildCount } from "./related_rows.tsx";

/** What becomes of the rows that refer to one that is deleted. */
const FATES: Readonly<Record<string, string>> = {
  CASCADE: "are deleted, too",
  "SET NULL": "get NULL there",
  "SET DEFAULT": "get the default there",
};

/** The rows of other tables that a deletion concerns. */
export function DeletedChildren(
  { object, objects, change, keyNames }: {
    readonly object: JsonSchemaObject;
    readonly objects: readonly JsonSchemaObject[];
    readonly change: Extract<RowChange, { kind: "delete" }>;
    readonly keyNames: readonly string[];
  },
): VNode | null {
  const valueOf: ValueOf = (column) => {
    const at = keyNames.indexOf(column);
    return at >= 0
      ? change.key[at]
      : change.seen.find((each) => each.column === column)?.seen;
  };
  const children = childrenOf(object.name, objects, valueOf);
  if (children.length === 0) return null;
  return (
    <ul class="consequence">
      {children.map((child) => (
        <Child key={`${child.table} ${child.columns.join()}`} child={child} />
      ))}
    </ul>
  );
}

function Child({ child }: { readonly child: Related }): VNode {
  const count = useChildCount(child);
  return (
    <li>
      {shownText(child.table)}: {count} refer to it and{" "}
      {FATES[child.onDelete] ?? "keep it from being deleted"}
    </li>
  );
}
