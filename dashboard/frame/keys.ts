import { signal } from "@preact/signals";
import { PAGES } from "../pages.ts";
import { go } from "../router.ts";
import { readStored, writeStored } from "../state/stored.ts";
import { paletteOpen, shortcutsOpen } from "./open_dialogs.ts";

const KEY = "hiqlite.letters";
/** `g` waits for its second letter so long, ms. */
const SECOND_MS = 1500;

/** Single letters do something. Who dictates, or types with one hand, turns them off (WCAG 2.1.4). */
export const lettersOn = signal(readStored(KEY) !== "off");

/** Turns single letters on or off, for this device. */
export function setLetters(on: boolean): void {
  lettersOn.value = on;
  writeStored(KEY, on ? "on" : "off");
}

/** Listens to the keys of every page; answers how to stop. */
export function listenToKeys(): () => void {
  let gAt = -Infinity;
  const pressed = (event: KeyboardEvent): void => {
    const { key } = event;
    // With Shift it deletes a line of the editor.
    if (
      (event.ctrlKey || event.metaKey) && !event.shiftKey &&
      key.toLowerCase() === "k"
    ) {
      event.preventDefault();
      paletteOpen.value = !paletteOpen.value;
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!lettersOn.value || typing(event)) return;
    if (document.querySelector("dialog[open]") !== null) return;
    if (performance.now() - gAt < SECOND_MS) {
      gAt = -Infinity;
      const page = PAGES.find((each) => each.key === key);
      if (page === undefined) return;
      event.preventDefault();
      go(page.name);
    } else if (key === "g") {
      gAt = performance.now();
    } else if (key === "?") {
      shortcutsOpen.value = true;
    } else if (key === "/") {
      const filter = document.querySelector<HTMLElement>("[data-filter]");
      if (filter === null) return;
      event.preventDefault();
      filter.focus();
    }
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}

/** Whether the key is text for something, also inside a shadow root. */
function typing(event: KeyboardEvent): boolean {
  const [inner] = event.composedPath();
  return inner instanceof HTMLElement &&
    (inner.isContentEditable ||
      inner.matches("input, textarea, select, [role=gridcell]"));
}
