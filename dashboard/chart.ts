import uPlot from "uplot";
import type { Line } from "./series.ts";

/** A chart on the page. */
export interface Chart {
  /** Other values of the same lines. */
  update(times: readonly number[], lines: readonly Line[]): void;
  remove(): void;
}

/** How a chart is drawn. */
export interface ChartOptions {
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  readonly height: number;
  /** Without axes, to stand beside a number. */
  readonly small: boolean;
  readonly format: (value: number) => string;
  /** Of the point under the cursor. */
  readonly formatTime: (ms: number) => string;
  /** Of the marks of the axis. */
  readonly formatClock: (ms: number) => string;
  /** A moment that stands out, ms since 1970; null: none does. */
  readonly moment: number | null;
  /** Hears of the moment that was clicked on. */
  readonly onMoment?: ((ms: number) => void) | undefined;
}

/** Draws lines over time on a canvas; colours are those of the page now. */
export function drawChart(host: HTMLElement, options: ChartOptions): Chart {
  const style = getComputedStyle(host);
  const colour = (name: string): string =>
    style.getPropertyValue(`--${name}`).trim();
  const { small, height } = options;
  const width = (): number => Math.max(40, host.clientWidth);
  const plot = new uPlot(
    {
      width: width(),
      height,
      ms: 1,
      padding: small ? [4, 2, 2, 2] : [8, 8, 0, 0],
      legend: { show: false },
      cursor: {
        show: !small,
        y: false,
        drag: { x: false, y: false },
        points: { size: 6 },
      },
      scales: scalesOf(small),
      axes: axesOf(options, colour, width),
      series: [
        {},
        ...options.lines.map((line) => strokeOf(line, small, colour)),
      ],
      hooks: {
        ...(small ? {} : { setCursor: [tell(host, options)] }),
        draw: [(plot) => drawMoment(plot, options.moment, colour("text-2"))],
      },
    },
    dataOf(options.times, options.lines),
    host,
  );
  tellClicks(plot, options);
  const sized = new ResizeObserver(() =>
    plot.setSize({ width: width(), height })
  );
  sized.observe(host);
  if (!small) tell(host, options)(plot);
  return {
    update: (times, lines) => {
      plot.setData(dataOf(times, lines));
      // Nobody points at anything: the words below follow the newest values.
      if (!small && (plot.cursor.idx ?? null) === null) {
        tell(host, options)(plot);
      }
    },
    remove: () => {
      sized.disconnect();
      plot.destroy();
    },
  };
}

function scalesOf(small: boolean): uPlot.Scales {
  return {
    x: { time: false },
    y: { range: (_, low, high) => [Math.min(0, low), top(high, small)] },
  };
}

function tellClicks(plot: uPlot, { onMoment }: ChartOptions): void {
  plot.over.addEventListener("click", () => {
    const { idx } = plot.cursor;
    const time = typeof idx === "number" ? plot.data[0][idx] : undefined;
    if (time !== undefined) onMoment?.(time);
  });
}

