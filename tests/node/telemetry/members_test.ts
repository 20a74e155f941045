import assert from "node:assert/strict";
import type { MemberReport } from "../../../src/node/telemetry_port.ts";
import type { HiqliteNode } from "../../../src/node/node.ts";
import { encodeJson } from "../../../src/network/requests.ts";
import { ReportExchange } from "../../../src/node/telemetry/report_exchange.ts";
import { PeerRequests } from "../../../src/network/requests.ts";
import { silentLogger } from "../../../src/util/logger.ts";
import { systemClock } from "../../../src/util/clock.ts";
import { Cluster, until, write } from "../cluster.ts";
import { report } from "../../telemetry/reports.ts";

/** What `node` knows of node `id`. */
function seen(node: HiqliteNode, id: number): MemberReport | null {
  const sight = node.telemetry.reports().find(({ nodeId }) => nodeId === id);
  return sight?.report ?? null;
}

/** The kinds of events that `node` knows of, with whom they are about. */
async function told(node: HiqliteNode): Promise<string[]> {
  const { events } = await node.telemetry.events({ limit: 2_000 });
  return events.map(({ nodeId, kind, about }) =>
    `${nodeId} ${kind}${about === null ? "" : ` ${about}`}`
  );
}

/** Looks are taken every few ticks, so an event may come a moment after what it tells of. */
async function untilTold(node: HiqliteNode, line: string): Promise<void> {
  for (let i = 0; i < 12_000; i++) {
    if ((await told(node)).includes(line)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.fail(`never: ${line} among ${await told(node)}`);
}

Deno.test("what members tell of themselves", async (t) => {
  await using cluster = new Cluster(3, { slowStatementMs: 0.001 });
  await cluster.startAll();
  const leader = Number(cluster.leader.cluster().self[0]);
  const [other, third] = [1, 2, 3].filter((id) => id !== leader);

  await t.step("every member shows how all are", async () => {
    await write(cluster.node(other!));
    const { appliedIndex } = cluster.node(other!).cluster();
    for (const at of [1, 2, 3]) {
      await until(
        "every report has the write",
        () =>
          [1, 2, 3].every((id) =>
            (seen(cluster.node(at), id)?.appliedIndex ?? 0) >= appliedIndex
          ),
      );
      const sights = cluster.node(at).telemetry.reports();
      assert.deepEqual(sights.map(({ nodeId }) => nodeId), [1, 2, 3]);
      for (const { nodeId, member, connected, ageMs, report } of sights) {
        assert.equal(connected, true);
        assert.equal(ageMs === 0, nodeId === at);
        assert.equal(report!.member, member);
        assert.equal(report!.version, "1.2.3");
        assert.equal(report!.role, nodeId === leader ? "leader" : "voter");
        assert.equal(report!.contactMs === null, nodeId === leader);
        assert.equal(report!.writes, nodeId === other ? 1 : 0);
        assert.equal(report!.commit?.count, nodeId === other ? 1 : undefined);
        assert.equal(report!.ready, "ok");
        assert.equal(report!.quarantine, null);
      }
    }
  });

  await t.step(
    "answers show how long round trips take, and the metrics say all of it",
    async () => {
      await until(
        "both were measured",
        () =>
          seen(cluster.node(1), 1)!.peers.every(({ rttMs }) => rttMs !== null),
      );
      for (const { contactMs } of seen(cluster.node(1), 1)!.peers) {
        assert.ok(contactMs !== null && contactMs < 30_000);
      }
      const metrics = cluster.node(1).metrics();
      assert.match(
        metrics,
        /^hiqlite_peer_rtt_seconds_count\{member="2"\} [1-9]/m,
      );
      assert.match(
        metrics,
        /^hiqlite_last_contact_seconds\{member="3"\} [\d.]+$/m,
      );
      assert.match(metrics, /^hiqlite_build_info\{version="1\.2\.3"\} 1$/m);
      const writer = cluster.node(other!).metrics();
      assert.match(writer, /^hiqlite_writes_total\{result="ok"\} 1$/m);
      assert.match(writer, /^hiqlite_commit_seconds_bucket\{le="\+Inf"\} 1$/m);
      assert.match(writer, /^hiqlite_commit_seconds_count 1$/m);
      assert.match(
        writer,
        /^hiqlite_leader_changes_total\{group="db"\} [1-9]/m,
      );
    },
  );

  await t.step("points of every member are kept at each", async () => {
    await until(
      "two points of all",
      () =>
        cluster.node(third!).telemetry.series({}).members
          .filter(({ atMs }) => atMs.length >= 2).length === 3,
    );
    const { members } = cluster.node(third!).telemetry.series({});
    for (const { nodeId, atMs, columns } of members) {
      assert.ok(atMs.every((ms) => ms % 1_000 === 0));
      assert.equal(columns.leads.at(-1), Number(nodeId === leader));
      assert.equal(columns.lag.length, atMs.length);
    }
    const minutes = cluster.node(third!).telemetry.series({ stepMs: 60_000 });
    assert.ok(minutes.members.every(({ atMs }) => atMs[0]! % 60_000 === 0));
  });

  await t.step(
    "events of all are told by each, in the order of their numbers",
    async () => {
      const { events, silent } = await cluster.node(1).telemetry.events({});
      assert.deepEqual(silent, []);
      const numbers = events.map(({ number }) => number);
      assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
      for (const id of [1, 2, 3]) {
        const own = events.filter(({ nodeId }) => nodeId === id);
        assert.equal(own[0]!.kind, "started");
        assert.ok(own.some(({ kind, term }) => kind === "leader" && term > 0));
      }
      const after = Object.fromEntries(
        [1, 2, 3].map((id) => [id, seen(cluster.node(1), id)!.newestEvent]),
      );
      const later = await cluster.node(1).telemetry.events({ after });
      assert.ok(
        later.events.every(({ nodeId, number }) => number > after[nodeId]!),
      );
      const one = await cluster.node(1).telemetry.events({ limit: 1 });
      assert.equal(one.events.length, 1);
    },
  );

  await t.step("slow statements of all are told by each", async () => {
    for (const at of [1, 2, 3]) await write(cluster.node(at));
    for (const at of [1, 2, 3]) {
      const { members, silent } = await cluster.node(at).telemetry.slow();
      assert.deepEqual(silent, []);
      assert.deepEqual(members.map(({ nodeId }) => nodeId), [1, 2, 3]);
      for (const { limitMs, statements } of members) {
        assert.equal(limitMs, 0.001);
        assert.equal(statements[0]!.kind, "write");
      }
    }
  });

  await t.step(
    "a leader that ends: who leads now, who is silent, and why",
    async () => {
      await cluster.kill([leader]);
      const survivor = cluster.node(other!);
      await until("another leader", () => {
        const { leader: now, self } = survivor.cluster();
        return now !== null && Number(now[0]) !== leader && self !== null;
      });
      const kinds = await told(survivor);
      assert.ok(kinds.includes(`${other} contact_lost ${leader}`), `${kinds}`);
      assert.ok(kinds.includes(`${other} leaderless ${leader}`), `${kinds}`);
      const { silent } = await survivor.telemetry.events({});
      assert.deepEqual(silent, [leader]);
      const slow = await survivor.telemetry.slow();
      assert.deepEqual(slow.silent, [leader]);
      const sight = survivor.telemetry.reports()
        .find(({ nodeId }) => nodeId === leader)!;
      assert.equal(sight.connected, false);
      assert.ok(sight.ageMs! > 0);
      assert.equal(sight.report!.role, "leader");
    },
  );

  await t.step("members that are demoted, promoted and removed", async () => {
    const survivor = cluster.leader;
    const [self] = survivor.cluster().self;
    await cluster.start(leader).whenReady(60_000);
    for (const action of ["demote", "promote", "remove"] as const) {
      await survivor.changeMembership({ action, nodeId: leader });
    }
    for (const what of ["demoted", "promoted", "removed"]) {
      await untilTold(survivor, `${self} member_${what} ${leader}`);
    }
  });
});

Deno.test("nobody's report is believed from another one, and none that is not whole", () => {
  const heard: MemberReport[] = [];
  const exchange = new ReportExchange({
    clock: systemClock,
    network: {
      send: () => false,
      peer: () => undefined,
      queued: () => 0,
    },
    requests: new PeerRequests(
      { send: () => false, peer: () => undefined, queued: () => 0 },
      silentLogger,
    ),
    heard: (report) => void heard.push(report),
  });
  const from = {
    id: report(2).member,
    clusterId: "",
    raftAddress: "",
    apiAddress: "",
    level: 1,
    groups: [],
    engine: "",
  };
  const answers: boolean[] = [];
  for (
    const said of [
      report(3),
      report(2, { nodeId: 3 }),
      { nodeId: 2 },
      report(2),
    ]
  ) {
    exchange.handlers()["telemetry.report"]!(
      from,
      encodeJson(said),
      (ok) => void answers.push(ok),
    );
  }
  assert.deepEqual(answers, [false, false, false, true]);
  assert.deepEqual(heard, [report(2)]);
});
