import type { ComponentChildren, VNode } from "preact";

/** One of a few. */
export interface Segment<Value extends string> {
  readonly value: Value;
  readonly label: ComponentChildren;
  /** Words, if the label has none. */
  readonly title?: string;
}

/** Buttons side by side of which one is pressed. */
export function Segments<Value extends string>(
  { label, options, value, onChange }: {
    readonly label: string;
    readonly options: readonly Segment<Value>[];
    readonly value: Value;
    readonly onChange: (value: Value) => void;
  },
): VNode {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          aria-pressed={option.value === value}
          aria-label={option.title}
          title={option.title}
          onClick={() => onChange(option.value)}
        >
          {option.label}
        </button>
      ))}
    </div>
  );
}
