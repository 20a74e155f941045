import { BUCKETS_MS, type Histogram } from "../../telemetry/histogram.ts";
import type { Outcomes } from "../../telemetry/outcomes.ts";
import type { Measures } from "../telemetry/own_report.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** What {@linkcode OF_TELEMETRY} looks at. */
export interface TelemetryMetrics {
  readonly telemetry: Pick<
    Telemetry,
    "sizes" | "quarantine" | "groups" | "exchange" | "contacts"
  >;
  readonly measures: Measures;
  readonly writes: Outcomes;
  readonly queries: Outcomes;
  /** How late the event loop served its timer. */
  readonly loopLag: Histogram;
  /** Whether this member's state is not another's, as far as is known. */
  readonly stateDiffers: boolean;
}

/** What this member measures; samples as they follow the name. */
export const OF_TELEMETRY: readonly (readonly [
  name: string,
  type: "gauge" | "counter" | "histogram",
  help: string,
  samples: (parts: TelemetryMetrics) => readonly string[],
])[] = [
  [
    "fsync_seconds",
    "histogram",
    "fdatasync of the database's log",
    ({ measures }) => histogramLines(measures.syncs.all),
  ],
  [
    "commit_seconds",
    "histogram",
    "SQL writes of this member's clients, until they are answered",
    ({ writes }) => histogramLines(writes.times.all),
  ],
  [
    "query_seconds",
    "histogram",
    "Queries of this member's clients, streams until their first row; without those on the calling thread",
    ({ queries }) => histogramLines(queries.times.all),
  ],
  [
    "peer_rtt_seconds",
    "histogram",
    "Round trips to another member",
    ({ telemetry }) =>
      [...telemetry.exchange.times].flatMap(([node, { all }]) =>
        histogramLines(all, `member="${node}"`)
      ),
  ],
  [
    "event_loop_lag_seconds",
    "histogram",
    "By how much the event loop was late for its timer",
    ({ loopLag }) => histogramLines(loopLag),
  ],
  [
    "writes_total",
    "counter",
    "SQL writes of this member's clients, by what came of them: ok or the code of an error",
    ({ writes }) => outcomeLines(writes),
  ],
  [
    "queries_total",
    "counter",
    "Queries of this member's clients, likewise, those on the calling thread with them",
    ({ queries }) => outcomeLines(queries),
  ],
  [
    "last_contact_seconds",
    "gauge",
    "Since anything came from another member",
    ({ telemetry: { contacts } }) =>
      contacts.nodes.map((node) =>
        `{member="${node}"} ${contacts.ageMs(node)! / 1000}`
      ),
  ],
  [
    "leader_changes_total",
    "counter",
    "Times that another member than before began to lead",
    ({ telemetry }) =>
      telemetry.groups.map(({ name, leaderChanges }) =>
        `{group="${name}"} ${leaderChanges}`
      ),
  ],
  [
    "snapshots_total",
    "counter",
    "Snapshots, by what became of them here",
    ({ telemetry }) =>
      telemetry.groups.flatMap(({ name, snapshots }) =>
        Object.entries(snapshots).map(([kind, count]) =>
          `{group="${name}",kind="${kind}"} ${count}`
        )
      ),
  ],
  [
    "snapshot_last_success_timestamp_seconds",
    "gauge",
    "When a snapshot was last built, sent or installed here, Unix seconds; 0: not since the start",
    ({ telemetry }) =>
      telemetry.groups.map(({ name, snapshotMs }) =>
        `{group="${name}"} ${snapshotMs / 1000}`
      ),
  ],
  [
    "db_bytes",
    "gauge",
    "Bytes of the database's file",
    ({ telemetry }) => [` ${telemetry.sizes.dbBytes}`],
  ],
  [
    "wal_bytes",
    "gauge",
    "Bytes of SQLite's write-ahead log beside it",
    ({ telemetry }) => [` ${telemetry.sizes.walBytes}`],
  ],
  [
    "disk_free_bytes",
    "gauge",
    "Room on the disk of the database; absent if the system does not say",
    ({ telemetry: { sizes } }) =>
      sizes.diskFreeBytes === null ? [] : [` ${sizes.diskFreeBytes}`],
  ],
  [
    "state_differs",
    "gauge",
    "1 while this member's state is known to differ from another's",
    ({ stateDiffers }) => [` ${Number(stateDiffers)}`],
  ],
  [
    "quarantined",
    "gauge",
    "1 while this member serves nobody since its data is doubted or being replaced",
    ({ telemetry }) => [` ${Number(telemetry.quarantine !== null)}`],
  ],
  [
    "build_info",
    "gauge",
    "The version of this member's program",
    ({ measures }) => [`{version=${labelValue(measures.version)}} 1`],
  ],
];

function histogramLines(histogram: Histogram, label = ""): string[] {
  const before = label === "" ? "" : `${label},`;
  const after = label === "" ? "" : `{${label}}`;
  let count = 0;
  const buckets = Array.from(histogram.counts, (inBucket, i) => {
    count += inBucket;
    const end = BUCKETS_MS[i];
    const le = end === undefined ? "+Inf" : `${end / 1000}`;
    return `_bucket{${before}le="${le}"} ${count}`;
  });
  return [
    ...buckets,
    `_sum${after} ${histogram.sumMs / 1000}`,
    `_count${after} ${count}`,
  ];
}

function outcomeLines({ done, failures }: Outcomes): string[] {
  return [
    `{result="ok"} ${done}`,
    ...[...failures].map(([code, count]) => `{result="${code}"} ${count}`),
  ];
}

function labelValue(text: string): string {
  return `"${
    text.replaceAll(
      /[\\"\n]/g,
      (found) => found === "\n" ? "\\n" : `\\${found}`,
    )
  }"`;
}
