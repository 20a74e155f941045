import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Chart as Drawn } from "../chart.ts";
import { formatClock, formatTime, inUtc } from "../format.ts";
import { lastOf, type Line } from "../series.ts";
import { darkNow } from "../state/theme.ts";
import { Button } from "./button.tsx";

/** So many rows of a chart's table are shown: the newest. */
const ROWS = 60;

/** What a chart shows. */
export interface ChartProps {
  /** What is drawn, in words. */
  readonly title: string;
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly height?: number;
  /** A moment that stands out, ms since 1970. @default {null} */
  readonly moment?: number | null;
  /** Hears of the moment that was clicked on. */
  readonly onMoment?: (ms: number) => void;
}

/** Lines over time with their names, and the same as a table. */
export function Chart(props: ChartProps): VNode {
  const { title, lines } = props;
  const [asTable, setAsTable] = useState(false);
  return (
    <section class="card chart">
      <header>
        <h2>{title}</h2>
        <ul class="legend">
          {lines.map(({ label, series, dashed }) => (
            <li key={label}>
              <span
                class={`stroke series-${series}${
                  dashed === true ? " dashed" : ""
                }`}
              />
              {label}
            </li>
          ))}
        </ul>
        <div class="end">
          <Button
            compact
            look="link"
            label={`${title} as a ${asTable ? "chart" : "table"}`}
            onClick={() => setAsTable(!asTable)}
          >
            {asTable ? "Chart" : "Table"}
          </Button>
        </div>
      </header>
      <div class="inside">
        {asTable ? <ChartTable {...props} /> : (
          <>
            <Canvas {...props} height={props.height ?? 180} small={false} />
            <p class="under" aria-hidden="true" />
          </>
        )}
      </div>
    </section>
  );
}

/** A line without axes, beside a number. */
export function Sparkline(props: ChartProps): VNode {
  return <Canvas {...props} height={props.height ?? 36} small />;
}

function Canvas(
  { title, times, lines, format, height, small, moment = null, onMoment }:
    & ChartProps
    & {
      readonly height: number;
      readonly small: boolean;
    },
): VNode {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<Drawn>(undefined);
  const [failed, setFailed] = useState(false);
  const names = lines.map(({ label, series }) => `${label} ${series}`).join();
  const newest = useRef({ times, lines });
  newest.current = { times, lines };
  useEffect(() => {
    let gone = false;
    import("../chart.ts").then(({ drawChart }) => {
      if (gone || host.current === null) return;
      drawn.current = drawChart(host.current, {
        ...newest.current,
        height,
        small,
        format,
        formatTime,
        formatClock,
        moment,
        onMoment,
      });
    }, () => setFailed(true));
    return () => {
      gone = true;
      drawn.current?.remove();
      drawn.current = undefined;
    };
    // Colours and times are on the canvas: it is drawn anew when they change.
  }, [names, height, small, darkNow.value, inUtc.value, moment]);
  useEffect(() => drawn.current?.update(times, lines), [times, lines]);
  return (
    <div
      ref={host}
      role="img"
      aria-label={failed
        ? `${title}: the chart could not be loaded`
        : altOf(title, lines, format)}
      class={small ? "plot small" : "plot"}
      style={{ blockSize: `${height}px` }}
    />
  );
}

/** A chart in words: the last, the least and the most of each line. */
function altOf(
  title: string,
  lines: readonly Line[],
  format: (value: number) => string,
): string {
  const each = lines.map(({ label, values }) => {
    const known = values.filter((value) => value !== null);
    const last = lastOf(values);
    return last === null
      ? `${label}: nothing yet`
      : `${label}: now ${format(last)}, ${format(Math.min(...known))} to ${
        format(Math.max(...known))
      }`;
  });
  return `${title}. ${each.join("; ")}`;
}

function ChartTable(
  { title, times, lines, format, onMoment }: ChartProps,
): VNode {
  const from = Math.max(0, times.length - ROWS);
  return (
    <div
      class="scroll-x chart-table"
      tabIndex={0}
      role="region"
      aria-label={title}
    >
      <table class="table">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {lines.map(({ label }) => (
              <th key={label} scope="col" class="number">{label}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.slice(from).map((time, at) => (
            <tr key={time}>
              <td>
                {onMoment === undefined
                  ? formatTime(time)
                  : (
                    <Button compact look="link" onClick={() => onMoment(time)}>
                      {formatTime(time)}
                    </Button>
                  )}
              </td>
              {lines.map(({ label, values }) => {
                const value = values[from + at];
                return (
                  <td key={label} class="number">
                    {value === null || value === undefined
                      ? "–"
                      : format(value)}
                  </td>
                );
              })}
            </tr>
          )).reverse()}
        </tbody>
      </table>
    </div>
  );
}
