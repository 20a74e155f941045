import assert from "node:assert/strict";
import { SnapshotTally } from "../../../src/group/snapshot_tally.ts";
import type { HostedGroup } from "../../../src/node/groups/hosted_group.ts";
import { GroupWatch } from "../../../src/node/telemetry/group_watch.ts";
import { OwnEvents } from "../../../src/node/telemetry/own_events.ts";
import {
  type Configuration,
  NO_CONFIGURATION,
} from "../../../src/raft/types.ts";

/** A group as far as it is watched. */
interface Seen {
  leader: string | null;
  term: number;
  config: Configuration;
  tally: SnapshotTally;
  full: boolean;
}

function watched(): {
  readonly seen: Seen;
  readonly watch: GroupWatch;
  readonly now: { ms: number };
  /** Looks, and answers what is new. */
  look(): string[];
} {
  const seen: Seen = {
    leader: null,
    term: 1,
    config: { ...NO_CONFIGURATION, voters: ["1.a", "2.b"] },
    tally: new SnapshotTally(),
    full: false,
  };
  const now = { ms: 1_000 };
  const hosted = {
    name: "db",
    self: "1.a",
    get group() {
      return {
        core: seen,
        diskFull: seen.full,
        snapshots: { tally: seen.tally },
        machine: { applied: { index: 77 } },
      };
    },
  } as unknown as HostedGroup;
  const clock = { monotonic: () => now.ms, wall: () => now.ms };
  const events = new OwnEvents(1, clock);
  const watch = new GroupWatch(hosted, events, () => now.ms);
  let last = 0;
  return {
    seen,
    watch,
    now,
    look() {
      watch.look();
      const news = events.after(last, Infinity);
      last = events.newest;
      return news.map(({ kind, about, term, text, group }) => {
        assert.equal(group, "db");
        return `${kind} ${about ?? "-"} ${term}: ${text}`;
      });
    },
  };
}

Deno.test("a group's leader is told when it is another one, and counted when it changes", () => {
  const { seen, watch, look } = watched();
  assert.deepEqual(look(), []);
  seen.leader = "2.b";
  seen.term = 3;
  assert.deepEqual(look(), ["leader 2 3: node 2 leads in term 3"]);
  assert.deepEqual(look(), []);
  seen.leader = null;
  assert.deepEqual(look(), [
    "leaderless 2 3: node 2 is not heard as the leader any more",
  ]);
  seen.leader = "2.b";
  assert.deepEqual(look(), ["leader 2 3: node 2 leads in term 3"]);
  assert.equal(watch.leaderChanges, 1);
  seen.leader = "1.a";
  seen.term = 4;
  assert.deepEqual(look(), ["leader - 4: node 1 leads in term 4"]);
  assert.equal(watch.leaderChanges, 2);
});

Deno.test("who comes, goes, and votes from now on is told; who was there already is not", () => {
  const { seen, look } = watched();
  assert.deepEqual(look(), []);
  seen.config = { ...seen.config, learners: ["3.c"] };
  assert.deepEqual(look(), [
    "member_added 3 1: node 3 was added as a learner",
  ]);
  seen.config = { ...NO_CONFIGURATION, voters: ["1.a", "2.b", "3.c"] };
  assert.deepEqual(look(), ["member_promoted 3 1: node 3 votes now"]);
  seen.config = {
    ...NO_CONFIGURATION,
    voters: ["1.a", "3.c"],
    learners: ["2.b"],
  };
  assert.deepEqual(look(), ["member_demoted 2 1: node 2 votes no more"]);
  seen.config = { ...NO_CONFIGURATION, voters: ["1.a", "3.c"] };
  assert.deepEqual(look(), ["member_removed 2 1: node 2 was removed"]);
});

Deno.test("snapshots are told and counted, also over a new life of the group", () => {
  const { seen, watch, now, look } = watched();
  Object.assign(seen.tally, { built: 1, sent: 1, sentTo: "2.b" });
  assert.deepEqual(look(), [
    "snapshot_sent 2 1: a snapshot was sent to node 2",
  ]);
  assert.equal(watch.snapshotMs, 1_000);
  now.ms = 5_000;
  Object.assign(seen.tally, { received: 1, receivedFrom: "2.b" });
  assert.deepEqual(look(), [
    "snapshot_received 2 1: a snapshot came from node 2",
  ]);
  assert.equal(watch.snapshotMs, 1_000);
  seen.tally.installed = 1;
  assert.deepEqual(look(), [
    "snapshot_installed - 1: a snapshot is the state now, at index 77",
  ]);
  assert.equal(watch.snapshotMs, 5_000);
  seen.tally = new SnapshotTally();
  seen.tally.built = 1;
  assert.deepEqual(look(), []);
  assert.deepEqual(watch.snapshots, {
    built: 2,
    sent: 1,
    received: 1,
    installed: 1,
  });
});

Deno.test("a disk without room is told once, and when there is room again", () => {
  const { seen, look } = watched();
  seen.full = true;
  assert.deepEqual(look(), ["disk_full - 1: no room: writes are refused"]);
  assert.deepEqual(look(), []);
  seen.full = false;
  assert.deepEqual(look(), [
    "disk_room - 1: there is room for writes again",
  ]);
});
