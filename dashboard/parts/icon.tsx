import type { VNode } from "preact";
import type { IconName } from "../icons.ts";

/** An icon beside words; it says nothing by itself. */
export function Icon({ name }: { readonly name: IconName }): VNode {
  return (
    <svg class="icon" aria-hidden="true" focusable="false">
      <use href={`#i-${name}`} />
    </svg>
  );
}

/** The mark of the product: three members of which one leads. */
export function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" />
      <path d="M16 9.5 9.6 20.4h12.8z" />
      <circle cx="16" cy="9" r="4" />
      <circle cx="9" cy="21" r="3.4" />
      <circle cx="23" cy="21" r="3.4" />
    </svg>
  );
}
