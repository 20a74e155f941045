import { signal } from "@preact/signals";

/** Whether the palette is open. */
export const paletteOpen = signal(false);

/** Whether the list of shortcuts is open. */
export const shortcutsOpen = signal(false);
