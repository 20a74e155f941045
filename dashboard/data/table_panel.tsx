import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import type { CellPlace } from "../grid/grid.tsx";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { Notice, Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { newestWrite } from "../state/written.ts";
import { writeMode } from "../state/write_mode.ts";
import { shownText } from "../values/shown.ts";
import { ColumnsDialog } from "./columns_dialog.tsx";
import { ExportDialog } from "./export_dialog.tsx";
import { hiddenColumnsOf } from "./hidden_columns.ts";
import { FilterBar } from "./filter_bar.tsx";
import { ImportDialog } from "./import_dialog.tsx";
import { InsertDialog } from "./insert_dialog.tsx";
import { Inspector } from "./inspector.tsx";
import { keyOf, type LinkedLook, lookOf } from "./look.ts";
import { ReviewDialog } from "./review_dialog.tsx";
import { RowsGrid } from "./rows_grid.tsx";
import { RowsFooter } from "./rows_footer.tsx";
import { type StagedChanges, stagedChangesOf } from "./staged.ts";
import { TableView } from "./table_view.ts";

type OpenDialog = "insert" | "review" | "export" | "import" | "columns" | null;

/** One table or view: what it is, its rows, the row that is inspected, and what is not written yet. */
export function TablePanel(
  { object, objects, onList }: {
    readonly object: JsonSchemaObject;
    readonly objects: readonly JsonSchemaObject[];
    readonly onList: () => void;
  },
): VNode {
  const search = route.value.query.toString();
  const look = useMemo(() => lookOf(route.value, object), [search, object]);
  const view = useMemo(
    () =>
      new TableView(
        { object, ...look, key: keyOf(route.value, object) },
        newestWrite.value,
      ),
    [look],
  );
  const staged = stagedChangesOf(object.name);
  const [active, setActive] = useState<CellPlace>({ row: 0, column: 0 });
  const [dialog, setDialog] = useState<OpenDialog>(null);
  useEffect(() => {
    setActive({ row: 0, column: active.column });
    void view.start();
    return () => view.stop();
  }, [view]);
  useReviewKey(() => staged.count > 0 && setDialog("review"));
  return (
    <>
      <PanelHeading
        object={object}
        view={view}
        onList={onList}
        onDialog={setDialog}
      />
      <FilterBar key={search} object={object} look={look} />
      <PanelRows
        view={view}
        look={look}
        objects={objects}
        staged={staged}
        active={active}
        onActive={setActive}
        onInsert={() => setDialog("insert")}
      />
      <RowsFooter view={view} onActive={setActive} active={active} />
      <StagedBar staged={staged} onReview={() => setDialog("review")} />
      <PanelDialog
        dialog={dialog}
        view={view}
        staged={staged}
        objects={objects}
        onClose={() => setDialog(null)}
      />
    </>
  );
}

/** The rows in their grid, beside them the one that is inspected. */
function PanelRows(
  { view, look, objects, staged, active, onActive, onInsert }: {
    readonly view: TableView;
    readonly look: LinkedLook;
    readonly objects: readonly JsonSchemaObject[];
    readonly staged: StagedChanges;
    readonly active: CellPlace;
    readonly onActive: (place: CellPlace) => void;
    readonly onInsert: () => void;
  },
): VNode {
  const [inspected, setInspected] = useState(false);
  const { rows, first } = view.rows.value;
  const row = rows[active.row - first];
  const { value: error } = view.error;
  return (
    <>
      {error === null ? null : (
        <Problem
          error={error}
          actions={
            <Button onClick={() => void view.refresh()}>Try again</Button>
          }
        />
      )}
      <div class={inspected ? "rows inspected" : "rows"}>
        <div class="rows-body card">
          {view.loaded.value
            ? (
              <RowsGrid
                view={view}
                look={look}
                staged={staged}
                active={active}
                onActive={onActive}
                onOpen={() => setInspected(true)}
                onInsert={onInsert}
              />
            )
            : error !== null
            ? null
            : (
              <div class="inside">
                <Skeleton lines={9} />
              </div>
            )}
        </div>
        {inspected && row !== undefined
          ? (
            <Inspector
              key={`${view.look.object.name} ${active.row}`}
              row={row}
              view={view}
              objects={objects}
              staged={staged}
              column={active.column}
              onClose={() => setInspected(false)}
            />
          )
          : null}
      </div>
    </>
  );
}

function PanelDialog(
  { dialog, view, staged, objects, onClose }: {
    readonly dialog: OpenDialog;
    readonly view: TableView;
    readonly staged: StagedChanges;
    readonly objects: readonly JsonSchemaObject[];
    readonly onClose: () => void;
  },
): VNode | null {
  const { object } = view.look;
  switch (dialog) {
    case "insert":
      return <InsertDialog object={object} staged={staged} onClose={onClose} />;
    case "review":
      return (
        <ReviewDialog
          view={view}
          staged={staged}
          objects={objects}
          onClose={onClose}
        />
      );
    case "export":
      return <ExportDialog view={view} onClose={onClose} />;
    case "columns":
      return <ColumnsDialog view={view} onClose={onClose} />;
    case "import":
      return (
        <ImportDialog
          object={object}
          onClose={() => {
            onClose();
            void view.refresh(newestWrite.value);
          }}
        />
      );
    case null:
      return null;
  }
}

function PanelHeading(
  { object, view, onList, onDialog }: {
    readonly object: JsonSchemaObject;
    readonly view: TableView;
    readonly onList: () => void;
    readonly onDialog: (dialog: OpenDialog) => void;
  },
): VNode {
  const { identity } = view;
  return (
    <>
      <div class="heading">
        <Button
          class="list-toggle"
          compact
          icon="list-tree"
          label="Show the list of tables"
          onClick={onList}
        />
        <h1 tabIndex={-1} class="clip" title={shownText(object.name)}>
          {shownText(object.name)}
        </h1>
        {object.kind === "table" ? null : <Chip>{object.kind}</Chip>}
        {object.strict ? <Chip>strict</Chip> : null}
        {identity.kind === "none" ? <Chip tone="info">read only</Chip> : null}
        <PanelActions view={view} onDialog={onDialog} />
      </div>
      {identity.kind === "none"
        ? (
          <p class="muted note">
            Read only: {identity.reason}
          </p>
        )
        : null}
      {object.columns.length > view.columns.length
        ? (
          <Notice tone="info" title="Not all columns are shown">
            <p>The first {view.columns.length} of {object.columns.length}.</p>
          </Notice>
        )
        : null}
    </>
  );
}

function PanelActions(
  { view, onDialog }: {
    readonly view: TableView;
    readonly onDialog: (dialog: OpenDialog) => void;
  },
): VNode {
  const { identity, look } = view;
  const hidden = hiddenColumnsOf(look.object.name).value.size;
  const refused = identity.kind === "none"
    ? identity.reason
    : writeMode.value
    ? null
    : "Turn on write mode to change data";
  return (
    <div class="end">
      <a class="button compact plain" href={href("schema", [look.object.name])}>
        Schema
      </a>
      <Button
        compact
        icon="refresh-cw"
        label="Load again"
        onClick={() => void view.refresh(newestWrite.value)}
      />
      <Button
        compact
        icon="columns-3"
        label={hidden === 0 ? "Columns" : `Columns: ${hidden} hidden`}
        onClick={() => onDialog("columns")}
      >
        {hidden === 0 ? undefined : `${hidden} hidden`}
      </Button>
      <Button compact icon="download" onClick={() => onDialog("export")}>
        Export
      </Button>
      <Button
        compact
        icon="upload"
        refused={refused}
        onClick={() => onDialog("import")}
      >
        Import
      </Button>
      <Button
        compact
        icon="plus"
        look="primary"
        refused={refused}
        onClick={() => onDialog("insert")}
      >
        Insert row
      </Button>
    </div>
  );
}

function StagedBar(
  { staged, onReview }: {
    readonly staged: StagedChanges;
    readonly onReview: () => void;
  },
): VNode | null {
  // Read so that the bar is drawn again when something is staged.
  const { rows, inserts } = staged.state.value;
  const count = rows.size + inserts.length;
  if (count === 0) return null;
  const words = count === 1 ? "1 change" : `${count} changes`;
  return (
    <div class="staged" role="region" aria-label="Changes that are not written">
      <span>
        <strong>{words}</strong> not written yet
      </span>
      <div class="actions">
        <Button
          compact
          icon="undo-2"
          onClick={() =>
            staged.clear()}
        >
          Discard
        </Button>
        <Button compact look="primary" onClick={onReview}>
          Review {words}
        </Button>
      </div>
    </div>
  );
}

function useReviewKey(review: () => void): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.key !== "s") return;
      event.preventDefault();
      if (document.querySelector("dialog[open]") === null) review();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  });
}
