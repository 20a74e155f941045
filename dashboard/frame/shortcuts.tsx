import type { VNode } from "preact";
import { PAGES } from "../pages.ts";
import { Dialog } from "../parts/dialog.tsx";
import { lettersOn, setLetters } from "./keys.ts";
import { shortcutsOpen } from "./open_dialogs.ts";

const OTHERS: readonly (readonly [string, readonly string[]])[] = [
  ["Search and commands", ["Ctrl", "K"]],
  ["Filter", ["/"]],
  ["Run", ["Ctrl", "Enter"]],
  ["Explain", ["Ctrl", "Shift", "Enter"]],
  ["Review changes", ["Ctrl", "S"]],
  ["This list", ["?"]],
];

/** Every shortcut, and the switch that turns single letters off. */
export function Shortcuts(): VNode {
  const rows = [
    ...OTHERS,
    ...PAGES.map(({ title, key }) => [title, ["g", key]] as const),
  ];
  return (
    <Dialog
      wide
      title="Keyboard shortcuts"
      onClose={() => shortcutsOpen.value = false}
    >
      <div class="shortcuts">
        {rows.map(([name, keys]) => (
          <div key={name}>
            <span>{name}</span>
            <span class="nowrap">
              {keys.map((key) => <kbd key={key} class="kbd">{key}</kbd>)}
            </span>
          </div>
        ))}
      </div>
      <label class="switch">
        <input
          type="checkbox"
          checked={lettersOn.value}
          onChange={(event) => setLetters(event.currentTarget.checked)}
        />
        Single letters do something
      </label>
    </Dialog>
  );
}
