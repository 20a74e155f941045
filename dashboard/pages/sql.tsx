import type { VNode } from "preact";
import { useEffect, useMemo } from "preact/hooks";
import { go, route } from "../router.ts";
import { session } from "../state/session.ts";
import { Past } from "../sql/past.ts";
import { Runner } from "../sql/runner.ts";
import { TabStore } from "../sql/tabs.ts";
import { Workbench } from "../sql/workbench.tsx";

/** What is open on this page outlives its being left. */
let opened: {
  readonly cluster: string;
  readonly store: TabStore;
  readonly past: Past;
  readonly runner: Runner;
} | null = null;

function openedFor(cluster: string): NonNullable<typeof opened> {
  if (opened === null || opened.cluster !== cluster) {
    const past = new Past(cluster);
    opened = {
      cluster,
      past,
      store: new TabStore(cluster),
      runner: new Runner(past),
    };
  }
  return opened;
}

/** The page of SQL. A link may bring a text along: `#/sql?sql=…`. */
export function Page(): VNode {
  const cluster = session.value?.cluster_id ?? "";
  const { store, past, runner } = useMemo(() => openedFor(cluster), [cluster]);
  const text = route.value.query.get("sql");
  useEffect(() => {
    document.title = "SQL · Hiqlite";
    if (text === null) return;
    const { current } = store;
    // An empty text takes it; any other stays as it is.
    if (current.text.trim() === "") store.write(current.id, text);
    else if (current.text !== text) store.add(text);
    go("sql", [], {}, true);
  }, [text]);
  return <Workbench store={store} past={past} runner={runner} />;
}
