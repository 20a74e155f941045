import assert from "node:assert/strict";
import { MemoryLog } from "../../../src/log/memory_log.ts";
import {
  amnesia,
  createCore,
  groupOptions,
  type Recovered,
  starterOf,
} from "../../../src/node/volume/boot.ts";
import {
  type Identity,
  memberIdOf,
  newIdentity,
} from "../../../src/node/volume/identity.ts";
import { DEFAULT_RAFT_OPTIONS } from "../../../src/raft/options.ts";
import type { RaftCore } from "../../../src/raft/core.ts";
import {
  EntryKind,
  type LogId,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../../src/raft/types.ts";
import type { NodeVault } from "../../../src/node/volume/vault.ts";
import { recoverCluster } from "../../../src/node/volume/recover.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import type { NodeConfig } from "../../../src/config/types.ts";
import { FaultDisk } from "../../log/fault_disk.ts";
import { openOn, survivors } from "../../log/story.ts";

const FOUNDER: Identity = (() => {
  const identity = newIdentity(1);
  const founding = { ...NO_CONFIGURATION, voters: [memberIdOf(identity)] };
  return { ...identity, phase: "forming", clusterId: "c", founding };
})();

/** Starts the founder on what a disk holds, and makes durable what that adds. */
function start(disk: FaultDisk, applied: LogId = ZERO_LOG_ID): RaftCore {
  const { log, recovery } = openOn(disk);
  const state = { applied, config: NO_CONFIGURATION };
  const core = createCore(
    starterOf(FOUNDER),
    { log, logRecovery: recovery, state },
    DEFAULT_RAFT_OPTIONS,
    new SeededRandom(1),
  );
  log.sync((error) => assert.equal(error, null));
  disk.run();
  return core;
}

Deno.test("createCore() of a founder starts again after a crash at every operation of the founding", () => {
  const disk = new FaultDisk();
  start(disk);
  for (let count = 0; count <= disk.length; count++) {
    for (let seed = 0; seed < 6; seed++) {
      const core = start(disk.crash(count, survivors(seed)));
      const { term, config } = core.status();
      assert.deepEqual([term, config.voters], [1, FOUNDER.founding!.voters]);
    }
  }
});

Deno.test("createCore() of a founder whose state has the founding entry, and its log not yet, knows that it is committed", () => {
  const disk = new FaultDisk();
  start(disk);
  for (let count = 0; count <= disk.length; count++) {
    const core = start(disk.crash(count, survivors(1)), { term: 1, index: 1 });
    assert.equal(core.status().commit, 1, `after ${count} operations`);
  }
});

Deno.test("amnesia() of a founder: a log may be gone before anything but the founding entry is in the state", () => {
  const log = new MemoryLog();
  log.saveHardState({ term: 1, vote: null });
  const found = (index: number): string | null =>
    amnesia("forming", {
      log,
      logRecovery: log.recovery,
      state: { applied: { term: 1, index }, config: NO_CONFIGURATION },
    });
  assert.equal(found(1), null);
  assert.equal(found(2), "its log is gone");
});

Deno.test("§1.5 createCore() finishes installing a snapshot after a crash at every operation", () => {
  const identity: Identity = { ...FOUNDER, phase: "member" };
  const applied = { term: 7, index: 79 };
  const config = FOUNDER.founding!;
  const begin = (disk: FaultDisk): RaftCore => {
    const { log, recovery } = openOn(disk);
    const found = { log, logRecovery: recovery, state: { applied, config } };
    assert.equal(amnesia(identity.phase, found), null);
    const core = createCore(
      starterOf(identity),
      found,
      DEFAULT_RAFT_OPTIONS,
      new SeededRandom(1),
    );
    log.sync((error) => assert.equal(error, null));
    disk.run();
    return core;
  };
  const disk = new FaultDisk();
  start(disk);
  const { log } = openOn(disk);
  log.saveHardState({ term: 7, vote: null });
  log.sync((error) => assert.equal(error, null));
  disk.run();
  const before = disk.length;
  begin(disk);
  for (let count = before; count <= disk.length; count++) {
    for (let seed = 0; seed < 6; seed++) {
      const { term, commit } = begin(disk.crash(count, survivors(seed)))
        .status();
      assert.deepEqual([term, commit], [7, 79]);
    }
  }
});

Deno.test("amnesia() finds that the log lost the term of the state", () => {
  const disk = new FaultDisk();
  start(disk);
  const { log, recovery } = openOn(disk);
  const found = (term: number): string | null =>
    amnesia("member", {
      log,
      logRecovery: recovery,
      state: { applied: { term, index: 79 }, config: FOUNDER.founding! },
    });
  assert.equal(
    found(7),
    "its database is of term 7, its log knows no term above 1",
  );
  assert.equal(found(1), null);
});

Deno.test("amnesia() finds that the state ends before the log begins", () => {
  const log = new MemoryLog();
  log.saveHardState({ term: 1, vote: null });
  log.reset({ term: 1, index: 10 });
  const found = (index: number): string | null =>
    amnesia("member", {
      log,
      logRecovery: log.recovery,
      state: { applied: { term: 1, index }, config: NO_CONFIGURATION },
    });
  assert.equal(
    found(9),
    "its database ends at index 9, its log begins after 10",
  );
  assert.equal(found(10), null);
});

Deno.test("recoverCluster() after an install that was not finished makes a cluster that its member is in", async () => {
  const log = new MemoryLog();
  log.saveHardState({ term: 6, vote: null });
  const payload = new Uint8Array();
  log.append(
    Array.from({ length: 20 }, (_, i) => ({
      index: i + 1,
      term: 2,
      kind: EntryKind.noop,
      payload,
    })),
  );
  log.sync((error) => assert.equal(error, null));
  const applied = { term: 6, index: 10 };
  let identity: Identity = { ...FOUNDER, phase: "member" };
  const storage = (): Recovered => ({
    log,
    logRecovery: log.recovery,
    state: { applied, config: FOUNDER.founding! },
  });
  const vault = {
    get identity() {
      return identity;
    },
    get storage() {
      return storage();
    },
    save: (saved: Identity) => void (identity = saved),
  } as unknown as NodeVault;
  const { pendingEntries } = await recoverCluster(vault, "c");
  assert.equal(pendingEntries, 0);
  const core = createCore(
    starterOf(identity),
    storage(),
    DEFAULT_RAFT_OPTIONS,
    new SeededRandom(1),
  );
  assert.deepEqual(core.config.voters, [memberIdOf(identity)]);
});

Deno.test("groupOptions() lets an entry wait for as long as a leader may take for a write, and two seconds", () => {
  const applyMs = (writeTimeoutMs: number) =>
    groupOptions({
      logSync: { mode: "immediate" },
      logsUntilSnapshot: 10_000,
      tickMs: 50,
      electionTicks: 14,
      writeTimeoutMs,
    } as NodeConfig).applyMs;
  assert.equal(applyMs(10_000), 12_000);
  assert.equal(applyMs(3_600_000), 3_602_000);
  assert.equal(applyMs(10), 12_000, "no disk is faster for that");
});
