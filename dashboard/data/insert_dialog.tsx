import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type {
  JsonSchemaColumn,
  JsonSchemaObject,
} from "../../src/api/dashboard/schema.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { affinityOf } from "../values/affinity.ts";
import type { ExactValue } from "../values/exact_value.ts";
import { shownText } from "../values/shown.ts";
import type { StagedChanges } from "./staged.ts";
import { type ValueDraft, ValueEditor, valueOfDraft } from "./value_editor.tsx";

/** The values of a row that shall be inserted. What is left as it is gets its default. */
export function InsertDialog(
  { object, staged, onClose }: {
    readonly object: JsonSchemaObject;
    readonly staged: StagedChanges;
    readonly onClose: () => void;
  },
): VNode {
  const [drafts, setDrafts] = useState<ReadonlyMap<string, ValueDraft>>(
    new Map(),
  );
  const columns = object.columns.filter(({ generated, hidden }) =>
    generated === "no" && !hidden
  );
  const problems = [...drafts.values()].filter((draft) =>
    "problem" in valueOfDraft(draft)
  );
  const set = (name: string, draft: ValueDraft | null): void => {
    const next = new Map(drafts);
    if (draft === null) next.delete(name);
    else next.set(name, draft);
    setDrafts(next);
  };
  const add = (): void => {
    if (problems.length > 0) return;
    const values = new Map<string, ExactValue>();
    for (const [name, draft] of drafts) {
      const reading = valueOfDraft(draft);
      if ("value" in reading) values.set(name, reading.value);
    }
    staged.insert(values);
    onClose();
  };
  return (
    <Dialog
      wide
      title={`Insert a row into ${shownText(object.name)}`}
      onClose={onClose}
      onSubmit={add}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button submit look="primary" disabled={problems.length > 0}>
            Add to the changes
          </Button>
        </>
      }
    >
      <p class="muted">
        Nothing is written yet: the row is reviewed with your other changes.
      </p>
      {columns.map((column, at) => (
        <InsertField
          key={column.name}
          column={column}
          draft={drafts.get(column.name) ?? null}
          autofocus={at === 0}
          onDraft={(draft) => set(column.name, draft)}
        />
      ))}
    </Dialog>
  );
}

function InsertField(
  { column, draft, autofocus, onDraft }: {
    readonly column: JsonSchemaColumn;
    readonly draft: ValueDraft | null;
    readonly autofocus: boolean;
    readonly onDraft: (draft: ValueDraft | null) => void;
  },
): VNode {
  const name = shownText(column.name);
  const reading = draft === null ? null : valueOfDraft(draft);
  return (
    <Field
      label={
        <>
          {name} <span class="faint">{column.type}</span>
        </>
      }
      hint={draft === null
        ? defaultWords(column)
        : (
          <button type="button" class="link" onClick={() => onDraft(null)}>
            Use the default instead
          </button>
        )}
      error={reading !== null && "problem" in reading ? reading.problem : null}
    >
      {(ids) => (
        <ValueEditor
          ids={ids}
          label={name}
          draft={draft ?? { type: "null", text: "" }}
          affinity={affinityOf(column.type)}
          autofocus={autofocus}
          onDraft={onDraft}
        />
      )}
    </Field>
  );
}

function defaultWords(column: JsonSchemaColumn): string {
  if (column.default !== null) return `Default: ${column.default}`;
  if (column.key > 0 && column.type.toUpperCase() === "INTEGER") {
    return "Default: the next free number";
  }
  return column.not_null ? "Wanted: it has no default" : "Default: NULL";
}
