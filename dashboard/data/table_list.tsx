import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import type { PageName } from "../pages.ts";
import { EmptyState } from "../parts/empty_state.tsx";
import { Icon } from "../parts/icon.tsx";
import { Problem } from "../parts/problem.tsx";
import { href } from "../route.ts";
import { shownText } from "../values/shown.ts";

/** Names of what is not a plain table. */
const KINDS: Readonly<Record<JsonSchemaObject["kind"], string>> = {
  table: "",
  view: "view",
  virtual: "virtual",
  shadow: "part of a virtual table",
};

/** Tables and views with a filter; those of this software and of virtual tables when asked for. */
export function TableList(
  { objects, page, current }: {
    readonly objects: readonly JsonSchemaObject[];
    readonly page: PageName;
    readonly current: string | null;
  },
): VNode {
  const [text, setText] = useState("");
  const [all, setAll] = useState(false);
  const ordinary = objects.filter(({ internal, kind }) =>
    !internal && kind !== "shadow"
  );
  const shown = (all ? objects : ordinary).filter(({ name }) =>
    name.toLowerCase().includes(text.trim().toLowerCase())
  );
  return (
    <nav class="objects" aria-label="Tables and views">
      <input
        class="input compact"
        type="search"
        aria-label="Filter tables and views"
        placeholder="Filter tables"
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <ul>
        {shown.map(({ name, kind }) => (
          <li key={name}>
            <a
              href={href(page, [name])}
              title={shownText(name)}
              aria-current={name === current ? "page" : undefined}
            >
              <Icon name={kind === "view" ? "eye" : "table-2"} />
              <span class="clip">{shownText(name)}</span>
              {KINDS[kind] === "" ? null : <small>{KINDS[kind]}</small>}
            </a>
          </li>
        ))}
      </ul>
      {shown.length > 0 ? null : (
        <p class="faint">
          {text.trim() === ""
            ? "There are no tables yet."
            : "No table has this name."}
        </p>
      )}
      {objects.length === ordinary.length ? null : (
        <label class="switch">
          <input
            type="checkbox"
            checked={all}
            onChange={(event) => setAll(event.currentTarget.checked)}
          />
          Internal tables
        </label>
      )}
    </nav>
  );
}

/** The class of the list's column: on a phone it is seen when it was asked for, and when there is something to choose from. */
export function sideClass(
  objects: readonly JsonSchemaObject[] | null,
  name: string | null,
  listed: boolean,
): string {
  return listed || (name === null && !hasNone(objects)) ? "side open" : "side";
}

/** Whether nobody has made a table yet. */
function hasNone(objects: readonly JsonSchemaObject[] | null): boolean {
  return objects?.every(({ internal }) => internal) === true;
}

/** What stands beside the list until a table is chosen. */
export function NoTableChosen(
  { title, objects, error }: {
    readonly title: string;
    readonly objects: readonly JsonSchemaObject[] | null;
    /** Why there is no list. */
    readonly error: unknown;
  },
): VNode {
  return (
    <>
      <h1 tabIndex={-1}>{title}</h1>
      {objects === null && error !== null
        ? <Problem error={error} />
        : hasNone(objects)
        ? (
          <EmptyState
            icon="table-2"
            title="No tables yet"
            actions={
              <a
                class="button primary"
                href={href("sql", [], { sql: FIRST_TABLE })}
              >
                Make one on the SQL page
              </a>
            }
          >
            A table is made by a statement. The SQL page has one to begin with.
          </EmptyState>
        )
        : <EmptyState icon="table-2" title="Choose a table from the list" />}
    </>
  );
}

const FIRST_TABLE = `CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  text TEXT NOT NULL,
  made_at TEXT NOT NULL DEFAULT (datetime('now'))
);`;
