import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { NoTableChosen, sideClass, TableList } from "../data/table_list.tsx";
import { Button } from "../parts/button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { route } from "../router.ts";
import { ObjectDetail } from "../schema/object_detail.tsx";
import { useSchema } from "../state/schema.ts";
import { shownText } from "../values/shown.ts";

/** The page of the schema: what a table is made of, and what hangs on it. */
export function Page(): VNode {
  const { objects, error } = useSchema();
  const [name = null] = route.value.path;
  const object = objects?.find((each) => each.name === name);
  const [listed, setListed] = useState(false);
  useEffect(() => {
    document.title = `${name ?? "Schema"} · Hiqlite`;
    setListed(false);
  }, [name]);
  return (
    <div class="page full split">
      <aside class={sideClass(objects, name, listed)}>
        {objects === null
          ? error === null ? <Skeleton lines={6} /> : null
          : <TableList objects={objects} page="schema" current={name} />}
      </aside>
      <section class="body scrolls" aria-label="Schema">
        {name === null
          ? <NoTableChosen title="Schema" objects={objects} error={error} />
          : (
            <>
              <div class="heading">
                <Button
                  class="list-toggle"
                  compact
                  icon="list-tree"
                  label="Show the list of tables"
                  onClick={() => setListed(!listed)}
                />
                <h1 tabIndex={-1} class="clip" title={shownText(name)}>
                  {shownText(name)}
                </h1>
              </div>
              {object !== undefined
                ? <ObjectDetail key={name} object={object} objects={objects!} />
                : objects === null
                ? error === null
                  ? <Skeleton lines={8} />
                  : <Problem error={error} />
                : (
                  <EmptyState icon="list-tree" title="There is no such table">
                    It may have been dropped or renamed.
                  </EmptyState>
                )}
            </>
          )}
      </section>
    </div>
  );
}
