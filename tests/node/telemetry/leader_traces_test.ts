import assert from "node:assert/strict";
import {
  encodeTraceNotice,
  TRACE,
} from "../../../src/node/groups/trace_notice.ts";
import { LeaderTraces } from "../../../src/node/telemetry/leader_traces.ts";
import type { PeerIdentity } from "../../../src/network/port.ts";

const TRACEPARENT = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const peer = { id: "2.a" } as PeerIdentity;

/** A leader whose log is as long, and whose time is what, the test says. */
class Scene {
  nowMs = 1_000;
  extent = { lastIndex: 10, commit: 10 };
  readonly told: unknown[] = [];
  readonly traces: LeaderTraces;

  constructor(listening = true) {
    this.traces = new LeaderTraces({
      traces: {
        listening,
        tellPart: (traceparent, { beganMs, endedMs }, steps, failure) => {
          this.told.push({
            traceparent,
            took: [beganMs, endedMs],
            steps: steps.map((step) =>
              `${step.name} ${step.beganMs} ${step.endedMs}`
            ),
            failure,
          });
        },
      },
      extent: () => this.extent,
      now: () => this.nowMs,
    });
  }

  notice(sequence: number, group = 0): void {
    let answered = false;
    const notice = { group, sequence, traceparent: TRACEPARENT };
    this.traces.handlers()[TRACE]!(peer, encodeTraceNotice(notice), (ok) => {
      answered = ok;
    });
    assert.equal(answered, true);
  }

  step(lastIndex: number, commit: number, group = 0): void {
    this.nowMs++;
    this.extent = { lastIndex, commit };
    this.traces.stepped(group);
  }
}

Deno.test("a leader tells when a proposal was in its log, committed and applied, by the index that it got", () => {
  const scene = new Scene();
  scene.notice(7);
  const ended = scene.traces.watch("2.a", 0, 7)!;
  // A proposal is traced once.
  assert.equal(scene.traces.watch("2.a", 0, 7), null);
  scene.step(10, 10);
  scene.step(12, 10);
  scene.step(14, 11);
  scene.step(14, 12);
  scene.nowMs = 1_010;
  ended(12, null);
  assert.deepEqual(scene.told, [{
    traceparent: TRACEPARENT,
    took: [1_000, 1_010],
    steps: [
      "hiqlite.propose 1000 1002",
      "hiqlite.commit 1002 1004",
      "hiqlite.apply 1004 1010",
    ],
    failure: null,
  }]);
});

Deno.test("what a group has in its log says nothing of an entry of another one", () => {
  const scene = new Scene();
  scene.notice(7, 1);
  const ended = scene.traces.watch("2.a", 1, 7)!;
  scene.step(90, 90, 0);
  scene.step(12, 11, 1);
  scene.step(91, 91, 0);
  scene.step(12, 12, 1);
  scene.nowMs = 1_010;
  ended(12, null);
  assert.deepEqual((scene.told[0] as { steps: unknown }).steps, [
    "hiqlite.propose 1000 1002",
    "hiqlite.commit 1002 1004",
    "hiqlite.apply 1004 1010",
  ]);
});

Deno.test("a proposal that was not applied is told with the reason", () => {
  const scene = new Scene();
  scene.notice(7);
  const ended = scene.traces.watch("2.a", 0, 7)!;
  scene.nowMs = 1_003;
  ended(null, "not_leader");
  assert.deepEqual(scene.told, [{
    traceparent: TRACEPARENT,
    took: [1_000, 1_003],
    steps: ["hiqlite.propose 1000 1003"],
    failure: "not_leader",
  }]);
});

Deno.test("proposals of others, and of whom nobody told, are in no trace; notices are few", () => {
  const scene = new Scene();
  for (let sequence = 1; sequence <= 1_001; sequence++) scene.notice(sequence);
  assert.equal(scene.traces.watch("2.a", 0, 1), null);
  assert.equal(scene.traces.watch("3.a", 0, 2), null);
  assert.equal(scene.traces.watch("2.a", 1, 2), null);
  assert.notEqual(scene.traces.watch("2.a", 0, 2), null);
});

Deno.test("where nobody listens, notices are answered and forgotten", () => {
  const scene = new Scene(false);
  scene.notice(1);
  assert.equal(scene.traces.watch("2.a", 0, 1), null);
});
