import { type ReadonlySignal, signal } from "@preact/signals";
import { readStored, writeStored } from "./stored.ts";

/** Which colours: the system's, or always the same. */
export type Theme = "system" | "light" | "dark";

const KEY = "hiqlite.theme";
const chosen = signal<Theme>(known(readStored(KEY)));
const dark = signal(isDark());

/** What was chosen. */
export const theme: ReadonlySignal<Theme> = chosen;

/** Whether colours are dark now: who draws on a canvas draws again when this changes. */
export const darkNow: ReadonlySignal<boolean> = dark;

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  dark.value = isDark();
});

/** Chooses the colours, for this device. */
export function chooseTheme(next: Theme): void {
  chosen.value = next;
  if (next === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = next;
  writeStored(KEY, next);
  dark.value = isDark();
}

function isDark(): boolean {
  const { value } = chosen;
  return value === "dark" ||
    (value === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}

function known(text: string | null): Theme {
  return text === "light" || text === "dark" ? text : "system";
}
