import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Icon } from "../parts/icon.tsx";
import { dismiss, toasts } from "../state/toasts.ts";

/** What was done, in short; read out by screen readers. */
export function Toasts(): VNode {
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.value.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`}>
          <Icon
            name={kind === "success"
              ? "circle-check"
              : kind === "danger"
              ? "triangle-alert"
              : "info"}
          />
          <span>{text}</span>
          <Button
            compact
            look="plain"
            icon="x"
            label="Dismiss"
            onClick={() =>
              dismiss(id)}
          />
        </div>
      ))}
    </div>
  );
}
