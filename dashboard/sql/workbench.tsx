import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { quotedName } from "../../src/state/sqlite/statement/text.ts";
import { Button } from "../parts/button.tsx";
import { Problem } from "../parts/problem.tsx";
import { readStored, writeStored } from "../state/stored.ts";
import { useSchema } from "../state/schema.ts";
import { writeMode } from "../state/write_mode.ts";
import { statementToRun } from "../statements/at_cursor.ts";
import { EditorPlace } from "./editor_place.tsx";
import type { EditorHandle, EditorSettings } from "./editor_types.ts";
import { ConfirmWrite, HeldWrite, nameToType } from "./held_write.tsx";
import { NameTree } from "./name_tree.tsx";
import type { Past } from "./past.ts";
import { type Pane, Panes } from "./panes.tsx";
import { RunBar } from "./run_bar.tsx";
import type { ReadOptions, Runner } from "./runner.ts";
import { ScriptDialog } from "./script_dialog.tsx";
import { TabBar } from "./tab_bar.tsx";
import type { TabStore } from "./tabs.ts";

const LIMIT_MAX = 5_000;

/** The names of the schema, the editor with its texts, and what came of them. */
export function Workbench(
  { store, past, runner }: {
    readonly store: TabStore;
    readonly past: Past;
    readonly runner: Runner;
  },
): VNode {
  const { objects } = useSchema();
  const names = useMemo(() => completionsOf(objects ?? []), [objects]);
  const editor = useRef<EditorHandle | null>(null);
  const [pane, setPane] = useState<Pane>("rows");
  const [file, setFile] = useState(false);
  const { toRun, options, setOptions, run, explain, onSelection } = useRuns(
    store,
    runner,
    setPane,
  );
  useEditor(editor, store, names, runner);
  const settings = {
    text: store.current.text,
    schema: names,
    onText: (text: string) => store.write(store.current.id, text),
    onSelection,
    onRun: () => run(),
    onExplain: explain,
  };
  return (
    <div class="page full split sql">
      <aside class="side">
        <NameTree
          objects={objects}
          onName={(name) => editor.current?.insert(quotedName(name))}
        />
      </aside>
      <section class="body" aria-label="SQL editor">
        <h1 class="visually-hidden" tabIndex={-1}>SQL</h1>
        <TabBar store={store} onFile={() => setFile(true)} />
        <SizedEditor
          settings={settings}
          onHandle={(handle) => {
            editor.current = handle;
            handle.focus();
          }}
        />
        <RunBar
          runner={runner}
          toRun={toRun}
          options={options}
          onOptions={setOptions}
          onRun={() => run()}
          onExplain={explain}
        />
        <Held runner={runner} onDone={() => setPane("rows")} />
        <Failure runner={runner} />
        <Panes
          runner={runner}
          past={past}
          pane={pane}
          onPane={setPane}
          onMore={options.limit >= LIMIT_MAX ? null : () => {
            setOptions({ ...options, limit: LIMIT_MAX });
            run({ limit: LIMIT_MAX });
          }}
          onText={(sql) => store.add(sql)}
        />
        {file ? <ScriptDialog onClose={() => setFile(false)} /> : null}
      </section>
    </div>
  );
}

/** What would be run now, how, and running it. */
function useRuns(
  store: TabStore,
  runner: Runner,
  onPane: (pane: Pane) => void,
) {
  const [selection, onSelection] = useState({ from: 0, to: 0 });
  const [options, setOptions] = useState<ReadOptions>({
    consistency: "local",
    limit: 1_000,
  });
  const { text } = store.current;
  const toRun = useMemo(
    () => statementToRun(text, selection),
    [text, selection],
  );
  const run = (changed: Partial<ReadOptions> = {}): void => {
    if (toRun === null) return;
    onPane("rows");
    void runner.run(toRun, { ...options, ...changed });
  };
  const explain = (): void => {
    if (toRun === null) return;
    onPane("plan");
    void runner.explain(toRun);
  };
  return { toRun, options, setOptions, run, explain, onSelection };
}

