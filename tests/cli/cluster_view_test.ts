import assert from "node:assert/strict";
import type { ClusterStatus } from "../../src/node/port.ts";
import type { MemberSight } from "../../src/node/telemetry_port.ts";
import {
  type ClusterView,
  judge,
  viewLines,
  viewToJson,
} from "../../src/cli/cluster_view.ts";
import { bytesText, durationText } from "../../src/cli/amount_text.ts";
import { report } from "../telemetry/reports.ts";

const IDS = [1, 2, 3];

/** Three members, the first of which leads; `silent` are not reached. */
function view(
  sights: readonly MemberSight[] = IDS.map((id) => sight(id)),
  silent: readonly number[] = [],
  leader: string | null = report(1).member,
): ClusterView {
  const group = {
    self: report(1).member,
    leader,
    term: 7,
    commitIndex: 100,
    appliedIndex: 100,
    lastIndex: 100,
    firstIndex: 1,
    joint: false,
    members: IDS.map((nodeId) => ({
      id: report(nodeId).member,
      nodeId,
      raftAddress: `h${nodeId}:8100`,
      apiAddress: `h${nodeId}:8200`,
      role: nodeId === 1 ? "leader" as const : "voter" as const,
      connected: !silent.includes(nodeId),
      matchIndex: null,
    })),
  };
  const status: ClusterStatus = {
    ...group,
    clusterId: "c0ffee",
    groups: [{ ...group, name: "db" }],
  };
  return { status, sights };
}

function sight(
  nodeId: number,
  given: Parameters<typeof report>[1] = {},
  ageMs = 100,
): MemberSight {
  return {
    nodeId,
    member: report(nodeId).member,
    connected: true,
    ageMs,
    report: report(nodeId, given),
  };
}

/** The reports of all, but for the second one's. */
function but(second: MemberSight): MemberSight[] {
  return [sight(1), second, sight(3)];
}

const CASES: readonly (readonly [
  title: string,
  view: ClusterView,
  health: string,
  problems: readonly string[],
])[] = [
  ["all are well", view(), "healthy", []],
  ["one is not reached", view(undefined, [2]), "degraded", [
    "node 2 is not reached",
  ]],
  ["two are not reached", view(undefined, [2, 3]), "no quorum", [
    "node 2 is not reached",
    "node 3 is not reached",
  ]],
  ["nobody leads", view(undefined, [], null), "no quorum", ["nobody leads"]],
  ["one hangs", view(but(sight(2, {}, 6_000))), "degraded", [
    "node 2 has said nothing for 6.0 s",
  ]],
  ["one said nothing yet", view([sight(1), sight(3)]), "degraded", [
    "node 2 says nothing",
  ]],
  ["one is not ready", view(but(sight(2, { ready: "waits" }))), "degraded", [
    "node 2 is not ready: waits",
  ]],
  ["one has no room", view(but(sight(2, { diskFull: true }))), "degraded", [
    "node 2 has no room",
  ]],
  [
    "one is doubted",
    view(but(sight(2, { quarantine: "it is rebuilt" }))),
    "degraded",
    ["node 2 serves nobody: it is rebuilt"],
  ],
  [
    "one is far behind",
    view([
      sight(1, { commitIndex: 20_000, appliedIndex: 20_000 }),
      sight(2, {
        appliedIndex: 9_999,
      }),
      sight(3, { appliedIndex: 10_000 }),
    ]),
    "degraded",
    ["node 2 is 10001 entries behind"],
  ],
  [
    "one has another state",
    view(but(sight(2, { checksum: { index: 96, hash: 9 } }))),
    "degraded",
    ["the states of node 1 and node 2 differ at index 96"],
  ],
  [
    "checksums of different places say nothing",
    view(but(sight(2, { checksum: { index: 97, hash: 9 } }))),
    "healthy",
    [],
  ],
];

for (const [title, seen, health, problems] of CASES) {
  Deno.test(`a cluster is judged: ${title}`, () => {
    assert.deepEqual(judge(seen), { health, problems });
    const lines = viewLines(seen).join("\n");
    for (const problem of problems) assert.ok(lines.includes(problem), lines);
    const json = viewToJson(seen) as Record<string, unknown>;
    assert.equal(json["health"], health.replace(" ", "_"));
    assert.deepEqual(json["problems"], problems);
  });
}

Deno.test("reports are shown as a table, and what a member says moves no cursor", () => {
  const lines = viewLines(view(but(sight(2, { version: "1\x1b[2J\n2" }))));
  const [titles] = lines.filter((line) => line.startsWith("NODE    SAID"));
  assert.match(titles!, /UP +APPLIED +LAG +CONTACT +FSYNC P99 +WRITE P99/);
  assert.ok(
    lines.some((line) =>
      /^2 .*100 ms .*1 min .*4\.1 kB .* 1\u241b\[2J\u240a2$/.test(line)
    ),
    lines.join("\n"),
  );
});

for (
  const [ms, text] of [
    [0, "0 ms"],
    [0.04, "0.04 ms"],
    [0.44, "0.4 ms"],
    [12.4, "12 ms"],
    [999.4, "999 ms"],
    [1_500, "1.5 s"],
    [59_000, "59 s"],
    [60_000, "1 min"],
    [3_600_000 * 3 + 60_000 * 20, "3 h 20 min"],
    [86_400_000 * 2, "2 d"],
    [86_400_000 * 4 + 3_600_000 * 2, "4 d 2 h"],
  ] as const
) {
  Deno.test(`${ms} ms are ${text}`, () => assert.equal(durationText(ms), text));
}

for (
  const [bytes, text] of [
    [0, "0 B"],
    [999, "999 B"],
    [4_096, "4.1 kB"],
    [41e9, "41 GB"],
    [1e15, "1000 TB"],
  ] as const
) {
  Deno.test(`${bytes} bytes are ${text}`, () =>
    assert.equal(bytesText(bytes), text));
}
