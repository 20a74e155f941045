import assert from "node:assert/strict";
import { Applier } from "../../src/group/applier.ts";
import { ApplyWatch } from "../../src/group/apply_watch.ts";
import { PendingProposals } from "../../src/group/proposals.ts";
import type { LogStore } from "../../src/log/port.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type StateMachine,
  type StuckEntry,
  WriterLostError,
} from "../../src/state/port.ts";

/** A machine whose writer dies of one entry, and notes it after the second time alone. */
class Fragile {
  applied = { index: 0, term: 1 };
  stuck: StuckEntry | null = null;
  readonly batches: string[] = [];
  #alone = 0;

  constructor(readonly poison: number, readonly committedBefore = 0) {}

  apply(entries: readonly Entry[], _answers: boolean, done: ApplyDone): void {
    const first = entries[0]!.index;
    const last = entries.at(-1)!.index;
    this.batches.push(`${first}-${last}`);
    const deadly = first <= this.poison && this.poison <= last;
    if (!deadly) {
      this.applied = { index: last, term: 1 };
      return done(null, [], NO_EVENTS);
    }
    if (this.committedBefore >= first) {
      this.applied = { index: this.committedBefore, term: 1 };
    }
    if (first === last && ++this.#alone === 2) {
      this.stuck = { index: first, reason: "killed" };
    }
    done(new WriterLostError("killed"), [], NO_EVENTS);
  }
}

function run(machine: Fragile, last: number) {
  const told: string[] = [];
  const log = {
    readCached: (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, i): Entry => ({
        index: from + i,
        term: 1,
        kind: EntryKind.command,
        payload: new Uint8Array(1),
      })),
  } as unknown as LogStore;
  const applier = new Applier(
    log,
    machine as unknown as StateMachine,
    new PendingProposals(),
    {
      events: () => {},
      applied: (index) => void told.push(`applied ${index}`),
      unheard: (index, bytes) => void told.push(`unheard ${index}, ${bytes}`),
      stuck: ({ index, reason }) => void told.push(`stuck ${index} ${reason}`),
      machineFailed: (error) => void told.push(`failed ${error.message}`),
      logFailed: (error) => void told.push(`log ${error.message}`),
      diverged: ({ index }) => void told.push(`diverged ${index}`),
      firstWanted: () => Infinity,
      linger: undefined,
    },
  );
  applier.advance(last);
  return { applier, told };
}

Deno.test("Applier finds the entry that ends the writer, and stops there without a loop", () => {
  const machine = new Fragile(3);
  const { applier, told } = run(machine, 5);
  assert.deepEqual(machine.batches, ["1-5", "1-1", "2-2", "3-3", "3-3"]);
  assert.deepEqual(told, ["applied 1", "applied 2", "stuck 3 killed"]);
  applier.advance(9);
  applier.retry();
  assert.equal(machine.batches.length, 5);
  assert.equal(told.length, 3);
});

Deno.test("Applier applies what is before an entry that was noted before a restart, and tells once", () => {
  const machine = new Fragile(4);
  machine.stuck = { index: 4, reason: "killed" };
  const { applier, told } = run(machine, 6);
  assert.deepEqual(machine.batches, ["1-3"]);
  assert.deepEqual(told, ["applied 3", "stuck 4 killed"]);
  // A snapshot takes its place.
  applier.suspend(() => {});
  machine.stuck = null;
  machine.applied = { index: 5, term: 1 };
  applier.resume();
  assert.deepEqual(machine.batches, ["1-3", "6-6"]);
});

Deno.test("Applier goes on behind what a writer committed before it died", () => {
  const machine = new Fragile(2, 2);
  const { told } = run(machine, 4);
  assert.deepEqual(machine.batches, ["1-4", "3-3", "4-4"]);
  assert.deepEqual(told, ["unheard 2, 2", "applied 3", "applied 4"]);
});

Deno.test("Applier begins no batch after stop(), also not behind the one that runs", () => {
  const machine = new Fragile(99);
  const { applier } = run(machine, 2);
  const apply = machine.apply.bind(machine);
  machine.apply = (entries, answers, done) => {
    applier.advance(6);
    applier.stop();
    apply(entries, answers, done);
  };
  applier.advance(4);
  assert.deepEqual(machine.batches, ["1-2", "3-4"]);
  applier.advance(9);
  applier.hurry(9);
  applier.retry();
  assert.deepEqual(machine.batches, ["1-2", "3-4"]);
});

Deno.test("ApplyWatch complains once when nothing is applied for too long, and when it goes on", () => {
  const warned: string[] = [];
  const machine: { applied: { index: number }; stuck: StuckEntry | null } = {
    applied: { index: 5 },
    stuck: null,
  };
  const watch = new ApplyWatch(
    machine as unknown as StateMachine,
    1000,
    (message, error) => warned.push(`${message}: ${error.message}`),
  );
  const tick = (commit: number) => watch.tick(400, commit);
  for (const commit of [5, 5, 6, 6]) tick(commit);
  assert.deepEqual([watch.stuckMs, watch.complaint], [0, null]);
  tick(7);
  tick(7);
  assert.equal(watch.stuckMs, 1600);
  assert.match(watch.complaint!, /have not been applied for 2 s/);
  assert.deepEqual(warned, [
    "committed entries are not applied: entry 6 of 7 waits for 1 s",
  ]);
  machine.applied = { index: 6 };
  tick(7);
  assert.equal(watch.stuckMs, 0);
  assert.match(warned[1]!, /applied again: up to 6 of 7/);
  machine.stuck = { index: 7, reason: "killed" };
  assert.equal(watch.complaint, "entry 7 cannot be applied here: killed");
  machine.stuck = { index: 8, reason: "killed" };
  assert.equal(watch.complaint, null);
});
