import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { Icon } from "../parts/icon.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { shownText } from "../values/shown.ts";

/** Tables and their columns: choosing a name puts it into the editor, quoted. */
export function NameTree(
  { objects, onName }: {
    readonly objects: readonly JsonSchemaObject[] | null;
    readonly onName: (name: string) => void;
  },
): VNode {
  const [text, setText] = useState("");
  if (objects === null) return <Skeleton lines={6} />;
  const wanted = text.trim().toLowerCase();
  const shown = objects.filter(({ name, internal, kind, columns }) =>
    !internal && kind !== "shadow" &&
    (name.toLowerCase().includes(wanted) ||
      columns.some((column) => column.name.toLowerCase().includes(wanted)))
  );
  return (
    <div class="objects">
      <input
        class="input compact"
        type="search"
        data-filter
        aria-label="Filter names"
        placeholder="Filter names"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <ul>
        {shown.map((object) => (
          <li key={object.name}>
            <Names
              object={object}
              open={wanted !== "" &&
                !object.name.toLowerCase().includes(wanted)}
              onName={onName}
            />
          </li>
        ))}
      </ul>
      {shown.length > 0 ? null : (
        <p class="faint">
          {wanted === ""
            ? "There are no tables yet."
            : "No name has this in it."}
        </p>
      )}
    </div>
  );
}

function Names(
  { object, open, onName }: {
    readonly object: JsonSchemaObject;
    readonly open: boolean;
    readonly onName: (name: string) => void;
  },
): VNode {
  const { name, kind, columns } = object;
  return (
    <details
      open={open}
    >
      <summary>
        <Icon name="chevron-right" />
        <span class="clip" title={shownText(name)}>
          {shownText(name)}
        </span>
        {kind === "table" ? null : <small>{kind}</small>}
      </summary>
      <ul>
        <li>
          <button
            type="button"
            title="Put this name into the editor"
            onClick={() => onName(name)}
          >
            <Icon name={kind === "view" ? "eye" : "table-2"} />
            <span class="clip">{shownText(name)}</span>
          </button>
        </li>
        {columns.map((column) => (
          <li key={column.name}>
            <button
              type="button"
              title="Put this name into the editor"
              onClick={() => onName(column.name)}
            >
              {column.key > 0
                ? <Icon name="key-round" />
                : <span class="icon" />}
              <span class="clip">{shownText(column.name)}</span>
              <small>{column.type.toLowerCase()}</small>
            </button>
          </li>
        ))}
      </ul>
    </details>
  );
}
