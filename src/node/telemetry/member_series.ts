import type { NodeId } from "../../raft/types.ts";
import { type Merge, SeriesRing } from "../../telemetry/series_ring.ts";
import {
  type MemberReport,
  type MemberSeries,
  type Series,
  SERIES_COLUMNS,
  type SeriesColumn,
  type SeriesRequest,
} from "../telemetry_port.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const SECONDS_KEPT = 15 * 60;
const MINUTES_KEPT = 24 * 60;

/** Rates are averaged; of everything else the worst counts. */
const MERGES: readonly Merge[] = SERIES_COLUMNS.map((column) =>
  column.endsWith("PerSecond") ? "mean" : "worst"
);

interface Rings {
  readonly seconds: SeriesRing;
  readonly minutes: SeriesRing;
  last: MemberReport | null;
}

/** How members were over time, from their reports. */
export class SeriesOfMembers {
  readonly #members = new Map<NodeId, Rings>();

  /** A member said something; `nowMs` is this member's wall clock, and `commitIndex` the highest that anybody knows. */
  add(report: MemberReport, commitIndex: number, nowMs: number): void {
    const rings = this.#members.get(report.nodeId) ?? {
      seconds: new SeriesRing(SECONDS_KEPT, SECOND_MS, MERGES),
      minutes: new SeriesRing(MINUTES_KEPT, MINUTE_MS, MERGES),
      last: null,
    };
    this.#members.set(report.nodeId, rings);
    const point = pointOf(report, rings.last, commitIndex);
    const values = SERIES_COLUMNS.map((column) => point[column]);
    rings.last = report;
    rings.seconds.put(nowMs, values);
    rings.minutes.put(nowMs, values);
  }

  /** A member is gone for good. */
  forget(node: NodeId): void {
    this.#members.delete(node);
  }

  /** See {@linkcode MemberTelemetry.series}. */
  read({ stepMs = SECOND_MS, fromMs = 0 }: SeriesRequest): Series {
    const members = [...this.#members]
      .sort(([a], [b]) => a - b)
      .map(([nodeId, { seconds, minutes }]): MemberSeries => {
        const ring = stepMs === SECOND_MS ? seconds : minutes;
        const { atMs, columns } = ring.read(fromMs);
        return {
          nodeId,
          atMs,
          columns: Object.fromEntries(
            SERIES_COLUMNS.map((column, i) => [column, columns[i]!]),
          ) as unknown as MemberSeries["columns"],
        };
      });
    return { stepMs, members };
  }
}

/** Rates need the report before it, of the same process. */
function pointOf(
  report: MemberReport,
  before: MemberReport | null,
  commitIndex: number,
): Record<SeriesColumn, number | null> {
  const passedMs = before === null ? 0 : report.uptimeMs - before.uptimeMs;
  const rate = (total: (report: MemberReport) => number): number | null =>
    passedMs > 0
      ? Math.max(0, total(report) - total(before!)) * 1000 / passedMs
      : null;
  return {
    writesPerSecond: rate(({ writes }) => writes),
    failedPerSecond: rate(({ writesFailed }) => writesFailed),
    queriesPerSecond: rate(({ queries }) => queries),
    commitP50Ms: report.commit?.p50Ms ?? null,
    commitP99Ms: report.commit?.p99Ms ?? null,
    queryP99Ms: report.query?.p99Ms ?? null,
    fsyncP99Ms: report.fsync?.p99Ms ?? null,
    pending: report.pending,
    lag: Math.max(0, commitIndex - report.appliedIndex),
    loopLagMs: report.loopLagMs,
    leads: Number(report.role === "leader"),
  };
}
