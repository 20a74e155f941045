import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { formatInteger, formatRate, formatTime, inUtc } from "../format.ts";
import { identicalAt, membersOf } from "../health.ts";
import { Chart } from "../parts/chart.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { EventList } from "../parts/event_list.tsx";
import { seriesOf } from "../parts/member_state.tsx";
import { MemberTable } from "../parts/member_table.tsx";
import { Problem } from "../parts/problem.tsx";
import { Segments } from "../parts/segments.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { useLoaded } from "../parts/use_loaded.ts";
import { href } from "../route.ts";
import { columnAt, joined, timesOf, together } from "../series.ts";
import { serverNow } from "../state/session.ts";
import { clusterView, health, silence, sleeping } from "../state/cluster.ts";
import { POINTS_MAX, readEvents, readSeries } from "../state/telemetry.ts";
import type { SeriesStep } from "../state/telemetry.ts";
import type { ClusterView } from "../cluster_view.ts";
import type { MemberSeries } from "../../src/node/telemetry_port.ts";
import { AddMembers } from "./overview_single.tsx";
import {
  AROUND_MS,
  MomentBar,
  momentOf,
  setMoment,
} from "./overview_moment.tsx";
import { BigNumbers } from "./overview_numbers.tsx";

/** The minutes of a day are asked for anew so often, ms. */
const MINUTE_MS = 60_000;

/** The cluster at a glance. */
export function Page(): VNode {
  const view = clusterView.value;
  const at = momentOf();
  const [step, setStep] = useState<SeriesStep>(
    at !== null && serverNow() - at > 1000 * POINTS_MAX[1000]
      ? MINUTE_MS
      : 1000,
  );
  return (
    <div class="page overview">
      <header class="heading">
        <Headline view={view} />
        <div class="end">
          <Segments
            label="How far back"
            value={String(step)}
            onChange={(value) => setStep(Number(value) as SeriesStep)}
            options={[
              { value: "1000", label: "15 min" },
              { value: "60000", label: "24 h" },
            ]}
          />
          <Segments
            label="Time zone"
            value={inUtc.value ? "utc" : "local"}
            onChange={(value) => inUtc.value = value === "utc"}
            options={[
              { value: "local", label: "Local" },
              { value: "utc", label: "UTC" },
            ]}
          />
        </div>
      </header>
      {view === null
        ? <Skeleton lines={6} />
        : (
          <div class={silence.value === null ? "stack" : "stack as-of"}>
            <Measured view={view} step={step} at={at} />
          </div>
        )}
    </div>
  );
}

function Headline(
  { view }: { readonly view: ClusterView | null },
): VNode {
  const state = health.value;
  if (view === null || state === null) return <h1 tabIndex={-1}>Overview</h1>;
  const same = identicalAt(view);
  return (
    <div
      class={silence.value === null
        ? `headline ${state.level}`
        : "headline as-of"}
    >
      <h1 tabIndex={-1}>
        <span class="dot" aria-hidden="true" /> {state.word}
      </h1>
      <p class="muted">
        {silence.value === null ? "" : `as of ${formatTime(view.nowMs)} · `}
        {state.detail} · term {formatInteger(view.cluster.term)}
        {same === null ? "" : ` · replicas identical at ${formatInteger(same)}`}
      </p>
    </div>
  );
}

function Measured(
  { view, step, at }: {
    readonly view: ClusterView;
    readonly step: SeriesStep;
    readonly at: number | null;
  },
): VNode {
  // The minutes come anew each minute; the seconds once, and then with each overview.
  const minute = step === MINUTE_MS ? Math.floor(view.nowMs / MINUTE_MS) : 0;
  const answers = silence.value === null;
  const loaded = useLoaded((signal) => readSeries(step, signal), [
    step,
    minute,
    // What was missed meanwhile.
    answers,
    sleeping.value,
  ]);
  const before = loaded.value?.stepMs === step ? loaded.value.members : [];
  const members = step === 1000
    ? joined(before, view.series, POINTS_MAX[1000] + 60)
    : before;
  const times = useMemo(
    () => timesOf(members, step, POINTS_MAX[step]),
    [view, loaded.value, step],
  );
  return (
    <>
      {loaded.error === null || !answers
        ? null
        : <Problem error={loaded.error} />}
      <BigNumbers members={members} times={times} />
      {view.cluster.members.length === 1
        ? <AddMembers view={view} />
        : (
          <section class="card">
            <header>
              <h2>Members</h2>
              <div class="end">
                <a href={href("members")}>Manage</a>
              </div>
            </header>
            <MemberTable members={membersOf(view)} view={view} />
          </section>
        )}
      {at === null ? null : <MomentBar at={at} />}
      <Charts members={members} times={times} at={at} />
      <RecentEvents newest={view.newestEvent} at={at} />
    </>
  );
}

function Charts(
  { members, times, at }: {
    readonly members: readonly MemberSeries[];
    readonly times: readonly number[];
    readonly at: number | null;
  },
): VNode {
  const lag = useMemo(
    () =>
      members.map((member) => ({
        label: `n${member.nodeId}`,
        series: seriesOf(member.nodeId),
        dashed: member.nodeId % 2 === 0,
        values: columnAt(member, "lag", times),
      })),
    [times],
  );
  const queue = useMemo(() => [
    {
      label: "waiting",
      series: 3,
      values: together(members, "pending", times, "sum"),
    },
    {
      label: "refused/s",
      series: 6,
      dashed: true,
      values: together(members, "failedPerSecond", times, "sum"),
    },
  ], [times]);
  return (
    <div class="pair">
      <Chart
        title="Lag"
        times={times}
        lines={lag}
        format={formatInteger}
        moment={at}
        onMoment={setMoment}
      />
      <Chart
        title="Queue"
        times={times}
        lines={queue}
        format={formatRate}
        moment={at}
        onMoment={setMoment}
      />
    </div>
  );
}

function RecentEvents(
  { newest, at }: {
    readonly newest: number;
    /** Only what happened around this moment; null: the newest. */
    readonly at: number | null;
  },
): VNode {
  const { value, error } = useLoaded(
    (signal) => readEvents(at === null ? 12 : 2000, signal),
    [newest, at === null],
  );
  const events = (value?.events ?? []).filter(({ atMs }) =>
    at === null || Math.abs(atMs - at) <= AROUND_MS
  );
  return (
    <section class="card">
      <header>
        <h2>
          {at === null ? "Recent events" : "Events within a minute of it"}
        </h2>
        <div class="end">
          <a href={href("events")}>All events</a>
        </div>
      </header>
      {error !== null && value === null
        ? (
          <div class="inside">
            <Problem error={error} />
          </div>
        )
        : value === null
        ? (
          <div class="inside">
            <Skeleton lines={4} />
          </div>
        )
        : events.length === 0
        ? (
          <EmptyState
            icon="activity"
            title={at === null
              ? "Nothing happened yet"
              : "Nothing happened then"}
          >
            Elections, lost contact and snapshots are listed here.
          </EmptyState>
        )
        : <EventList events={[...events].reverse()} />}
    </section>
  );
}
