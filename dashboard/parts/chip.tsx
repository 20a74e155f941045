import type { ComponentChildren, VNode } from "preact";

/** What a chip's colour says; its words say it, too. */
export type Tone =
  | "neutral"
  | "accent"
  | "success"
  | "warning"
  | "danger"
  | "info";

/** A short word about something. */
export function Chip(
  { tone = "neutral", title, children }: {
    readonly tone?: Tone;
    readonly title?: string;
    readonly children: ComponentChildren;
  },
): VNode {
  return <span class={`chip ${tone}`} title={title}>{children}</span>;
}
