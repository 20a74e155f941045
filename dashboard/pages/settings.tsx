import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Segments } from "../parts/segments.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { clusterView } from "../state/cluster.ts";
import { session } from "../state/session.ts";
import type { JsonSettingRow } from "../../src/api/dashboard/settings.ts";

/** The configuration that counts on the member that serves the page. */
export function Page(): VNode {
  const [filter, setFilter] = useState("");
  const [shown, setShown] = useState<"all" | "changed">("all");
  const { value, error } = useLoaded((signal) => call("settings", { signal }), [
    session.value?.role,
  ]);
  const wanted = filter.trim().toLowerCase();
  const rows = (value?.settings ?? []).filter((row) =>
    (shown === "all" || !row.is_default) &&
    `${row.key} ${row.env} ${row.about}`.toLowerCase().includes(wanted)
  );
  const node = clusterView.value?.nodeId ?? session.value?.node_id;
  return (
    <div class="page">
      <header class="heading">
        <div>
          <h1 tabIndex={-1}>Settings</h1>
          <p class="muted">
            What counts on n{node}. Changes are made in its configuration file
            or environment, and count after a restart.
          </p>
        </div>
        <div class="end">
          <Segments
            label="Which settings"
            value={shown}
            onChange={setShown}
            options={[
              { value: "all", label: "All" },
              { value: "changed", label: "Changed" },
            ]}
          />
          <input
            class="input compact filter"
            type="search"
            data-filter
            aria-label="Filter settings"
            placeholder="Filter"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
        </div>
      </header>
      {error === null ? null : <Problem error={error} />}
      <List rows={value === null ? null : rows} shown={shown} />
    </div>
  );
}

function List(
  { rows, shown }: {
    readonly rows: readonly JsonSettingRow[] | null;
    readonly shown: "all" | "changed";
  },
): VNode {
  return (
    <section class="card">
      {rows === null
        ? (
          <div class="inside">
            <Skeleton lines={8} />
          </div>
        )
        : rows.length === 0
        ? (
          <EmptyState icon="settings" title="No setting is like this">
            {shown === "changed"
              ? "Everything else has its default."
              : "Try a shorter word."}
          </EmptyState>
        )
        : (
          <Table
            caption="Settings"
            columns={COLUMNS}
            rows={rows}
            keyOf={({ env }) => env}
          />
        )}
    </section>
  );
}

const COLUMNS: readonly Column<JsonSettingRow>[] = [
  {
    title: "Setting",
    cell: ({ key, env }) => (
      <span class="setting">
        <code>{key}</code>
        <code class="faint">{env}</code>
      </span>
    ),
  },
  {
    title: "Value",
    cell: ({ value, secret }) =>
      secret
        ? (
          <Chip tone={value === "set" ? "success" : "neutral"}>
            {String(value)}
          </Chip>
        )
        : <code class="break">{valueText(value)}</code>,
  },
  {
    title: "Source",
    cell: ({ is_default: fallback }) =>
      fallback
        ? <span class="faint">default</span>
        : <Chip tone="info">set</Chip>,
  },
  { title: "Meaning", cell: ({ about }) => <About text={about} /> },
];

function valueText(value: unknown): string {
  if (value === null || value === "") return "–";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(valueText).join("\n");
  if (typeof value === "object") {
    return Object.values(value).map(valueText).join(" ");
  }
  return String(value);
}

/** What stands in backticks is code. */
function About({ text }: { readonly text: string }): VNode {
  return (
    <span class="muted">
      {text.split("`").map((part, at) =>
        at % 2 === 0 ? part : <code key={at}>{part}</code>
      )}
    </span>
  );
}
