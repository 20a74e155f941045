import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { call } from "../api.ts";
import { formatDuration, formatInteger } from "../format.ts";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Problem } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { type Column, Table } from "../parts/table.tsx";
import { useLoaded } from "../parts/use_loaded.ts";

const LOOK_MS = 2000;
/** A lock whose permits are all of them is held alone: as many as a lock can have. */
const ALL_PERMITS = 65_536;

/** A lock as `GET locks` tells of it. */
interface LockLine {
  readonly name: string;
  readonly token: number;
  readonly owner: string;
  readonly permits: number;
  readonly limit: number;
  readonly claimed: boolean;
  readonly remaining_ms: number;
  readonly waiting: number;
}

/** Who holds which lock, and how many wait for it. */
export function Locks(): VNode {
  const { value, error, reload } = useLoaded(async (signal) => {
    const answer = await call("locks", { signal, background: true });
    return (answer as { readonly locks: readonly LockLine[] }).locks;
  }, []);
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, LOOK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      {error === null ? null : <Problem error={error} />}
      <section class="card">
        <header>
          <h2>Locks that are held</h2>
        </header>
        {value === null
          ? (
            <div class="inside">
              <Skeleton lines={4} />
            </div>
          )
          : value.length === 0
          ? (
            <EmptyState icon="lock" title="Nobody holds a lock">
              Locks appear here while programs hold them.
            </EmptyState>
          )
          : (
            <Table
              stacks
              caption="Locks that are held"
              columns={COLUMNS}
              rows={value}
              keyOf={({ name, token }) => `${name} ${token}`}
            />
          )}
      </section>
    </>
  );
}

const COLUMNS: readonly Column<LockLine>[] = [
  { title: "Lock", cell: ({ name }) => <code class="break">{name}</code> },
  {
    title: "Holder",
    cell: ({ owner }) =>
      owner === ""
        ? <span class="faint">not named</span>
        : <span class="nowrap">{owner}</span>,
  },
  {
    title: "How",
    cell: ({ permits, limit, claimed }) => (
      <span class="nowrap">
        {permits === ALL_PERMITS
          ? "alone"
          : limit === ALL_PERMITS
          ? "shared"
          : `${formatInteger(permits)} of ${formatInteger(limit)}`}
        {claimed ? "" : " "}
        {claimed ? null : <Chip tone="warning">not claimed</Chip>}
      </span>
    ),
  },
  {
    title: "Ends in",
    number: true,
    cell: ({ remaining_ms: left }) => formatDuration(left),
  },
  {
    title: "Waiting",
    number: true,
    cell: ({ waiting }) => formatInteger(waiting),
  },
  { title: "Token", number: true, cell: ({ token }) => formatInteger(token) },
];
