import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { call, newIdempotencyKey } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Notice, Problem } from "../parts/problem.tsx";
import {
  type ChangedTable,
  type ChangeStatements,
  changeStatements,
  conflictOf,
  type RowChange,
  statementOf,
} from "../rows/changes.ts";
import { filledIn } from "../rows/filled.ts";
import { say } from "../state/toasts.ts";
import { mayHaveWritten, writeError, wrote } from "../state/written.ts";
import { shownText } from "../values/shown.ts";
import { ConflictNotice } from "./conflict_notice.tsx";
import { DeletedChildren } from "./deleted_children.tsx";
import type { StagedChanges } from "./staged.ts";
import type { TableView } from "./table_view.ts";

/** One attempt to write: asked again with the same key, it is applied once. */
interface Attempt {
  readonly key: string;
  readonly statements: ChangeStatements;
}

/** Every change as SQL, what it sets off, and the button that writes all of them or none. */
export function ReviewDialog(
  { view, staged, objects, onClose }: {
    readonly view: TableView;
    readonly staged: StagedChanges;
    readonly objects: readonly JsonSchemaObject[];
    readonly onClose: () => void;
  },
): VNode {
  const { object } = view.look;
  const { identity } = view;
  const table = {
    table: object.name,
    key: identity.kind === "key" ? identity.parts : [],
  };
  const changes = staged.changes();
  const { busy, error, conflict, unknown, apply, calm } = useApply((index) => {
    say(`${changeWords(changes.length)} written at index ${index}`);
    staged.clear();
    onClose();
    void view.refresh(index);
  });
  const failed = conflict === null ? undefined : changes[conflict];
  return (
    <Dialog
      wide
      title={`Review ${changeWords(changes.length)} of ${
        shownText(object.name)
      }`}
      onClose={onClose}
      onSubmit={() => void apply(table, changes.map(({ change }) => change))}
      actions={
        <>
          <Button onClick={onClose}>Back</Button>
          <Button
            submit
            look="primary"
            disabled={busy || changes.length === 0 || failed !== undefined}
          >
            {busy ? "Writing" : unknown ? "Check again" : "Apply"}
          </Button>
        </>
      }
    >
      <p class="muted">
        One transaction: all of it is written, or nothing. A value that somebody
        else changed meanwhile is never overwritten.
      </p>
      {failed === undefined
        ? error === null ? null : <Problem error={error} />
        : (
          <ConflictNotice
            view={view}
            staged={staged}
            name={failed.name!}
            onDone={calm}
          />
        )}
      <Effects object={object} changes={changes.map(({ change }) => change)} />
      <Changes
        view={view}
        objects={objects}
        staged={staged}
        conflict={conflict}
      />
    </Dialog>
  );
}

function Changes(
  { view, objects, staged, conflict }: {
    readonly view: TableView;
    readonly objects: readonly JsonSchemaObject[];
    readonly staged: StagedChanges;
    readonly conflict: number | null;
  },
): VNode {
  return (
    <ol class="changes">
      {staged.changes().map(({ name, change }, at) => (
        <li key={at} class={at === conflict ? "conflict" : undefined}>
          <Change
            view={view}
            objects={objects}
            change={change}
            onDrop={() =>
              staged.drop(
                name === null
                  ? { insert: at - staged.state.value.rows.size }
                  : { name },
              )}
          />
        </li>
      ))}
    </ol>
  );
}

function changeWords(count: number): string {
  return count === 1 ? "1 change" : `${count} changes`;
}

/** Writes all changes, or none; says which one came too late. */
function useApply(onWritten: (index: number) => void) {
  const attempt = useRef<Attempt | null>(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [conflict, setConflict] = useState<number | null>(null);
  const unknown = mayHaveWritten(error);
  const apply = async (
    table: ChangedTable,
    changes: readonly RowChange[],
  ): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setConflict(null);
    // What is not known to have ended is the same attempt; anything else a new one.
    const isAgain = unknown && attempt.current !== null;
    const now = isAgain ? attempt.current! : {
      key: newIdempotencyKey(),
      statements: changeStatements(table, changes),
    };
    attempt.current = now;
    try {
      const { index } = await call("write", {
        body: { statements: now.statements.statements },
        idempotencyKey: now.key,
      });
      wrote(index);
      onWritten(index);
    } catch (problem) {
      const message = problem instanceof Error ? problem.message : "";
      setConflict(conflictOf(now.statements, { message }));
      setError(writeError(problem, isAgain));
      setBusy(false);
    }
  };
  const calm = (): void => {
    setConflict(null);
    setError(null);
  };
  return { busy, error, conflict, unknown, apply, calm };
}

/** A change as SQL, and what becomes of the rows that refer to a deleted one. */
function Change(
  { view, objects, change, onDrop }: {
    readonly view: TableView;
    readonly objects: readonly JsonSchemaObject[];
    readonly change: RowChange;
    readonly onDrop: () => void;
  },
): VNode {
  const { identity, look } = view;
  const key = identity.kind === "key" ? identity.parts : [];
  return (
    <>
      <pre class="code">
        {filledIn(statementOf({ table: look.object.name, key }, change))}
      </pre>
      {change.kind === "delete"
        ? (
          <DeletedChildren
            object={look.object}
            objects={objects}
            change={change}
            keyNames={key.map((part) => part.name)}
          />
        )
        : null}
      <Button
        compact
        look="plain"
        icon="undo-2"
        label="Take this change back"
        onClick={onDrop}
      />
    </>
  );
}

/** Triggers that these changes set off. */
function Effects(
  { object, changes }: {
    readonly object: JsonSchemaObject;
    readonly changes: readonly RowChange[];
  },
): VNode | null {
  const verbs = [...new Set(changes.map(({ kind }) => kind.toUpperCase()))];
  const triggers = object.triggers.filter(({ sql }) =>
    verbs.some((verb) => new RegExp(`\\b${verb}\\b`, "i").test(sql))
  );
  if (triggers.length === 0) return null;
  return (
    <Notice tone="info" title="Triggers run with these changes">
      <p>{triggers.map(({ name }) => shownText(name)).join(", ")}</p>
    </Notice>
  );
}
