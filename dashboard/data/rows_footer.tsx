import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api.ts";
import { formatMs } from "../format.ts";
import type { CellPlace } from "../grid/grid.tsx";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { Copyable } from "../parts/copy_button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import { filledIn } from "../rows/filled.ts";
import { filtersSql } from "../rows/filter.ts";
import { joined } from "../rows/bound.ts";
import { planTree } from "../statements/plan.ts";
import { shownCount } from "../values/shown.ts";
import { KeyDialog } from "./key_dialog.tsx";
import type { TableView } from "./table_view.ts";

/** Counting is ended after so long, ms. */
const COUNT_MS = 2_000;

/** Which rows are here, ways to its ends, the count when asked for, and the SQL behind it. */
export function RowsFooter(
  { view, active, onActive }: {
    readonly view: TableView;
    readonly active: CellPlace;
    readonly onActive: (place: CellPlace) => void;
  },
): VNode {
  const { rows, atStart, atEnd, first } = view.rows.value;
  const [shown, setShown] = useState(false);
  const keyed = view.identity.kind === "key";
  const go = (end: "first" | "last"): void => {
    void view.open(end).then(() => {
      const { value } = view.rows;
      const row = end === "first"
        ? value.first
        : value.first + value.rows.length - 1;
      onActive({ row, column: active.column });
    });
  };
  const here = !view.loaded.value
    ? ""
    : atStart && atEnd
    ? keyed || rows.length < 1_000
      ? rows.length === 1 ? "1 row" : `${shownCount(rows.length)} rows`
      : "The first 1,000 rows: without a key there is no next page"
    : `${shownCount(rows.length)} rows here${
      atStart
        ? ", more below"
        : atEnd
        ? ", more above"
        : ", more above and below"
    }`;
  return (
    <footer class="rows-footer">
      <span>{here}</span>
      {view.missing.value
        ? <Chip tone="warning">No row has this key</Chip>
        : null}
      {atStart && atEnd ? null : <Count key={first} view={view} />}
      <SortNote view={view} />
      <div class="end">
        {view.ms.value === null
          ? null
          : <span class="faint">{formatMs(view.ms.value)} server</span>}
        <Button compact look="plain" onClick={() => setShown(true)}>SQL</Button>
        {keyed ? <GoToKey view={view} /> : null}
        <Button compact disabled={atStart} onClick={() => go("first")}>
          First
        </Button>
        <Button compact disabled={atEnd || !keyed} onClick={() => go("last")}>
          Last
        </Button>
      </div>
      {shown
        ? (
          <Dialog
            wide
            title="The query of the first page"
            onClose={() => setShown(false)}
          >
            <Copyable text={filledIn(view.firstPage)} />
          </Dialog>
        )
        : null}
    </footer>
  );
}

function GoToKey({ view }: { readonly view: TableView }): VNode {
  const [asked, setAsked] = useState(false);
  return (
    <>
      <Button compact look="plain" onClick={() => setAsked(true)}>
        Go to key …
      </Button>
      {asked
        ? <KeyDialog look={view.look} onClose={() => setAsked(false)} />
        : null}
    </>
  );
}

/** Counting reads the whole table: only when asked for, and not for long. */
function Count({ view }: { readonly view: TableView }): VNode {
  const [state, setState] = useState<string | null>(null);
  const count = async (): Promise<void> => {
    setState("counting …");
    const { object, filters } = view.look;
    const filter = filtersSql(filters);
    const { sql, params } = joined([
      `SELECT count(*) FROM ${quotedName(object.name)}`,
      ...(filter === null ? [] : [" WHERE ", filter]),
    ]);
    try {
      const { rows } = await call("query", {
        body: { sql, params },
        signal: AbortSignal.timeout(COUNT_MS),
      });
      setState(`of ${shownCount(Number(rows[0]![0]))}`);
    } catch {
      setState("counting takes more than 2 s");
    }
  };
  return state === null
    ? (
      <Button compact look="plain" onClick={() => void count()}>
        Count all
      </Button>
    )
    : <span class="muted">{state}</span>;
}

/** Without an index for the order every page reads all rows. */
function SortNote({ view }: { readonly view: TableView }): VNode | null {
  const [sorts, setSorts] = useState(false);
  useEffect(() => {
    setSorts(false);
    if (view.look.sort === null) return;
    const stop = new AbortController();
    call("analyze", {
      body: { sql: filledIn(view.firstPage), plan: true },
      signal: stop.signal,
    }).then(({ statements }) => {
      if (stop.signal.aborted) return;
      setSorts(
        planTree(statements[0]?.plan ?? []).some(({ cost }) => cost === "sort"),
      );
    }, () => {
      // The rows are here all the same.
    });
    return () => stop.abort();
  }, [view]);
  return sorts
    ? (
      <Chip
        tone="warning"
        title="Make an index for this column, and its pages come at once."
      >
        no index for this order: reads all rows
      </Chip>
    )
    : null;
}