/** What the editor shows follows the texts, the schema and the runs. */
function useEditor(
  editor: { readonly current: EditorHandle | null },
  store: TabStore,
  names: EditorSettings["schema"],
  runner: Runner,
): void {
  const { error, errorAt } = runner.state.value;
  const { id, text } = store.current;
  // As it is now: since this was drawn, more may have been typed.
  useEffect(() => editor.current?.setText(store.current.text), [id, text]);
  useEffect(() => editor.current?.setSchema(names), [names]);
  useEffect(() => editor.current?.showError(errorAt), [errorAt, error]);
}

/** What went wrong; where it is not known what happened, the same attempt once more. */
function Failure({ runner }: { readonly runner: Runner }): VNode | null {
  const { error, unknown } = runner.state.value;
  if (error === null) return null;
  return (
    <Problem
      error={error}
      actions={unknown === null ? undefined : (
        <Button
          look="primary"
          onClick={() => void runner.write(unknown.run, unknown)}
        >
          Check again
        </Button>
      )}
    />
  );
}

/** A write that waits: for write mode, or for a name. Any other one goes on by itself. */
function Held(
  { runner, onDone }: { readonly runner: Runner; readonly onDone: () => void },
): VNode | null {
  const { held } = runner.state.value;
  const name = held === null ? null : nameToType(held.statements);
  const allowed = writeMode.value;
  const goesOn = held !== null && allowed && name === null;
  useEffect(() => {
    if (goesOn) void runner.write(held.run).then(onDone);
  }, [held, goesOn]);
  if (held === null || goesOn) return null;
  if (!allowed) {
    return (
      <HeldWrite
        statements={held.statements}
        onRun={() => {
          // With write mode on, the effect above goes on, or the dialog below asks.
        }}
        onClose={() => runner.letGo()}
      />
    );
  }
  return (
    <ConfirmWrite
      statements={held.statements}
      name={name!}
      act={async () => await runner.write(held.run)}
      onClose={() => runner.letGo()}
    />
  );
}

const HEIGHT = "hiqlite.editor";

/** The editor with an edge that is drawn, or moved by the arrows. */
function SizedEditor(
  props: Parameters<typeof EditorPlace>[0],
): VNode {
  const [height, setHeight] = useState(Number(readStored(HEIGHT)) || 220);
  const from = useRef<{ readonly y: number; readonly height: number } | null>(
    null,
  );
  const set = (next: number): void => {
    const bounded = Math.round(Math.min(700, Math.max(96, next)));
    setHeight(bounded);
    writeStored(HEIGHT, `${bounded}`);
  };
  return (
    <div class="sized card" style={{ blockSize: `${height}px` }}>
      <EditorPlace {...props} />
      <div
        class="edge"
        role="separator"
        aria-orientation="horizontal"
        aria-label="Height of the editor"
        aria-valuenow={height}
        aria-valuemin={96}
        aria-valuemax={700}
        tabIndex={0}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = { y: event.clientY, height };
        }}
        onPointerMove={(event) => {
          if (from.current === null) return;
          set(from.current.height + event.clientY - from.current.y);
        }}
        onPointerUp={() => from.current = null}
        onKeyDown={(event) => {
          if (event.key === "ArrowUp") set(height - 24);
          if (event.key === "ArrowDown") set(height + 24);
        }}
      />
    </div>
  );
}

/** Tables and views with their columns. A name that must be quoted is offered quoted by the editor. */
function completionsOf(
  objects: readonly JsonSchemaObject[],
): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const { name, columns, kind, internal } of objects) {
    if (kind === "shadow" || internal) continue;
    // A point would make it a schema with a table.
    names[name.replaceAll(".", "\\.")] = columns.map((column) => column.name);
  }
  return names;
}