/** A line from top to bottom. */
function drawMoment(
  { ctx, bbox, valToPos, scales }: uPlot,
  moment: number | null,
  stroke: string,
): void {
  const { min, max } = scales["x"]!;
  const known = typeof min === "number" && typeof max === "number";
  if (moment === null || !known || moment < min || moment > max) return;
  const x = Math.round(valToPos(moment, "x", true));
  ctx.save();
  ctx.strokeStyle = stroke;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** Steps between values: half an entry would be written as a whole one. */
const WHOLE_STEPS = Array.from({ length: 12 }, (_, power) => 10 ** power)
  .flatMap((power) => [power, 2 * power, 5 * power]);

/** Times below, values at the side; none where lines stand beside a number. */
function axesOf(
  options: ChartOptions,
  colour: (name: string) => string,
  width: () => number,
): uPlot.Axis[] {
  const axis: uPlot.Axis = {
    show: !options.small,
    stroke: colour("text-3"),
    font: `11px ${colour("sans")}`,
    grid: { stroke: colour("border"), width: 1 },
    ticks: { show: false },
  };
  return [
    {
      ...axis,
      space: 90,
      grid: { show: false },
      values: (_, marks) => textsOf(marks, options),
      size: 26,
      splits: (_, __, low, high) => roundTimes(low, high, width()),
    },
    {
      ...axis,
      space: 36,
      incrs: WHOLE_STEPS,
      size: widthOf,
      values: (_, marks) => marks.map(options.format),
    },
  ];
}

/** Px of the longest text of the axis, in steps: the lines do not jump with every digit. */
function widthOf(
  plot: uPlot,
  texts: readonly string[] | null,
  which: number,
  cycle: number,
): number {
  const axis = plot.axes[which]! as uPlot.Axis & {
    readonly font: readonly string[];
    readonly _size: number;
  };
  // A second measure could go on for ever.
  if (cycle > 1) return axis._size;
  plot.ctx.font = axis.font[0]!;
  const widest = Math.max(
    0,
    ...(texts ?? []).map((text) => plot.ctx.measureText(text).width),
  );
  return 8 * Math.ceil(widest / devicePixelRatio / 8) + 8;
}

function strokeOf(
  line: Line,
  small: boolean,
  colour: (name: string) => string,
): uPlot.Series {
  const stroke = colour(`series-${line.series}`);
  return {
    label: line.label,
    stroke,
    width: 1.5,
    points: { show: false },
    spanGaps: false,
    ...(small ? { fill: `${stroke}1f` } : {}),
    ...(line.dashed === true ? { dash: [5, 4] } : {}),
  };
}

function dataOf(
  times: readonly number[],
  lines: readonly Line[],
): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values])];
}

/** Room above the highest point; a line at zero lies on the ground. With an axis at least four, or its marks would be the same number several times. */
function top(high: number | null, small: boolean): number {
  const least = small ? 1 : 4;
  if (high === null || high <= 0) return least;
  return small ? high * 1.15 : Math.max(least, high * 1.15);
}

const MINUTE_MS = 60_000;

/** Times, with their seconds where minutes alone do not tell them apart. */
function textsOf(
  marks: readonly number[],
  { formatClock, formatTime }: ChartOptions,
): string[] {
  const whole = marks.every((mark) => mark % MINUTE_MS === 0);
  return marks.map(whole ? formatClock : formatTime);
}

const STEPS_MS = [0.25, 0.5, 1, 2, 5, 15, 30, 60, 120, 240, 480, 720]
  .map((minutes) => minutes * MINUTE_MS);

/** Whole quarters of a minute, minutes or hours, so many that their texts have room. */
function roundTimes(low: number, high: number, width: number): number[] {
  // Seconds make a text longer.
  const room = (step: number): number => step % MINUTE_MS === 0 ? 64 : 92;
  const step =
    STEPS_MS.find((each) => (high - low) / each * room(each) <= width) ??
      STEPS_MS.at(-1)!;
  // A text at the edge would be cut off.
  const edge = (high - low) * 20 / width;
  const times: number[] = [];
  for (
    let at = Math.ceil((low + edge) / step) * step;
    at <= high - edge;
    at += step
  ) {
    times.push(at);
  }
  return times;
}

/** So many of the newest points may be missing of what is now. */
const LATE_POINTS = 5;

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}

/** Writes what is under the cursor, or what is now, into the chart's own line of text. */
function tell(
  host: HTMLElement,
  options: ChartOptions,
): (plot: uPlot) => void {
  return (plot) => {
    const line = host.parentElement?.querySelector<HTMLElement>(".under");
    if (line === null || line === undefined) return;
    const { idx } = plot.cursor;
    const pointed = idx !== null && idx !== undefined;
    const at = pointed ? idx : plot.data[0].length - 1;
    const time = plot.data[0][at];
    line.textContent = time === undefined ? "" : [
      pointed ? options.formatTime(time) : "now",
      ...options.lines.map(({ label }, series) => {
        const values = plot.data[series + 1]!;
        // A member that tells of itself a little late is no gap.
        const value = pointed
          ? values[at]
          : [...values].slice(-LATE_POINTS).findLast(isNumber);
        return `${label} ${
          value === null || value === undefined ? "–" : options.format(value)
        }`;
      }),
    ].join(" · ");
  };
}
