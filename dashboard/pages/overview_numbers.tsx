import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { formatMs, formatRate } from "../format.ts";
import { Sparkline } from "../parts/chart.tsx";
import { condensed, lastOf, type Line, together } from "../series.ts";
import type {
  MemberSeries,
  SeriesColumn,
} from "../../src/node/telemetry_port.ts";

/** A number that matters most, over all members. */
interface BigNumber {
  readonly title: string;
  readonly column: SeriesColumn;
  readonly how: "sum" | "max";
  readonly series: number;
  readonly format: (value: number | null) => string;
}

/** More would be closer together than the pixels they have. */
const POINTS = 60;

const NUMBERS: readonly BigNumber[] = [
  {
    title: "Writes/s",
    column: "writesPerSecond",
    how: "sum",
    series: 1,
    format: formatRate,
  },
  {
    title: "Commit p99",
    column: "commitP99Ms",
    how: "max",
    series: 2,
    format: formatMs,
  },
  {
    title: "Queries/s",
    column: "queriesPerSecond",
    how: "sum",
    series: 3,
    format: formatRate,
  },
  {
    title: "fsync p99",
    column: "fsyncP99Ms",
    how: "max",
    series: 4,
    format: formatMs,
  },
];

/** Four numbers and how they came about. */
export function BigNumbers(
  { members, times }: {
    readonly members: readonly MemberSeries[];
    readonly times: readonly number[];
  },
): VNode {
  return (
    <div class="big-numbers">
      {NUMBERS.map((number) => (
        <Big
          key={number.title}
          number={number}
          members={members}
          times={times}
        />
      ))}
    </div>
  );
}

function Big(
  { number, members, times }: {
    readonly number: BigNumber;
    readonly members: readonly MemberSeries[];
    readonly times: readonly number[];
  },
): VNode {
  const { title, column, how, series, format } = number;
  const values = useMemo(() => together(members, column, times, how), [times]);
  const drawn = useMemo(
    () => condensed(times, values, POINTS, how === "sum" ? "mean" : "max"),
    [values],
  );
  const lines = useMemo<readonly Line[]>(
    () => [{ label: title, series, values: drawn.values }],
    [drawn],
  );
  // A latency of long ago is none of now.
  const recent = values.slice(-15);
  return (
    <section class="card big-number">
      <h2>{title}</h2>
      <strong>{format(lastOf(recent))}</strong>
      <Sparkline
        title={title}
        times={drawn.times}
        lines={lines}
        format={format}
      />
    </section>
  );
}
