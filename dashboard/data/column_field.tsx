import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JsonSchemaColumn } from "../../src/api/dashboard/schema.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { Field } from "../parts/field.tsx";
import type { Cell } from "../rows/row.ts";
import { affinityOf } from "../values/affinity.ts";
import { type ExactValue, sameValue } from "../values/exact_value.ts";
import { shownBytes, shownText } from "../values/shown.ts";
import { FullValue } from "./full_value.tsx";
import type { StagedValue } from "./staged.ts";
import {
  draftOf,
  type ValueDraft,
  ValueEditor,
  valueOfDraft,
} from "./value_editor.tsx";

/** Bytes of a value that can be edited by hand. */
const EDITED_MAX = 100_000;

/** A column of a row: its value, or its editor. */
export function ColumnField(
  { cell, column, editable, staged, onValue }: {
    readonly cell: Cell;
    readonly column: JsonSchemaColumn;
    readonly editable: boolean;
    readonly staged: StagedValue | null;
    readonly onValue: (value: ExactValue) => void;
  },
): VNode {
  const name = shownText(column.name);
  const small = cell.bytes <= EDITED_MAX;
  return (
    <>
      <div class="column-name">
        <strong class="clip" title={name}>{name}</strong>
        <span class="faint">
          {column.type === "" ? "no type" : column.type}
        </span>
        {column.key > 0 ? <Chip>key</Chip> : null}
        {column.generated === "no" ? null : <Chip>generated</Chip>}
        {staged === null ? null : <Chip tone="warning">changed</Chip>}
        <span class="faint stored">{cell.value.type}</span>
      </div>
      {!cell.whole
        ? (
          <p class="faint">
            {shownBytes(cell.bytes)}, not whole: a text with a NUL or broken
            UTF-8 can be looked at as a blob on the SQL page.
          </p>
        )
        : null}
      {editable && cell.whole && small
        ? (
          <ColumnEditor
            name={name}
            column={column}
            seen={cell.value}
            staged={staged}
            onValue={onValue}
          />
        )
        : <FullValue value={staged?.value ?? cell.value} name={column.name} />}
    </>
  );
}

function ColumnEditor(
  { name, column, seen, staged, onValue }: {
    readonly name: string;
    readonly column: JsonSchemaColumn;
    readonly seen: ExactValue;
    readonly staged: StagedValue | null;
    readonly onValue: (value: ExactValue) => void;
  },
): VNode {
  const [draft, setDraft] = useState<ValueDraft>(
    draftOf(staged?.value ?? seen),
  );
  const reading = valueOfDraft(draft);
  const changed = staged !== null && !sameValue(staged.value, seen);
  const take = (next: ValueDraft): void => {
    setDraft(next);
    const read = valueOfDraft(next);
    if ("value" in read) onValue(read.value);
  };
  return (
    <div class="edit">
      <Field
        label={<span class="visually-hidden">{name}</span>}
        error={"problem" in reading ? reading.problem : null}
      >
        {(ids) => (
          <ValueEditor
            ids={ids}
            label={name}
            draft={draft}
            affinity={affinityOf(column.type)}
            onDraft={take}
          />
        )}
      </Field>
      {changed
        ? (
          <Button
            compact
            look="plain"
            icon="undo-2"
            label={`Take back the change of ${name}`}
            onClick={() => take(draftOf(seen))}
          />
        )
        : null}
    </div>
  );
}
