/** A curve, or a family of them. */
interface Query {
  /** PromQL. */
  readonly expr: string;
  /** How each curve is called. */
  readonly legend: string;
}

/** A chart. */
interface Chart {
  readonly title: string;
  /** In Grafana's words: `s`, `bytes`, `ops`, `short`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  /** A number instead of curves. */
  readonly stat?: true;
}

/** A row of charts under a title. */
interface ChartRow {
  readonly title: string;
  readonly charts: readonly Chart[];
}

/** Of the chosen members. */
const OF = 'job="$cluster",instance=~"$member"';
const DB = `{${OF},group="db"}`;
const MEMBER = "{{instance}}";

const ROWS: readonly ChartRow[] = [
  {
    title: "Overview",
    charts: [
      stat("Members that are ready", `sum(hiqlite_ready{${OF}})`),
      stat("Members that lead", `sum(hiqlite_is_leader${DB})`),
      stat("Term", `max(hiqlite_raft_term${DB})`),
      stat(
        "Members whose state differs",
        `sum(hiqlite_state_differs{${OF}})`,
      ),
      curves("Writes per second", "ops", [
        [
          `sum by (instance) (rate(hiqlite_writes_total{${OF}}[$__rate_interval]))`,
          MEMBER,
        ],
      ]),
      curves("Queries per second", "ops", [
        [
          `sum by (instance) (rate(hiqlite_queries_total{${OF}}[$__rate_interval]))`,
          MEMBER,
        ],
      ]),
      curves("Writes that failed, per second", "ops", [
        [
          `sum by (instance, result) (rate(hiqlite_writes_total{${OF},result!="ok"}[$__rate_interval]))`,
          `${MEMBER} {{result}}`,
        ],
      ]),
      curves("Leader changes in 15 minutes", "short", [
        [`increase(hiqlite_leader_changes_total${DB}[15m])`, MEMBER],
      ]),
    ],
  },
  {
    title: "Latency",
    charts: [
      curves("Writes: p50, p99", "s", [
        quantile("hiqlite_commit_seconds", 0.5),
        quantile("hiqlite_commit_seconds", 0.99),
      ]),
      curves("Queries: p99", "s", [quantile("hiqlite_query_seconds", 0.99)]),
      curves("fsync: p50, p99", "s", [
        quantile("hiqlite_fsync_seconds", 0.5),
        quantile("hiqlite_fsync_seconds", 0.99),
      ]),
      curves("Round trips between members: p99", "s", [
        quantile("hiqlite_peer_rtt_seconds", 0.99, "member"),
      ]),
      curves("Entries behind", "short", [
        [
          `scalar(max(hiqlite_raft_commit_index${DB})) - hiqlite_raft_applied_index${DB}`,
          MEMBER,
        ],
      ]),
      curves("Writes that wait", "short", [
        [`hiqlite_writes_outstanding{${OF}}`, MEMBER],
      ]),
      curves("Event loop late: p99", "s", [
        quantile("hiqlite_event_loop_lag_seconds", 0.99),
      ]),
      curves("Since another member was heard", "s", [
        [`hiqlite_last_contact_seconds{${OF}}`, `${MEMBER} of {{member}}`],
      ]),
    ],
  },
  {
    title: "Disk",
    charts: [
      curves("Database and its write-ahead log", "bytes", [
        [`hiqlite_db_bytes{${OF}}`, MEMBER],
        [`hiqlite_wal_bytes{${OF}}`, `${MEMBER} WAL`],
      ]),
      curves("Raft logs", "bytes", [
        [`hiqlite_log_bytes{${OF}}`, `${MEMBER} {{group}}`],
      ]),
      curves("Room on the disk", "bytes", [
        [`hiqlite_disk_free_bytes{${OF}}`, MEMBER],
      ]),
      curves("Snapshots", "short", [
        [
          `increase(hiqlite_snapshots_total${DB}[$__rate_interval])`,
          `${MEMBER} {{kind}}`,
        ],
      ]),
      curves("Age of the last backup", "s", [
        [
          `time() - (max(hiqlite_backup_last_success_timestamp_seconds{${OF}}) > 0)`,
          "backup",
        ],
      ]),
      curves("Caches", "bytes", [
        [`sum by (instance) (hiqlite_cache_bytes{${OF}})`, MEMBER],
      ]),
    ],
  },
];

const WIDTH = 24;
const CHART = { w: 12, h: 8 };
const STAT = { w: 6, h: 4 };

/** A dashboard for Grafana, as JSON to import. */
export function grafanaDashboard(): string[] {
  return JSON.stringify(
    {
      title: "Hiqlite",
      uid: "hiqlite",
      tags: ["hiqlite"],
      timezone: "browser",
      schemaVersion: 39,
      refresh: "10s",
      time: { from: "now-1h", to: "now" },
      templating: {
        list: [
          {
            name: "datasource",
            label: "Data source",
            type: "datasource",
            query: "prometheus",
          },
          variable("cluster", "Cluster", "label_values(hiqlite_ready, job)"),
          {
            ...variable(
              "member",
              "Member",
              'label_values(hiqlite_ready{job="$cluster"}, instance)',
            ),
            includeAll: true,
            multi: true,
            current: { text: "All", value: "$__all" },
          },
        ],
      },
      panels: panels(),
    },
    null,
    2,
  ).split("\n");
}

const SOURCE = { type: "prometheus", uid: "${datasource}" };

function panels(): unknown[] {
  const placed: unknown[] = [];
  let y = 0;
  let id = 0;
  for (const { title, charts } of ROWS) {
    const gridPos = { x: 0, y, w: WIDTH, h: 1 };
    placed.push({ id: ++id, type: "row", title, gridPos, panels: [] });
    y++;
    let x = 0;
    let height = 0;
    for (const chart of charts) {
      const { w, h } = chart.stat ? STAT : CHART;
      if (x + w > WIDTH || height !== h && x > 0) {
        x = 0;
        y += height;
      }
      height = h;
      placed.push(panel(++id, chart, { x, y, w, h }));
      x += w;
    }
    y += height;
  }
  return placed;
}

function panel(id: number, chart: Chart, gridPos: object): object {
  return {
    id,
    type: chart.stat ? "stat" : "timeseries",
    title: chart.title,
    datasource: SOURCE,
    gridPos,
    fieldConfig: { defaults: { unit: chart.unit, min: 0 }, overrides: [] },
    targets: chart.queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: SOURCE,
      expr,
      legendFormat: legend,
    })),
  };
}

function variable(name: string, label: string, query: string): object {
  return { name, label, type: "query", datasource: SOURCE, query, refresh: 2 };
}

function stat(title: string, expr: string): Chart {
  const queries = [{ expr, legend: "" }];
  return { title, unit: "short", queries, stat: true };
}

function curves(
  title: string,
  unit: string,
  queries: readonly (readonly [expr: string, legend: string])[],
): Chart {
  const named = queries.map(([expr, legend]) => ({ expr, legend }));
  return { title, unit, queries: named };
}

function quantile(
  metric: string,
  share: number,
  label?: string,
): readonly [string, string] {
  const by = ["instance", ...(label === undefined ? [] : [label]), "le"];
  const to = label === undefined ? "" : ` to {{${label}}}`;
  return [
    `histogram_quantile(${share}, sum by (${
      by.join(", ")
    }) (rate(${metric}_bucket{${OF}}[$__rate_interval])))`,
    `${MEMBER}${to} p${share * 100}`,
  ];
}
