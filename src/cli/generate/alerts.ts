/** A rule of Prometheus. */
interface Alert {
  readonly name: string;
  /** PromQL; the alert fires for each series that it gives. */
  readonly expr: string;
  /** How long it must hold; left out: at once. */
  readonly lasts?: string;
  readonly severity: "critical" | "warning";
  /** What is wrong, in a line. */
  readonly summary: string;
  /** What to do. */
  readonly advice: string;
}

/** Of the group in which the database is. */
const DB = '{group="db"}';

const ALERTS: readonly Alert[] = [
  {
    name: "HiqliteNoLeader",
    expr: `max by (job) (hiqlite_has_leader${DB}) == 0`,
    lasts: "1m",
    severity: "critical",
    summary: "No member knows a leader: writes are refused.",
    advice:
      "A majority of the voters must run and reach one another; hiqlite cluster status shows which do.",
  },
  {
    name: "HiqliteQuorumAtRisk",
    expr:
      `max by (job) (hiqlite_raft_members_connected${DB}) <= max by (job) (hiqlite_raft_members${DB}) / 2`,
    lasts: "3m",
    severity: "critical",
    summary: "No member reaches a majority.",
    advice:
      "Start the members that are down, or mend the network between them.",
  },
  {
    name: "HiqliteMemberDown",
    expr:
      `max by (job) (hiqlite_raft_members_connected${DB}) < max by (job) (hiqlite_raft_members${DB})`,
    lasts: "10m",
    severity: "warning",
    summary: "A member is not reached by any other one.",
    advice:
      "hiqlite cluster status names it; start it, or remove it if it is gone for good.",
  },
  {
    name: "HiqliteNotReady",
    expr: "hiqlite_ready == 0",
    lasts: "10m",
    severity: "warning",
    summary: "{{ $labels.instance }} is not fit for traffic.",
    advice: "Its /ready says why.",
  },
  {
    name: "HiqliteLeaderChanges",
    expr:
      `max by (job) (increase(hiqlite_leader_changes_total${DB}[15m])) >= 4`,
    severity: "warning",
    summary: "Leadership changed four times or more in 15 minutes.",
    advice:
      "hiqlite cluster events says why; slow disks, a busy machine and lost packets are the usual reasons.",
  },
  {
    name: "HiqliteWritesSlow",
    expr: quantile("hiqlite_commit_seconds", "0.25"),
    lasts: "10m",
    severity: "warning",
    summary:
      "One of 100 writes of {{ $labels.instance }} takes 0.25 s or more.",
    advice: "Look at fsync, round trips and the load of the machines.",
  },
  {
    name: "HiqliteDiskSlow",
    expr: quantile("hiqlite_fsync_seconds", "0.5"),
    lasts: "10m",
    severity: "warning",
    summary:
      "One of 100 syncs of {{ $labels.instance }}'s disk takes 0.5 s or more.",
    advice: "Writes wait for it: find out who else uses the disk.",
  },
  {
    name: "HiqliteDiskVerySlow",
    expr: quantile("hiqlite_fsync_seconds", "1"),
    lasts: "10m",
    severity: "critical",
    summary:
      "One of 100 syncs of {{ $labels.instance }}'s disk takes a second or more.",
    advice: "Writes wait for it, and leadership may be lost over it.",
  },
  {
    name: "HiqliteNetworkSlow",
    expr: quantile("hiqlite_peer_rtt_seconds", "0.15", "member"),
    lasts: "10m",
    severity: "warning",
    summary:
      "One of 100 round trips from {{ $labels.instance }} to member {{ $labels.member }} takes 0.15 s or more.",
    advice: "Writes take at least a round trip to a majority.",
  },
  {
    name: "HiqliteLag",
    expr:
      `max by (job) (hiqlite_raft_commit_index${DB}) - on (job) group_right () hiqlite_raft_applied_index${DB} > 10000`,
    lasts: "5m",
    severity: "warning",
    summary: "{{ $labels.instance }} is more than 10,000 entries behind.",
    advice: "Its reads are old; look at its disk and its load.",
  },
  {
    name: "HiqliteDiskFillsUp",
    expr: "predict_linear(hiqlite_disk_free_bytes[1h], 4 * 3600) < 0",
    lasts: "15m",
    severity: "warning",
    summary: "The disk of {{ $labels.instance }} is full in four hours.",
    advice: "Make room, or give the volume more.",
  },
  {
    name: "HiqliteDiskFull",
    expr: "hiqlite_disk_full > 0",
    severity: "critical",
    summary: "{{ $labels.instance }} refuses writes for want of room.",
    advice: "Make room: it goes on by itself.",
  },
  {
    name: "HiqliteStateDiffers",
    expr: "hiqlite_state_differs > 0",
    severity: "critical",
    summary: "The state of {{ $labels.instance }} is not another member's.",
    advice: "Its log and its /ready say with whom, and since which entry.",
  },
  {
    name: "HiqliteQuarantined",
    expr: "hiqlite_quarantined > 0",
    severity: "critical",
    summary:
      "{{ $labels.instance }} serves nobody, since its data is doubted or being replaced.",
    advice: "hiqlite cluster status says why.",
  },
  {
    name: "HiqliteBackupOld",
    expr:
      "max by (job) (hiqlite_backup_last_success_timestamp_seconds) > 0 and time() - max by (job) (hiqlite_backup_last_success_timestamp_seconds) > 26 * 3600",
    severity: "warning",
    summary: "The last backup is older than 26 hours.",
    advice: "hiqlite backup list says what became of the ones since.",
  },
  {
    name: "HiqliteLoopBlocked",
    expr: quantile("hiqlite_event_loop_lag_seconds", "0.5"),
    lasts: "10m",
    severity: "warning",
    summary:
      "The event loop of {{ $labels.instance }} is blocked again and again.",
    advice:
      "The program that embeds the member, or the machine, keeps it from its peers: it gives leadership away.",
  },
  {
    name: "HiqliteCertificateEnds",
    expr: "hiqlite_tls_not_after_seconds - time() < 7 * 86400",
    lasts: "1h",
    severity: "warning",
    summary:
      "The {{ $labels.listener }} certificate of {{ $labels.instance }} ends within a week.",
    advice: "Put a new one in its place; SIGHUP has it read at once.",
  },
];

/** Rules for Prometheus: what people want to be woken for. */
export function alertRules(): string[] {
  return [
    "# Rules for Prometheus; check them with: promtool check rules <file>",
    "groups:",
    "  - name: hiqlite",
    "    rules:",
    ...ALERTS.flatMap(({ name, expr, lasts, severity, summary, advice }) => [
      `      - alert: ${name}`,
      `        expr: ${JSON.stringify(expr)}`,
      ...(lasts === undefined ? [] : [`        for: ${lasts}`]),
      "        labels:",
      `          severity: ${severity}`,
      "        annotations:",
      `          summary: ${JSON.stringify(summary)}`,
      `          description: ${JSON.stringify(advice)}`,
    ]),
  ];
}

/** Whether a p99 of five minutes is above a limit, of each member. */
function quantile(metric: string, limit: string, label?: string): string {
  const by = ["job", "instance", ...(label === undefined ? [] : [label]), "le"];
  return `histogram_quantile(0.99, sum by (${
    by.join(", ")
  }) (rate(${metric}_bucket[5m]))) > ${limit}`;
}
