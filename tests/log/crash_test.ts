import assert from "node:assert/strict";
import { LogError } from "../../src/log/port.ts";
import { FaultDisk } from "./fault_disk.ts";
import { entriesFrom, ModelLog } from "./model.ts";
import { contentsOf, openOn, Story, survivors } from "./story.ts";

const SEEDS = [0, 1, 2, 3, 4, 5];

/** Crashes after every disk operation, with unsynced writes lost, kept and torn. */
function crashEverywhere(name: string, tell: (story: Story) => void): void {
  Deno.test(`SegmentLog survives a crash at every operation of ${name}`, () => {
    const story = new Story(new FaultDisk());
    tell(story);
    story.disk.run();
    for (let count = 0; count <= story.disk.length; count++) {
      for (const seed of SEEDS) {
        story.checkCrash(count, survivors(seed), `seed ${seed}`);
      }
    }
  });
}

crashEverywhere("its creation", () => {});

crashEverywhere("appends and rolls", (story) => {
  for (let i = 0; i < 12; i++) {
    story.append(3, 400);
    if (i % 3 === 0) story.vote();
    if (i % 2 === 0) story.sync();
    if (i % 4 === 0) story.disk.run();
    else story.disk.runOne();
  }
});

crashEverywhere("appends during syncs", (story) => {
  for (let i = 0; i < 24; i++) {
    story.append(2, 500);
    story.sync();
    story.append(1, 100);
    story.disk.runOne();
    story.append(1, 100);
    story.disk.runOne();
    if (i % 5 === 4) story.disk.run();
  }
});

crashEverywhere("a batch larger than a segment", (story) => {
  story.append(1, 20_000);
  story.append(30, 1000);
  story.syncNow();
  story.append(1, 9000);
});

crashEverywhere("truncations", (story) => {
  story.append(20, 100);
  story.syncNow();
  story.truncateAfter(15);
  story.append(5, 100, true);
  story.sync();
  story.truncateAfter(3);
  story.append(30, 300, true);
  story.disk.run();
  story.truncateAfter(0);
  story.vote();
  story.append(2, 50, true);
});

crashEverywhere("purges that recycle segments", (story) => {
  for (let i = 0; i < 14; i++) {
    story.append(4, 500);
    story.sync();
    if (i % 3 !== 2) story.disk.run();
    if (i > 3) story.purge(i * 4 - 9);
  }
  story.syncNow();
  story.purge(story.model.last.index);
  story.syncNow();
});

crashEverywhere("resets", (story) => {
  for (let i = 0; i < 4; i++) {
    story.append(6, 700);
    story.syncNow();
    story.reset(10);
    story.append(i, 100);
    if (i % 2 === 0) story.syncNow();
  }
});

crashEverywhere(
  "a segment begun while the one before it becomes superfluous",
  (story) => {
    story.reset(0);
    story.sync();
    story.append(2, 1429);
    story.disk.run();
  },
);

/** Recovers, and crashes at every operation of that recovery. */
function crashInRecoveryOf(left: FaultDisk, where: string): void {
  const before = left.length;
  const expected = contentsOf(left.copy());
  openOn(left);
  for (let again = before; again <= left.length; again++) {
    for (const seed of [0, 1, 4]) {
      const found = contentsOf(left.crash(again, survivors(seed)));
      assert.equal(found, expected, `${where}, again at ${again}`);
    }
  }
}

/** Crashes, recovers, and crashes again at every operation of that recovery. */
function crashInRecovery(story: Story, step: number, seeds: number[]): void {
  for (let count = 0; count <= story.disk.length; count += step) {
    for (const seed of seeds) {
      const left = story.checkCrash(count, survivors(seed), `seed ${seed}`);
      crashInRecoveryOf(left, `crash at ${count}`);
    }
  }
}

Deno.test("recover() survives a crash at every operation of its own", () => {
  const story = new Story(new FaultDisk());
  for (let i = 0; i < 8; i++) {
    story.append(4, 500);
    if (i % 3 === 0) story.syncNow();
    if (i === 6) story.purge(12);
    story.sync();
    story.disk.runOne();
  }
  story.truncateAfter(30);
  story.append(3, 900, true);
  crashInRecovery(story, 3, [1, 2, 3]);
});

Deno.test("recover() survives a crash while it drops several segments", () => {
  const story = new Story(new FaultDisk());
  story.append(1, 9000);
  story.purge(1);
  story.append(1, 9000);
  story.append(1, 9000);
  crashInRecovery(story, 1, Array.from({ length: 24 }, (_, i) => i));
});

/** What a disk holds, or null if the log says that something durable is missing. */
function contentsOrNull(disk: FaultDisk): string | null {
  try {
    return contentsOf(disk);
  } catch (error) {
    assert.ok(error instanceof LogError, String(error));
    assert.equal(error.failure, "corrupt");
    return null;
  }
}

/** Ways to lose what a segment's header does not know: all its frames, the first, the last. */
const DAMAGES: readonly ((content: Uint8Array) => void)[] = [
  (content) => content.fill(0, 4096),
  (content) => content[4096 + 70]! ^= 1,
  (content) => content[content.findLastIndex((byte) => byte !== 0)]! ^= 1,
];

