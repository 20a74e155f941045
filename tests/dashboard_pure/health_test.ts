import assert from "node:assert/strict";
import type { ClusterView } from "../../dashboard/cluster_view.ts";
import {
  databaseBytes,
  differing,
  healthOf,
  identicalAt,
  membersOf,
  toleranceOf,
  withChecksums,
} from "../../dashboard/health.ts";
import type { MemberReport } from "../../src/node/telemetry_port.ts";
import { report } from "../telemetry/reports.ts";

/** How a test's cluster is. */
interface Given {
  readonly nodes?: number;
  readonly leader?: number | null;
  readonly learners?: readonly number[];
  /** Those to which there is no link. */
  readonly cut?: readonly number[];
  /** How old reports are, ms, by node. */
  readonly ages?: Readonly<Record<number, number>>;
  readonly reports?: Readonly<Record<number, Partial<MemberReport>>>;
  readonly checksums?: ClusterView["checksums"];
}

/** As node 1 sees it. */
function view(given: Given = {}): ClusterView {
  const { nodes = 3, leader = 2, learners = [], cut = [] } = given;
  const numbers = Array.from({ length: nodes }, (_, at) => at + 1);
  const group = {
    self: "1.a",
    leader: leader === null ? null : `${leader}.a`,
    term: 3,
    commit_index: 110,
    applied_index: 110,
    last_index: 110,
    first_index: 1,
    joint: false,
    members: numbers.map((node) => ({
      id: `${node}.a`,
      node_id: node,
      raft_address: "",
      api_address: "",
      role: learners.includes(node)
        ? "learner" as const
        : node === leader
        ? "leader" as const
        : "voter" as const,
      connected: !cut.includes(node),
      match_index: null,
    })),
  };
  const sights = numbers.map((node) => ({
    nodeId: node,
    member: `${node}.a`,
    connected: !cut.includes(node),
    ageMs: node === 1 ? 0 : given.ages?.[node] ?? 400,
    report: report(node, given.reports?.[node]),
  }));
  return {
    nodeId: 1,
    nowMs: 0,
    cluster: { cluster_id: "c", ...group, groups: [] },
    sights,
    checksums: withChecksums(given.checksums ?? new Map(), sights),
    series: [],
    newestEvent: 0,
  };
}

const words = (given: Given): string => {
  const { level, word, detail } = healthOf(view(given));
  return `${level}: ${word} (${detail})`;
};

Deno.test("a cluster's health in words", () => {
  assert.equal(words({}), "ok: Healthy (3 of 3 · leader n2)");
  assert.equal(words({ nodes: 1, leader: 1 }), "ok: Healthy (one member)");
  assert.equal(
    words({ cut: [3] }),
    "warning: n3 not reachable (2 of 3 · leader n2)",
  );
  assert.equal(
    words({ ages: { 3: 5000 } }),
    "warning: n3 not reachable (2 of 3 · leader n2)",
  );
  assert.equal(words({ leader: null }), "danger: No leader (3 of 3)");
  assert.equal(words({ cut: [2, 3] }), "danger: No leader (1 of 3)");
  assert.equal(
    words({ reports: { 3: { diskFull: true } } }),
    "danger: Disk full (3 of 3 · leader n2)",
  );
  assert.equal(
    words({ reports: { 1: { quarantine: "its log is damaged" } } }),
    "danger: Quarantined (3 of 3 · leader n2)",
  );
  assert.equal(
    words({ reports: { 2: { commitIndex: 5000, appliedIndex: 5000 } } }),
    "warning: n1, n3 behind (3 of 3 · leader n2)",
  );
});

Deno.test("a learner that is away takes no leader away", () => {
  assert.equal(
    words({ nodes: 4, learners: [3, 4], cut: [3, 4] }),
    "warning: n3, n4 not reachable (2 of 4 · leader n2)",
  );
});

Deno.test("lag is counted from what the furthest member has committed", () => {
  const members = membersOf(view({
    reports: { 1: { commitIndex: 300, appliedIndex: 300 } },
  }));
  assert.deepEqual(members.map(({ lag }) => lag), [0, 200, 200]);
});

Deno.test("whose state differs from most others' is named; without a majority all are", () => {
  const odd = { 3: { checksum: { index: 96, hash: 9 } } };
  assert.deepEqual(differing(view({ reports: odd })), [3]);
  assert.deepEqual(differing(view({ nodes: 2, reports: {} })), []);
  assert.deepEqual(
    differing(view({
      nodes: 2,
      reports: { 2: { checksum: { index: 96, hash: 9 } } },
    })),
    [1, 2],
  );
  assert.equal(healthOf(view({ reports: odd })).word, "Replicas differ");
});

Deno.test("checksums are compared at one index, whenever they are told", () => {
  const ahead = { 3: { checksum: { index: 128, hash: 5 } } };
  assert.equal(identicalAt(view()), 96);
  assert.equal(identicalAt(view({ reports: ahead })), null);
  const before = view().checksums;
  assert.equal(identicalAt(view({ reports: ahead, checksums: before })), 96);
  const wrong = { 3: { checksum: { index: 96, hash: 9 } } };
  assert.equal(identicalAt(view({ reports: wrong })), null);
  assert.deepEqual(differing(view({ reports: ahead })), []);
});

Deno.test("only the newest checksums are remembered", () => {
  let checksums: ClusterView["checksums"] = new Map();
  for (let index = 1; index <= 20; index++) {
    const { sights } = view({
      reports: { 1: { checksum: { index: index * 32, hash: 1 } } },
    });
    checksums = withChecksums(checksums, sights.slice(0, 1));
  }
  assert.equal(checksums.size, 8);
  assert.ok(checksums.has(640));
});

Deno.test("what a number of voters bears", () => {
  assert.equal(toleranceOf(1), "majority 1 of 1, no failure tolerated");
  assert.equal(toleranceOf(2), "majority 2 of 2, no failure tolerated");
  assert.equal(toleranceOf(3), "majority 2 of 3, tolerates 1 failure");
  assert.equal(toleranceOf(5), "majority 3 of 5, tolerates 2 failures");
  assert.equal(toleranceOf(5, 1), "majority 3 of 5, tolerates 1 more failure");
  assert.equal(toleranceOf(3, 1), "majority 2 of 3, no more failure tolerated");
  assert.equal(toleranceOf(3, 2), "majority 2 of 3, which is not there");
});

Deno.test("a database is its file and what SQLite has not moved into it yet", () => {
  assert.equal(
    databaseBytes(report(1, { dbBytes: 4096, walBytes: 2_500_000 })),
    2_504_096,
  );
  assert.equal(databaseBytes(null), null);
});
