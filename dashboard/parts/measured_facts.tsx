import type { VNode } from "preact";
import type { MemberReport } from "../../src/node/telemetry_port.ts";
import { formatBytes, formatDuration, formatMs } from "../format.ts";
import { databaseBytes } from "../health.ts";

/** What a member measured of itself and where it is, as terms of a list. */
export function MeasuredFacts(
  { report, raftAddress, apiAddress }: {
    readonly report: MemberReport | null;
    readonly raftAddress: string;
    readonly apiAddress: string;
  },
): VNode {
  return (
    <>
      <dt>fsync p50 · p99</dt>
      <dd>{percentiles(report?.fsync)}</dd>
      <dt>Database · log</dt>
      <dd>
        {formatBytes(databaseBytes(report))} · {formatBytes(report?.logBytes)}
      </dd>
      <dt>Free on its disk</dt>
      <dd>{formatBytes(report?.diskFreeBytes)}</dd>
      <dt>Up for</dt>
      <dd>{formatDuration(report?.uptimeMs)}</dd>
      <dt>Version</dt>
      <dd>{report?.version ?? "–"}</dd>
      <dt>Raft</dt>
      <dd class="mono">{raftAddress}</dd>
      <dt>API</dt>
      <dd class="mono">{apiAddress}</dd>
    </>
  );
}

/** Both of them, or that nothing happened lately. */
export function percentiles(
  durations: MemberReport["fsync"] | undefined,
): string {
  return durations === null || durations === undefined
    ? "–"
    : `${formatMs(durations.p50Ms)} · ${formatMs(durations.p99Ms)}`;
}
