import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import { EntryKind } from "../../../src/raft/types.ts";
import { UnknownLevelError } from "../../../src/state/envelope.ts";
import { LEVEL } from "../../../src/state/level.ts";
import type { KvPosition, KvRecord } from "../../../src/state/kv/store.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import type { Pace } from "../../../src/state/kv/pace.ts";
import { StateDamagedError } from "../../../src/state/port.ts";
import { snapshotOf } from "../machine_calls.ts";
import { add, answersIn, Caches, put } from "./caches.ts";

/** A store without room at its first commit, which it undoes. */
class FullOnce extends MemoryKvStore {
  #full = true;

  override commit(position: KvPosition): void {
    if (this.#full) {
      this.#full = false;
      this.clear();
      throw new HiqliteError("disk_full", "There is no room");
    }
    super.commit(position);
  }
}

Deno.test("a batch that found no room can be applied again, and nothing of it counts twice", async () => {
  await using caches = new Caches({ store: new FullOnce() });
  await using other = new Caches();
  const session = caches.plain("openSession");
  const identity = { session: 1, sequence: 1, answeredBelow: 1 };
  const unit = { checks: [], operations: [add("n", 5n), put("k")] };
  const batch = [session, caches.entry([unit], { identity })];
  const taken = snapshotOf(caches.machine);
  await assert.rejects(caches.apply(batch), /no room/);
  await assert.rejects(taken, /no room/);
  assert.deepEqual(caches.machine.applied, { term: 0, index: 0 });
  assert.deepEqual(caches.dump(), []);
  const answers = await caches.apply(batch);
  assert.deepEqual(answers, await other.apply(batch));
  assert.deepEqual(answersIn(answers[1]!)[0]!.kind, "done");
  assert.deepEqual(caches.dump(), other.dump());
  assert.equal(caches.counter("c", "n"), 5n);
  await using copy = await caches.copy();
  assert.deepEqual(copy.dump(), caches.dump());
});

Deno.test("a retry under its key is the same write through a member with another limit, and nothing else is", async () => {
  await using caches = new Caches();
  const identity = { idempotencyKey: "key" };
  const unit = { checks: [], operations: [add("n", 5n)] };
  const first = await caches.pack([unit], { identity, maxBytes: 1 << 20 });
  for (const maxBytes of [1 << 20, 1 << 28, 100]) {
    assert.deepEqual(await caches.pack([unit], { identity, maxBytes }), first);
  }
  const other = { checks: [], operations: [add("n", 6n)] };
  const [answer] = await caches.apply([caches.entry([other], { identity })]);
  assert.equal(answer!.refusal?.code, "conflict");
});

Deno.test("an entry of a newer release ends the machine", async () => {
  await using caches = new Caches();
  const entry = caches.entry([{ checks: [], operations: [put("k")] }]);
  entry.payload[0] = LEVEL + 1;
  await assert.rejects(caches.apply([entry]), UnknownLevelError);
});

/** A store in whose memory a bit was flipped. */
class Flipped extends MemoryKvStore {
  override *scan(): Generator<KvRecord> {
    for (const record of super.scan()) {
      if (record.kind === "entry") record.entry.bytes[0]! ^= 1;
      yield record;
    }
  }
}

Deno.test("a check finds what is not as it was written", async () => {
  await using caches = new Caches({ store: new Flipped() });
  await caches.do(put("k"));
  await assert.rejects(
    caches.machine.check(true),
    (error) =>
      error instanceof StateDamagedError &&
      error.message.includes("entries of c"),
  );
});

Deno.test("a check of what changes meanwhile compares nothing, and a closed machine ends it", async () => {
  const caches = new Caches();
  for (let i = 0; i < 5; i++) {
    await caches.unit(
      Array.from({ length: 1_000 }, (_, k) => put(`k${i * 1_000 + k}`)),
    );
  }
  const checking = caches.machine.check(false);
  await caches.do({ kind: "clear", cache: "c" });
  await checking;
  await caches.machine.check(true);
  const last = caches.machine.check(true);
  await caches.close();
  await last;
});

Deno.test("a long batch is applied in slices, and is told of as a whole", async () => {
  let now = 0;
  let turns = 0;
  const pace: Pace = {
    now: () => now++,
    soon: (next) => queueMicrotask(next),
    turn: (next) => {
      turns++;
      assert.equal(caches.machine.applied.index, 0);
      setTimeout(next);
    },
  };
  await using caches = new Caches({ pace });
  const entries = Array.from(
    { length: 60 },
    (_, i) =>
      i % 10 === 0
        ? caches.entryOf(new Uint8Array(), EntryKind.noop)
        : caches.entry([{ checks: [], operations: [put(`k${i}`)] }]),
  );
  let told = 0;
  await new Promise<void>((resolve) =>
    caches.machine.apply(entries, true, (error, answers, events) => {
      assert.equal(error, null);
      told = events.count;
      assert.equal(answers.length, 60);
      resolve();
    })
  );
  assert.equal(told, 54);
  assert.equal(caches.machine.applied.index, 60);
  assert.ok(turns > 5, `${turns} turns`);
});

Deno.test("a machine is closed once the snapshot is installed that it was about to install", async () => {
  await using source = new Caches();
  let now = 0;
  // Each step is a slice of its own, and each slice waits for a timer.
  const pace: Pace = {
    now: () => now += 100,
    soon: (next) => queueMicrotask(next),
    turn: (next) => void setTimeout(next),
  };
  const target = new Caches({ pace });
  await target.do(put("old"));
  for (let i = 0; i < 3; i++) {
    await source.unit(
      Array.from({ length: 1_000 }, (_, k) => put(`k${i * 1_000 + k}`)),
    );
  }
  const installing = target.install(source, snapshotOf(source.machine));
  while (target.received === null) {
    await new Promise((resolve) => setTimeout(resolve));
  }
  assert.notDeepEqual(target.machine.applied, source.machine.applied);
  await target.close();
  assert.deepEqual(target.machine.applied, source.machine.applied);
  await installing;
});
