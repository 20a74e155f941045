import type { VNode } from "preact";
import { call } from "../api.ts";
import { formatInteger, formatMs } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Moment } from "../parts/moment.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { type SlowGroup, slowGroups } from "../statements/slow_groups.ts";
import type { JsonSlowMember } from "../../src/api/dashboard/slow.ts";
import { shownText } from "../values/shown.ts";

/** Characters of a text that are shown. */
const SHOWN_LENGTH = 300;

/** What took long for the clients of every member, with a way to look at its plan. */
export function SlowPane(
  { onText }: {
    /** Opens a text in the editor. */
    readonly onText: (sql: string) => void;
  },
): VNode {
  const { value, error, reload } = useLoaded(
    (signal) => call("slow", { signal, background: true }),
    [],
  );
  if (error !== null) return <Problem error={error} />;
  if (value === null) {
    return (
      <div class="inside">
        <Skeleton lines={4} />
      </div>
    );
  }
  const { members, silent } = value;
  const limits = members.flatMap(({ limit_ms: limit }) => limit ?? []);
  if (limits.length === 0) {
    return (
      <EmptyState icon="clock" title="Slow statements are not noted">
        <code>slow_statement_ms</code> is 0 on {namesOf(members)}.
      </EmptyState>
    );
  }
  const groups = slowGroups(members);
  const longer = `${formatMs(Math.min(...limits))} or longer`;
  if (groups.length === 0) {
    return (
      <EmptyState icon="circle-check" title="Nothing was slow">
        No statement of {namesOf(members)} has taken {longer}{" "}
        since they were started.
        <Silent nodes={silent} />
      </EmptyState>
    );
  }
  const count = members.reduce((sum, each) => sum + each.statements.length, 0);
  return (
    <div class="history">
      <div class="bar">
        <span class="muted">
          The last {formatInteger(count)} on {namesOf(members)} that took{" "}
          {longer}
          <Silent nodes={silent} />
        </span>
        <Button
          compact
          look="plain"
          icon="refresh-cw"
          label="Load again"
          onClick={reload}
        />
      </div>
      <Table
        stacks
        caption="Slow statements"
        columns={columns(onText)}
        rows={groups}
        keyOf={({ kind, sql }) => `${kind} ${sql}`}
      />
    </div>
  );
}

/** `n1, n2, n3` */
function namesOf(members: readonly JsonSlowMember[]): string {
  return members.map(({ node_id: node }) => `n${node}`).join(", ");
}

function Silent({ nodes }: { readonly nodes: readonly number[] }): VNode {
  return (
    <>
      {nodes.map((node) => (
        <>
          {" "}
          <Chip key={node} tone="warning">n{node} did not answer</Chip>
        </>
      ))}
    </>
  );
}

function columns(onText: (sql: string) => void): Column<SlowGroup>[] {
  return [
    {
      title: "Statement",
      cell: ({ sql, kind, failure }) => (
        <>
          <button
            type="button"
            class="link mono break"
            title="Open it in the editor"
            onClick={() => onText(sql)}
          >
            {shownText(sql.replaceAll(/\s+/g, " ")).slice(0, SHOWN_LENGTH)}
          </button>{" "}
          {kind === "write" ? <Chip>write</Chip> : null}
          {failure === null ? null : <Chip tone="danger">{failure}</Chip>}
        </>
      ),
    },
    {
      title: "On",
      cell: ({ nodes }) => nodes.map((node) => `n${node}`).join(", "),
    },
    {
      title: "Times",
      number: true,
      cell: ({ count }) => formatInteger(count),
    },
    {
      title: "Longest",
      number: true,
      cell: ({ longestMs }) => formatMs(longestMs),
    },
    {
      title: "Together",
      number: true,
      cell: ({ totalMs }) => formatMs(totalMs),
    },
    { title: "Last", cell: ({ lastMs }) => <Moment at={lastMs} /> },
  ];
}
