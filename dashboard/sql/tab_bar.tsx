import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Button } from "../parts/button.tsx";
import { isAdmin } from "../state/session.ts";
import { whyNotWrite } from "../state/write_mode.ts";
import type { Tab, TabStore } from "./tabs.ts";

/** The texts of the editor, side by side, and a way to run a file. A double click, or F2, renames one; Alt with an arrow moves it. */
export function TabBar(
  { store, onFile }: {
    readonly store: TabStore;
    readonly onFile: () => void;
  },
): VNode {
  const { list } = store.tabs.value;
  const { id: current } = store.current;
  const [renamed, setRenamed] = useState<number | null>(null);
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    row.current?.querySelector("[aria-selected=true]")
      ?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <div class="tabs">
      <div ref={row} role="tablist" aria-label="Texts">
        {list.map((tab) =>
          renamed === tab.id
            ? (
              <Rename
                key={tab.id}
                tab={tab}
                onDone={(name) => {
                  if (name !== null) store.rename(tab.id, name);
                  setRenamed(null);
                }}
              />
            )
            : (
              <button
                key={tab.id}
                type="button"
                role="tab"
                aria-selected={tab.id === current}
                tabIndex={tab.id === current ? 0 : -1}
                title="Double click to rename"
                onClick={() => store.choose(tab.id)}
                onDblClick={() => setRenamed(tab.id)}
                onKeyDown={(event) => {
                  if (event.key === "F2") setRenamed(tab.id);
                  else pressed(event, store, tab);
                }}
              >
                {tab.name}
              </button>
            )
        )}
      </div>
      <Button
        compact
        look="plain"
        icon="plus"
        label="New text"
        onClick={() => store.add()}
      />
      <Button
        compact
        look="plain"
        icon="x"
        label={`Close ${store.current.name}`}
        class="close"
        onClick={() => store.close(current)}
      />
      <RunFile onFile={onFile} />
    </div>
  );
}

function RunFile({ onFile }: { readonly onFile: () => void }): VNode | null {
  if (!isAdmin.value) return null;
  return (
    <Button
      compact
      icon="upload"
      class="file"
      refused={whyNotWrite.value}
      onClick={onFile}
    >
      Run a file …
    </Button>
  );
}

function pressed(event: KeyboardEvent, store: TabStore, tab: Tab): void {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "Delete") store.close(tab.id);
  if (step === undefined) return;
  event.preventDefault();
  const row = (event.currentTarget as HTMLElement).parentElement;
  if (event.altKey) store.move(tab.id, step);
  else {
    const { list } = store.tabs.value;
    const at = list.findIndex((each) => each.id === tab.id) + step;
    const next = list[(at + list.length) % list.length]!;
    store.choose(next.id);
  }
  requestAnimationFrame(() =>
    row?.querySelector<HTMLElement>("[aria-selected=true]")?.focus()
  );
}

function Rename(
  { tab, onDone }: {
    readonly tab: Tab;
    readonly onDone: (name: string | null) => void;
  },
): VNode {
  return (
    <input
      class="input compact"
      aria-label={`New name of ${tab.name}`}
      autofocus
      defaultValue={tab.name}
      onBlur={(event) => onDone(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") onDone(event.currentTarget.value);
        if (event.key === "Escape") onDone(null);
      }}
    />
  );
}
