import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { FieldIds } from "../parts/field.tsx";
import { type Affinity, valueAsWritten } from "../values/affinity.ts";
import type { ExactValue, StorageClass } from "../values/exact_value.ts";
import {
  bytesOfHex,
  hexOf,
  integerOf,
  realOf,
  realText,
} from "../values/literal.ts";

/** A text with the storage class that it is written for. */
export interface ValueDraft {
  readonly type: StorageClass;
  readonly text: string;
}

const TYPES: readonly (readonly [StorageClass, string])[] = [
  ["text", "text"],
  ["integer", "integer"],
  ["real", "real"],
  ["blob", "blob, in hex"],
  ["null", "NULL"],
];

/** The text of a value in an editor: an integer is never a JavaScript number. */
export function draftOf(value: ExactValue): ValueDraft {
  const { type } = value;
  switch (type) {
    case "null":
      return { type, text: "" };
    case "blob":
      return { type, text: hexOf(value.value) };
    case "real":
      return { type, text: realText(value.value) };
    default:
      return { type, text: `${value.value}` };
  }
}

/** What a draft means, or what is wrong with it. */
export function valueOfDraft(
  { type, text }: ValueDraft,
): { readonly value: ExactValue } | { readonly problem: string } {
  const written = text.trim();
  switch (type) {
    case "null":
      return { value: { type } };
    case "text":
      return text.includes("\0")
        ? { problem: "A text ends at its first NUL: use a blob." }
        : { value: { type, value: text } };
    case "integer": {
      const value = integerOf(written);
      return value === null
        ? { problem: "No integer of 64 bits." }
        : { value: { type, value } };
    }
    case "real": {
      const value = realOf(written);
      return value === null
        ? { problem: "No number, such as 2.5 or 1e-3." }
        : { value: { type, value } };
    }
    case "blob": {
      const value = bytesOfHex(written);
      return value === null
        ? { problem: "No bytes in hex, such as 00ff." }
        : { value: { type, value } };
    }
  }
}

/** A value in an editor: its text, and what it is stored as. */
export function ValueEditor(
  { ids, label, draft, affinity, autofocus = false, onDraft }: {
    readonly ids: FieldIds;
    readonly label: string;
    readonly draft: ValueDraft;
    readonly affinity: Affinity;
    readonly autofocus?: boolean;
    readonly onDraft: (draft: ValueDraft) => void;
  },
): VNode {
  const [chosen, setChosen] = useState(false);
  const typed = (text: string): void => {
    // Until somebody chooses, the storage class is what the column makes of the text.
    const guessed = chosen || draft.type === "blob"
      ? draft.type
      : valueAsWritten(text.trim(), affinity).type;
    onDraft({
      text,
      type: draft.type === "null" || !chosen ? guessed : draft.type,
    });
  };
  return (
    <div class="value-editor">
      <textarea
        {...ids}
        class="input"
        rows={draft.text.length > 60 || draft.text.includes("\n") ? 4 : 1}
        spellcheck={false}
        autofocus={autofocus}
        placeholder={draft.type === "null" ? "NULL" : ""}
        value={draft.text}
        onInput={(event) => typed(event.currentTarget.value)}
      />
      <select
        class="input compact"
        aria-label={`Stored type of ${label}`}
        value={draft.type}
        onChange={(event) => {
          setChosen(true);
          const type = event.currentTarget.value as StorageClass;
          onDraft({ type, text: type === "null" ? "" : draft.text });
        }}
      >
        {TYPES.map(([type, words]) => (
          <option key={type} value={type}>{words}</option>
        ))}
      </select>
    </div>
  );
}
