import type { ComponentChildren, VNode } from "preact";
import { ApiError } from "../api.ts";
import { explain } from "../words.ts";
import { CopyButton } from "./copy_button.tsx";
import { Icon } from "./icon.tsx";

/** What went wrong, what it means, what to do, and the code of it to copy. */
export function Problem(
  { error, actions }: {
    readonly error: unknown;
    readonly actions?: ComponentChildren;
  },
): VNode {
  const code = error instanceof ApiError ? error.code : "internal";
  const message = error instanceof Error ? error.message : String(error);
  const { title, advice } = explain(code);
  return (
    <Notice tone="danger" title={title} actions={actions}>
      <p class="break">{message}</p>
      <p class="muted">{advice}</p>
      <p class="faint code-line">
        <code>{code}</code>
        <CopyButton
          text={`${code}: ${message}`}
          label="Copy the error"
        />
      </p>
    </Notice>
  );
}

/** Something that has to be read where it stands. */
export function Notice(
  { tone, title, children, actions }: {
    readonly tone: "danger" | "warning" | "info";
    readonly title: string;
    readonly children?: ComponentChildren;
    readonly actions?: ComponentChildren;
  },
): VNode {
  return (
    <div class={`problem ${tone}`} role={tone === "danger" ? "alert" : "note"}>
      <Icon name={tone === "info" ? "info" : "triangle-alert"} />
      <div>
        <strong>{title}</strong>
        {children}
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </div>
    </div>
  );
}
