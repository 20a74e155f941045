import { type ReadonlySignal, signal } from "@preact/signals";

/** Short words about what somebody did. */
export interface Toast {
  readonly id: number;
  readonly kind: "success" | "danger" | "info";
  readonly text: string;
}

/** How long they stay, ms: long enough to be read twice. */
const SHOWN_MS = 6000;

const shown = signal<readonly Toast[]>([]);
let last = 0;

/** What is shown now, the oldest first. */
export const toasts: ReadonlySignal<readonly Toast[]> = shown;

/** Says it: on the page, and to who listens instead of looking. */
export function say(text: string, kind: Toast["kind"] = "success"): void {
  const id = ++last;
  shown.value = [...shown.value.slice(-2), { id, kind, text }];
  setTimeout(() => dismiss(id), SHOWN_MS);
}

/** Takes it away. */
export function dismiss(id: number): void {
  shown.value = shown.value.filter((toast) => toast.id !== id);
}
