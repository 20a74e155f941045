import type { VNode } from "preact";
import { call } from "../api.ts";
import { formatInteger } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Moment } from "../parts/moment.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { shownText } from "../values/shown.ts";
import { SIGNED_IN_WORDS } from "../words.ts";
import type { JsonAuditEntry } from "../../src/api/dashboard/audit.ts";

/** Who did what from a dashboard. */
export function AuditTrail(): VNode {
  const { value, error, reload } = useLoaded(
    (signal) => call("audit", { signal, background: true }),
    [],
  );
  return (
    <>
      {error === null ? null : <Problem error={error} />}
      <section class="card">
        <header>
          <h2>Done from this console</h2>
          <div class="end">
            <Button
              compact
              icon="refresh-cw"
              label="Load again"
              onClick={reload}
            />
          </div>
        </header>
        {value === null
          ? (
            <div class="inside">
              <Skeleton lines={5} />
            </div>
          )
          : value.entries.length === 0
          ? (
            <EmptyState icon="clock" title="Nothing was done from here yet">
              Logins, writes, exports and changes of members are kept, the last
              500.
            </EmptyState>
          )
          : (
            <Table
              stacks
              caption="Done from this console"
              columns={COLUMNS}
              rows={value.entries}
              keyOf={({ index }) => index}
            />
          )}
      </section>
    </>
  );
}

const COLUMNS: readonly Column<JsonAuditEntry>[] = [
  {
    title: "When",
    cell: ({ at_ms: at }) => <Moment at={at} />,
  },
  {
    title: "Who",
    cell: ({ role, address, node_id: node }) => (
      <span class="nowrap">
        {SIGNED_IN_WORDS[role]} <span class="faint">{address} · n{node}</span>
      </span>
    ),
  },
  { title: "What", cell: ({ action }) => action },
  {
    title: "Detail",
    cell: ({ detail, file, count }) => (
      <div class="break">
        {file === null ? null : <>{shownText(file)}, {formatInteger(count)}:</>}
        <code>{detail}</code>
      </div>
    ),
  },
  {
    title: "Outcome",
    cell: ({ outcome }) => (
      <Chip tone={outcome === "done" ? "success" : "danger"}>{outcome}</Chip>
    ),
  },
  { title: "Rows", number: true, cell: ({ rows }) => formatInteger(rows) },
  {
    title: "Entry",
    number: true,
    cell: ({ write_index: index }) => formatInteger(index),
  },
];
