import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { Icon } from "../parts/icon.tsx";
import { filterText, readFilter } from "../rows/filter.ts";
import { shownText } from "../values/shown.ts";
import { filterColumns, goToRows, type LinkedLook } from "./look.ts";

/** The filters as chips, and a field that takes another one. */
export function FilterBar(
  { object, look }: {
    readonly object: JsonSchemaObject;
    readonly look: LinkedLook;
  },
): VNode {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const { filters } = look;
  const add = (): void => {
    if (text.trim() === "") return;
    const reading = readFilter(text, filterColumns(object));
    if ("problem" in reading) return setProblem(reading.problem);
    setText("");
    goToRows(object.name, { ...look, filters: [...filters, reading.filter] });
  };
  const example = object.columns.find(({ key }) => key === 0)?.name ?? "name";
  return (
    <div class="filter-bar">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
      >
        <Icon name="funnel" />
        <Chips object={object} look={look} />
        <input
          data-filter
          aria-label="Filter rows"
          aria-invalid={problem === null ? undefined : "true"}
          aria-describedby={problem === null ? undefined : "filter-problem"}
          placeholder={`Filter: ${
            shownText(example)
          } = …, ~ part of it, is null`}
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setProblem(null);
          }}
          onKeyDown={(event) => {
            if (event.key !== "Backspace" || text !== "") return;
            if (filters.length === 0) return;
            goToRows(object.name, { ...look, filters: filters.slice(0, -1) });
          }}
        />
      </form>
      {problem === null
        ? null
        : <p id="filter-problem" class="error" role="alert">{problem}</p>}
    </div>
  );
}

function Chips(
  { object, look }: {
    readonly object: JsonSchemaObject;
    readonly look: LinkedLook;
  },
): VNode {
  const { filters } = look;
  return (
    <>
      {filters.map((filter, at) => (
        <button
          key={at}
          type="button"
          class="chip accent"
          title="Remove this filter"
          aria-label={`Remove the filter ${shownText(filterText(filter))}`}
          onClick={() =>
            goToRows(object.name, {
              ...look,
              filters: filters.filter((_, other) => other !== at),
            })}
        >
          <span class="clip">{shownText(filterText(filter))}</span>
          <Icon name="x" />
        </button>
      ))}
    </>
  );
}
