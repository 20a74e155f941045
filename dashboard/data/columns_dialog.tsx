import type { VNode } from "preact";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { shownText } from "../values/shown.ts";
import { hiddenColumnsOf } from "./hidden_columns.ts";
import type { TableView } from "./table_view.ts";

/** Which columns the grid shows. The row that is opened has them all. */
export function ColumnsDialog(
  { view, onClose }: {
    readonly view: TableView;
    readonly onClose: () => void;
  },
): VNode {
  const { columns } = view;
  const hidden = hiddenColumnsOf(view.look.object.name);
  const left = columns.filter((name) => !hidden.value.has(name));
  const show = (name: string, shown: boolean): void => {
    const next = new Set(hidden.value);
    if (shown) next.delete(name);
    else next.add(name);
    hidden.value = next;
  };
  return (
    <Dialog
      title="Columns"
      onClose={onClose}
      actions={
        <>
          <Button
            disabled={hidden.value.size === 0}
            onClick={() => hidden.value = new Set()}
          >
            Show all
          </Button>
          <Button look="primary" onClick={onClose}>Done</Button>
        </>
      }
    >
      <ul class="column-choice">
        {columns.map((name) => (
          <li key={name}>
            <label class="switch">
              <input
                type="checkbox"
                checked={!hidden.value.has(name)}
                disabled={left.length === 1 && left[0] === name}
                onChange={(event) => show(name, event.currentTarget.checked)}
              />
              <span class="clip">{shownText(name)}</span>
            </label>
          </li>
        ))}
      </ul>
      <p class="faint">
        Until the page is loaded again. Exports have all columns, and so has the
        row that is opened.
      </p>
    </Dialog>
  );
}
