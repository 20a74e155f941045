import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Button } from "./button.tsx";

/** A dialog over the page, open as long as it is rendered. Esc and its button close it. */
export function Dialog(
  { title, onClose, onSubmit, wide = false, children, actions }: {
    readonly title: string;
    readonly onClose: () => void;
    /** With it the dialog is a form. */
    readonly onSubmit?: () => void;
    readonly wide?: boolean;
    readonly children: ComponentChildren;
    readonly actions?: ComponentChildren;
  },
): VNode {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const { current } = element;
    const before = document.activeElement;
    current?.showModal();
    return () => {
      current?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const inner = (
    <>
      <div class="title">
        <h2 id={id}>{title}</h2>
        <Button look="plain" icon="x" label="Close" onClick={onClose} />
      </div>
      {children}
      {actions === undefined ? null : <div class="end">{actions}</div>}
    </>
  );
  return (
    <dialog
      ref={element}
      class={wide ? "dialog wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === element.current) onClose();
      }}
    >
      {onSubmit === undefined ? <div class="sheet">{inner}</div> : (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            onSubmit();
          }}
        >
          {inner}
        </form>
      )}
    </dialog>
  );
}
