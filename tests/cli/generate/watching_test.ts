import assert from "node:assert/strict";
import { join } from "node:path";
import { Cluster } from "../../node/cluster.ts";
import { PROMTOOL } from "../../cluster/requirements.ts";
import { run } from "../fake_terminal.ts";

/** Names of metrics that a text with PromQL mentions. */
function namesIn(text: string): Set<string> {
  return new Set(text.match(/\bhiqlite_\w+/g) ?? []);
}

/** Every name under which a member prints samples, a histogram's with its endings. */
async function printed(): Promise<Set<string>> {
  await using cluster = new Cluster(1);
  await cluster.startAll();
  const names = new Set<string>();
  for (
    const [, name, type] of cluster.node(1).metrics()
      .matchAll(/^# TYPE (\S+) (\S+)$/gm)
  ) {
    if (type !== "histogram") names.add(name!);
    else {for (const end of ["bucket", "sum", "count"]) {
        names.add(`${name}_${end}`);
      }}
  }
  return names;
}

async function textOf(kind: "grafana" | "alerts"): Promise<string> {
  const { code, out, error } = await run(["generate", kind]);
  assert.deepEqual([code, error], [0, ""]);
  return out;
}

Deno.test("alerts and dashboard speak of metrics that a member prints, and of no others", async () => {
  const known = await printed();
  for (const kind of ["grafana", "alerts"] as const) {
    const used = namesIn(await textOf(kind));
    assert.ok(used.size > 10, kind);
    assert.deepEqual([...used].filter((name) => !known.has(name)), [], kind);
  }
});

Deno.test("the dashboard is JSON whose charts lie beside and below one another", async () => {
  const { panels, templating } = JSON.parse(await textOf("grafana"));
  assert.deepEqual(
    templating.list.map(({ name }: { name: string }) => name),
    ["datasource", "cluster", "member"],
  );
  const taken = new Set<string>();
  for (const { gridPos: { x, y, w, h } } of panels) {
    assert.ok(x + w <= 24);
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        const place = `${column} ${line}`;
        assert.ok(!taken.has(place), `two charts at ${place}`);
        taken.add(place);
      }
    }
  }
  const ids = panels.map(({ id }: { id: number }) => id);
  assert.equal(new Set(ids).size, ids.length);
});

Deno.test("each alert has an expression, a severity and what to do", async () => {
  const rules = (await textOf("alerts")).split("      - alert: ").slice(1);
  assert.ok(rules.length > 10);
  const names = rules.map((rule) => rule.split("\n")[0]!);
  assert.equal(new Set(names).size, names.length);
  for (const rule of rules) {
    for (const key of ["expr", "summary", "description"]) {
      const [, text] = new RegExp(`^ +${key}: (".*")$`, "m").exec(rule) ?? [];
      assert.ok(JSON.parse(text ?? '""') !== "", `${key} of ${rule}`);
    }
    assert.match(rule, /^ +severity: (critical|warning)$/m);
  }
});

/** What alerts at which minute, by the series that Prometheus sees. */
const CASES = `
rule_files: [alerts.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - series: 'hiqlite_has_leader{job="a",instance="1",group="db"}'
        values: '0x10'
      - series: 'hiqlite_has_leader{job="b",instance="1",group="db"}'
        values: '0x10'
      - series: 'hiqlite_has_leader{job="b",instance="2",group="db"}'
        values: '1x10'
      - series: 'hiqlite_raft_commit_index{job="b",instance="1",group="db"}'
        values: '20000x10'
      - series: 'hiqlite_raft_applied_index{job="b",instance="1",group="db"}'
        values: '20000x10'
      - series: 'hiqlite_raft_applied_index{job="b",instance="2",group="db"}'
        values: '9000x10'
      - series: 'hiqlite_quarantined{job="b",instance="2"}'
        values: '0 1'
    alert_rule_test:
      - eval_time: 5m
        alertname: HiqliteNoLeader
        exp_alerts:
          - exp_labels: { severity: critical, job: a }
            exp_annotations: %NoLeader
      - eval_time: 9m
        alertname: HiqliteLag
        exp_alerts:
          - exp_labels: { severity: warning, job: b, instance: "2", group: db }
            exp_annotations: %Lag
      - eval_time: 0m
        alertname: HiqliteQuarantined
        exp_alerts: []
      - eval_time: 1m
        alertname: HiqliteQuarantined
        exp_alerts:
          - exp_labels: { severity: critical, job: b, instance: "2" }
            exp_annotations: %Quarantined
`;

Deno.test({
  name: "promtool finds the alerts right, and they fire when they should",
  ignore: (await PROMTOOL.obstacle()) !== "",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const rules = await textOf("alerts");
      await Deno.writeTextFile(join(folder, "alerts.yml"), rules);
      const annotations = (alert: string): string => {
        const [, summary, description] = new RegExp(
          `alert: Hiqlite${alert}\n[\\s\\S]*?summary: (".*")\n +description: (".*")`,
        ).exec(rules)!;
        return `{ summary: ${
          summary!.replaceAll("{{ $labels.instance }}", "2")
        }, description: ${description} }`;
      };
      const cases = CASES.replaceAll(
        /%(\w+)/g,
        (_, alert) => annotations(alert),
      );
      await Deno.writeTextFile(join(folder, "cases.yml"), cases);
      for (
        const args of [["check", "rules", "alerts.yml"], [
          "test",
          "rules",
          "cases.yml",
        ]]
      ) {
        const { success, stdout, stderr } = await new Deno.Command("promtool", {
          args,
          cwd: folder,
        }).output();
        const said = new TextDecoder().decode(stdout) +
          new TextDecoder().decode(stderr);
        assert.ok(success, said);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
