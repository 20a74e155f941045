import type { VNode } from "preact";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { call } from "../api.ts";
import { Icon } from "../parts/icon.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import {
  CHILDREN_COUNTED_MAX,
  childrenOf,
  countSql,
  type Related,
  type ValueOf,
} from "../rows/relations.ts";
import { shownCount, shownText } from "../values/shown.ts";
import { hrefToRows } from "./look.ts";

/** Counting the children of a row is ended after so long, ms. */
const COUNT_MS = 2_000;

/** The rows of other tables that refer to this row. */
export function RelatedRows(
  { object, objects, valueOf }: {
    readonly object: JsonSchemaObject;
    readonly objects: readonly JsonSchemaObject[];
    readonly valueOf: ValueOf;
  },
): VNode | null {
  const children = childrenOf(object.name, objects, valueOf);
  if (children.length === 0) return null;
  return (
    <section class="related" aria-label="Rows that refer to this one">
      <h3>Referred to by</h3>
      <ul>
        {children.map((child) => (
          <li key={`${child.table} ${child.columns.join()}`}>
            <Child child={child} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Child({ child }: { readonly child: Related }): VNode {
  const count = useChildCount(child);
  return (
    <a
      class="relation"
      href={hrefToRows(child.table, { filters: child.filters, sort: null })}
    >
      <Icon name="link" />
      {shownText(child.table)} ({count})
      <span class="faint">by {child.columns.map(shownText).join(", ")}</span>
    </a>
  );
}

/** How many children there are, in words: `12`, `more than 1,000`, `…`. */
export function useChildCount(child: Related): string {
  const { sql, params } = countSql(child);
  const loaded = useLoaded(async (signal) => {
    const { rows } = await call("query", {
      body: { sql, params },
      signal: AbortSignal.any([signal, AbortSignal.timeout(COUNT_MS)]),
    });
    return Number(rows[0]![0]);
  }, [sql, JSON.stringify(params)]);
  if (loaded.value === null) return loaded.loading ? "…" : "not counted";
  return loaded.value > CHILDREN_COUNTED_MAX
    ? `more than ${shownCount(CHILDREN_COUNTED_MAX)}`
    : shownCount(loaded.value);
}
