import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";

/** What a field's input has to carry. */
export interface FieldIds {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": "true" | undefined;
}

/** A label, an input, a hint, and what is wrong with it. */
export function Field(
  { label, hint, error, children }: {
    readonly label: ComponentChildren;
    readonly hint?: ComponentChildren;
    /** In words; null: nothing is. */
    readonly error?: ComponentChildren;
    readonly children: (ids: FieldIds) => VNode;
  },
): VNode {
  const id = useId();
  const wrong = error !== undefined && error !== null;
  const about = wrong || hint !== undefined ? `${id}-about` : undefined;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({
        id,
        "aria-describedby": about,
        "aria-invalid": wrong ? "true" : undefined,
      })}
      {wrong
        ? <div id={about} class="error" role="alert">{error}</div>
        : hint === undefined
        ? null
        : <div id={about} class="hint">{hint}</div>}
    </div>
  );
}
