import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EditorHandle, EditorSettings } from "./editor_types.ts";

/** An editor of SQL: a plain field until the other one has been loaded, and if it cannot be. */
export function EditorPlace(
  { settings, onHandle }: {
    readonly settings: EditorSettings;
    /** Called when the editor is there. */
    readonly onHandle: (handle: EditorHandle) => void;
  },
): VNode {
  const host = useRef<HTMLDivElement>(null);
  const newest = useRef(settings);
  newest.current = settings;
  const [loaded, setLoaded] = useState(false);
  useEffect(() => {
    let handle: EditorHandle | null = null;
    let gone = false;
    import("./editor.ts").then(({ mountEditor }) => {
      if (gone || host.current === null) return;
      const root = host.current.shadowRoot ??
        host.current.attachShadow({ mode: "open" });
      handle = mountEditor(root, {
        ...newest.current,
        onText: (text) => newest.current.onText(text),
        onSelection: (selection) => newest.current.onSelection(selection),
        onRun: () => newest.current.onRun(),
        onExplain: () => newest.current.onExplain(),
      });
      setLoaded(true);
      onHandle(handle);
    }, () => {
      // Without its code, the plain field does.
    });
    return () => {
      gone = true;
      handle?.destroy();
    };
  }, []);
  return (
    <div class="editor">
      <div ref={host} class="code-editor" hidden={!loaded} />
      {loaded ? null : <PlainEditor settings={settings} />}
    </div>
  );
}

function PlainEditor(
  { settings }: { readonly settings: EditorSettings },
): VNode {
  return (
    <textarea
      class="input"
      aria-label="SQL"
      spellcheck={false}
      value={settings.text}
      onInput={(event) => settings.onText(event.currentTarget.value)}
      onSelect={(event) =>
        settings.onSelection({
          from: event.currentTarget.selectionStart,
          to: event.currentTarget.selectionEnd,
        })}
      onKeyDown={(event) => {
        if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        if (event.shiftKey) settings.onExplain();
        else settings.onRun();
      }}
    />
  );
}
