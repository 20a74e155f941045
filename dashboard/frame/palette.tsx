import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { call } from "../api.ts";
import type { IconName } from "../icons.ts";
import { PAGES } from "../pages.ts";
import { Icon } from "../parts/icon.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { go } from "../router.ts";
import { clusterView } from "../state/cluster.ts";
import { isAdmin } from "../state/session.ts";
import { chooseTheme } from "../state/theme.ts";
import { setWriteMode, writeMode } from "../state/write_mode.ts";
import { leave } from "./sidebar.tsx";
import { paletteOpen } from "./open_dialogs.ts";

/** More than this nobody reads. */
const SHOWN = 40;

/** Something to go to, or to do. */
interface Command {
  readonly id: string;
  readonly title: string;
  readonly kind: string;
  readonly icon: IconName;
  readonly run: () => void;
}

/** Goes to a page, table or member, or does something, by a few letters of its name. */
export function Palette(): VNode {
  const element = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const tables = useLoaded(
    (signal) => call("schema", { signal, background: true }),
    [],
  );
  const names = (tables.value?.objects ?? [])
    .filter(({ internal, kind }) => !internal && kind !== "shadow")
    .map(({ name }) => name);
  const found = matching([...ownCommands(), ...tableCommands(names)], text)
    .slice(0, SHOWN);
  useEffect(() => element.current?.showModal(), []);
  const close = (): void => {
    paletteOpen.value = false;
  };
  const run = (command: Command | undefined): void => {
    if (command === undefined) return;
    close();
    command.run();
  };
  useEffect(() => {
    element.current?.querySelector("[aria-selected=true]")
      ?.scrollIntoView({ block: "nearest" });
  }, [at]);
  return (
    <dialog
      ref={element}
      class="dialog palette"
      aria-label="Search and commands"
      onCancel={close}
      onClick={(event) => event.target === element.current && close()}
    >
      <div class="ask">
        <Icon name="search" />
        <input
          role="combobox"
          aria-label="Go to a page, table or member, or do something"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={found[at] === undefined
            ? undefined
            : `palette-${found[at].id}`}
          placeholder="Go to a page, table or member …"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (step !== undefined) {
              event.preventDefault();
              setAt((at + step + found.length) % Math.max(1, found.length));
            } else if (event.key === "Enter") {
              event.preventDefault();
              run(found[at]);
            }
          }}
        />
        <kbd class="kbd">Esc</kbd>
      </div>
      <PaletteList found={found} at={at} run={run} />
    </dialog>
  );
}

function PaletteList(
  { found, at, run }: {
    readonly found: readonly Command[];
    readonly at: number;
    readonly run: (command: Command) => void;
  },
): VNode {
  return (
    <ul id="palette-list" role="listbox" aria-label="Found">
      {found.map((command, index) => (
        <li
          key={command.id}
          id={`palette-${command.id}`}
          role="option"
          aria-selected={index === at}
          onClick={() => run(command)}
        >
          <Icon name={command.icon} />
          <span class="clip">{command.title}</span>
          <span class="kind">{command.kind}</span>
        </li>
      ))}
      {found.length > 0
        ? null
        : (
          <li role="option" aria-selected="false" aria-disabled="true">
            Nothing has this name.
          </li>
        )}
    </ul>
  );
}

function ownCommands(): Command[] {
  const members = clusterView.value?.cluster.members ?? [];
  return [
    ...PAGES.map(({ name, title, icon }): Command => ({
      id: `page-${name}`,
      title,
      kind: "Page",
      icon,
      run: () => go(name),
    })),
    ...members.map(({ node_id: node }): Command => ({
      id: `member-${node}`,
      title: `n${node}`,
      kind: "Member",
      icon: "server",
      run: () => go("members", [`n${node}`]),
    })),
    ...(isAdmin.value
      ? [
        action(
          "write",
          writeMode.value ? "Turn off write mode" : "Turn on write mode",
          "pencil",
          () => setWriteMode(!writeMode.value),
        ),
      ]
      : []),
    action("light", "Light theme", "sun", () => chooseTheme("light")),
    action("dark", "Dark theme", "moon", () => chooseTheme("dark")),
    action(
      "system",
      "The system's theme",
      "monitor",
      () => chooseTheme("system"),
    ),
    action("leave", "Log out", "log-out", () => void leave()),
  ];
}

function action(
  id: string,
  title: string,
  icon: IconName,
  run: () => void,
): Command {
  return { id, title, kind: "Action", icon, run };
}

function tableCommands(names: readonly string[]): Command[] {
  return names.map((name, at) => ({
    id: `table-${at}`,
    title: name,
    kind: "Table",
    icon: "table-2",
    run: () => go("data", [name]),
  }));
}

/** Those whose names have these letters: at their beginning first, then anywhere. */
function matching(commands: readonly Command[], text: string): Command[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") {
    return commands.filter(({ kind }) => kind !== "Table");
  }
  const place = ({ title }: Command): number =>
    title.toLowerCase().indexOf(wanted);
  return commands.filter((command) => place(command) >= 0)
    .sort((a, b) => Number(place(a) > 0) - Number(place(b) > 0));
}
