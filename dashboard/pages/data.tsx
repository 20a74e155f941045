import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NoTableChosen, sideClass, TableList } from "../data/table_list.tsx";
import { TablePanel } from "../data/table_panel.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { route } from "../router.ts";
import { useSchema } from "../state/schema.ts";

/** The page of data: rows of a table, in a grid. */
export function Page(): VNode {
  const { objects, error } = useSchema();
  const [name = null] = route.value.path;
  const object = objects?.find((each) => each.name === name);
  const [listed, setListed] = useState(false);
  useEffect(() => {
    document.title = `${name ?? "Data"} · Hiqlite`;
    setListed(false);
  }, [name]);
  return (
    <div class="page full split">
      <aside class={sideClass(objects, name, listed)}>
        {objects === null
          ? error === null ? <Skeleton lines={6} /> : null
          : <TableList objects={objects} page="data" current={name} />}
      </aside>
      <section class="body" aria-label="Rows">
        {name === null
          ? <NoTableChosen title="Data" objects={objects} error={error} />
          : object === undefined
          ? (
            <>
              <h1 tabIndex={-1}>{name}</h1>
              {objects === null
                ? error === null
                  ? <Skeleton lines={8} />
                  : <Problem error={error} />
                : (
                  <EmptyState icon="table-2" title="There is no such table">
                    It may have been dropped or renamed.
                  </EmptyState>
                )}
            </>
          )
          : (
            <TablePanel
              key={name}
              object={object}
              objects={objects!}
              onList={() => setListed(!listed)}
            />
          )}
      </section>
    </div>
  );
}
