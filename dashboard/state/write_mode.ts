import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { isAdmin } from "./session.ts";

/** Write mode ends by itself after so long, ms: 15 minutes. */
export const WRITE_MODE_MS = 15 * 60_000;

const turnedOn = signal(false);
let end: ReturnType<typeof setTimeout> | undefined;

/** This tab may change things. Off when the page is loaded; only an administrator can turn it on. */
export const writeMode: ReadonlySignal<boolean> = computed(() =>
  turnedOn.value && isAdmin.value
);

/** Turns write mode on for 15 minutes, or off. */
export function setWriteMode(on: boolean): void {
  clearTimeout(end);
  turnedOn.value = on;
  if (on) end = setTimeout(() => setWriteMode(false), WRITE_MODE_MS);
}

/** Why nothing can be changed now; null: it can. */
export const whyNotWrite: ReadonlySignal<string | null> = computed(() =>
  !isAdmin.value
    ? "You are signed in to look only"
    : writeMode.value
    ? null
    : "Turn on write mode first, at the top"
);