/** Damages each segment without which the log would be whole, and gives the damaged disks. */
function* damagedWhereNotNeeded(
  left: FaultDisk,
  allowed: readonly string[],
): Generator<{ disk: FaultDisk; what: string }> {
  for (const name of left.list()) {
    const content = left.content(name);
    if (!name.startsWith("segment") || !content[0] || !content[4096]) continue;
    const without = left.copy();
    without.remove(name);
    const found = contentsOrNull(without);
    if (found === null || !allowed.includes(found)) continue;
    for (const [way, damage] of DAMAGES.entries()) {
      const disk = left.copy();
      damage(disk.content(name));
      // A copy, because what is changed past the disk is unknown to its crashes.
      yield { disk: disk.copy(), what: `${name} damaged (${way})` };
    }
  }
}

Deno.test("recover() does without a purged segment that a crash left behind, whatever is in it", () => {
  const story = new Story(new FaultDisk());
  for (let i = 0; i < 12; i++) {
    story.append(4, 500);
    story.sync();
    if (i % 3 !== 2) story.disk.run();
    // Frees more segments than are kept as spares: the others lose their names.
    if (i % 4 === 3) story.purge(i * 4);
  }
  story.syncNow();
  story.purge(story.model.last.index);
  story.syncNow();
  let damaged = 0;
  for (let count = 0; count <= story.disk.length; count++) {
    for (const seed of SEEDS) {
      const left = story.checkCrash(count, survivors(seed), `seed ${seed}`);
      const allowed = story.allowed(count);
      for (const { disk, what } of damagedWhereNotNeeded(left, allowed)) {
        const found = contentsOrNull(disk);
        const where = `crash at ${count}, seed ${seed}, ${what}`;
        assert.ok(found !== null && allowed.includes(found), where);
        if (damaged++ % 29 === 0) crashInRecoveryOf(disk, where);
      }
    }
  }
  assert.ok(damaged > 1000, `${damaged} disks with damage`);
});

Deno.test("recover() makes durable what it found after the process alone died", () => {
  const story = new Story(new FaultDisk());
  for (let i = 0; i < 5; i++) {
    story.append(3, 600);
    story.vote();
    story.disk.kill();
    openOn(story.disk);
    const left = story.disk.crash(story.disk.length, () => false);
    assert.equal(contentsOf(left), story.model.fingerprint());
    story.disk.kill();
    story.log.close();
    story.log = openOn(story.disk).log;
  }
});

Deno.test("recover() never adopts a stale frame behind a new one of the same size", () => {
  const story = new Story(new FaultDisk());
  story.append(2);
  story.syncNow();
  const start = story.disk.copy();
  story.append(1, 40, false);
  story.append(1, 40, false);
  const stale = story.disk.content("segment-000001").slice();
  const other = new Story(start, modelWith(2));
  other.append(1, 40, true);
  other.syncNow();
  const disk = other.disk.copy();
  const content = disk.content("segment-000001");
  const end = content.findLastIndex((byte) => byte !== 0) + 1;
  const next = Math.ceil(end / 8) * 8;
  content.set(stale.subarray(next, next + 112), next);
  assert.ok(content.subarray(next, next + 112).some((byte) => byte !== 0));
  assert.equal(contentsOf(disk), other.model.fingerprint());
});

Deno.test("recover() overwrites what it cut", () => {
  const story = new Story(new FaultDisk());
  story.append(2);
  story.syncNow();
  const mark = story.disk.content("durable-mark").slice();
  const from = story.disk.content("segment-000001").findLastIndex((b) =>
    b !== 0
  );
  for (let i = 0; i < 3; i++) story.append(1, 40);
  const disk = story.disk.copy();
  disk.content("durable-mark").set(mark);
  const content = disk.content("segment-000001");
  content[from + 80]! ^= 1;
  openOn(disk);
  assert.ok(content.subarray(from + 8).every((byte) => byte === 0));
});

function modelWith(count: number): ModelLog {
  const model = new ModelLog();
  model.append(entriesFrom(1, count, 1));
  return model;
}

Deno.test("recover() cuts an unsynced tail at every byte", () => {
  const story = new Story(new FaultDisk());
  story.append(4, 40);
  story.vote();
  story.syncNow();
  const durable = story.model.clone();
  const start = story.disk.copy();
  story.append(1, 30);
  const name = "segment-000001";
  const whole = story.disk.content(name);
  const before = start.content(name);
  const first = whole.findIndex((byte, i) => byte !== before[i]);
  const frameBytes = 64 + 40;
  for (let cut = first; cut <= first + frameBytes; cut++) {
    const disk = start.copy();
    disk.content(name).set(whole.subarray(first, cut), first);
    const isWhole = cut >= first + 64 + 34;
    const expected = isWhole ? story.model : durable;
    assert.equal(contentsOf(disk.copy()), expected.fingerprint(), `at ${cut}`);
    // What was cut stays away, whatever is written over it.
    const after = new Story(disk, expected.clone());
    after.append(1, 10, true);
    after.syncNow();
    assert.equal(contentsOf(disk.copy()), after.model.fingerprint());
  }
});
