import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Field } from "../parts/field.tsx";
import { typedValue } from "../rows/filter.ts";
import { shownText } from "../values/shown.ts";
import { goToRow, keyColumns } from "./look.ts";
import type { TableLook } from "./table_view.ts";

/** Asks for the key of a row, and looks at the rows from there on. */
export function KeyDialog(
  { look, onClose }: {
    readonly look: TableLook;
    readonly onClose: () => void;
  },
): VNode {
  const { object } = look;
  const columns = keyColumns(object);
  const [texts, setTexts] = useState<readonly string[]>(
    columns.map(() => ""),
  );
  const missing = texts.some((text) => text.trim() === "");
  return (
    <Dialog
      title={`Go to a row of ${shownText(object.name)}`}
      onClose={onClose}
      onSubmit={() => {
        if (missing) return;
        onClose();
        goToRow(
          object.name,
          look,
          columns.map(({ affinity }, at) =>
            typedValue(texts[at]!.trim(), affinity)
          ),
        );
      }}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button submit look="primary" disabled={missing}>Go there</Button>
        </>
      }
    >
      {columns.map(({ name }, at) => (
        <Field key={name} label={shownText(name)}>
          {(ids) => (
            <input
              {...ids}
              class="input mono"
              autofocus={at === 0}
              autocomplete="off"
              spellcheck={false}
              value={texts[at]}
              onInput={(event) => {
                const { value } = event.currentTarget;
                setTexts(texts.map((text, part) => part === at ? value : text));
              }}
            />
          )}
        </Field>
      ))}
      <p class="faint">
        'text' and x'00' are taken as they are. Where no row has this key, the
        next one is shown.
      </p>
    </Dialog>
  );
}
