import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { Button } from "./button.tsx";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { Problem } from "./problem.tsx";

/** Asks before something is done, and says what follows from it. */
export function Confirm(
  { title, verb, danger = false, typed, children, act, onClose }: {
    readonly title: string;
    /** On the button. */
    readonly verb: string;
    readonly danger?: boolean;
    /** Has to be typed first. */
    readonly typed?: { readonly what: string; readonly text: string };
    readonly children: ComponentChildren;
    /** Does it; what it throws is shown, and the dialog stays. */
    readonly act: () => Promise<void>;
    readonly onClose: () => void;
  },
): VNode {
  const [text, setText] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const waits = typed !== undefined && text.trim() !== typed.text;
  const run = async (): Promise<void> => {
    if (waits || busy) return;
    setBusy(true);
    setError(null);
    try {
      await act();
      onClose();
    } catch (problem) {
      setError(problem);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      onSubmit={() => void run()}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            submit
            look={danger ? "danger" : "primary"}
            disabled={waits || busy}
          >
            {busy ? "Working" : verb}
          </Button>
        </>
      }
    >
      {children}
      {typed === undefined
        ? null
        : (
          <Field label={`Type ${typed.what} to confirm: ${typed.text}`}>
            {(ids) => (
              <input
                {...ids}
                class="input mono"
                autofocus
                autocomplete="off"
                spellcheck={false}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
      {error === null ? null : <Problem error={error} />}
    </Dialog>
  );
}
