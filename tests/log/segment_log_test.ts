import assert from "node:assert/strict";
import { DiskError } from "../../src/log/disk.ts";
import { FaultDisk } from "./fault_disk.ts";
import { entriesFrom, entry } from "./model.ts";
import { contentsOf, openOn, Story } from "./story.ts";

Deno.test("sync() calls done only after an fdatasync that began after the write", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  disk.run();
  const before = disk.syncs;
  log.append([entry(1, 1)]);
  let done = 0;
  log.sync(() => done++);
  assert.equal(done, 0);
  assert.equal(disk.syncs, before);
  assert.ok(disk.runOne());
  assert.equal(disk.syncs, before + 1);
  assert.equal(done, 1);
  // The strongest form: nothing but what was synced survives, and the entry does.
  const left = disk.crash(disk.length, () => false);
  assert.match(contentsOf(left), /\[1:1:1:24/);
});

Deno.test("sync() of a vote and of a truncation is an fdatasync as well", () => {
  const story = new Story(new FaultDisk());
  story.append(3);
  story.syncNow();
  const mutations = [
    () => story.vote(),
    () => story.truncateAfter(2),
    () => story.purge(1),
    () => story.reset(5),
  ];
  for (const mutate of mutations) {
    const before = story.disk.syncs;
    mutate();
    story.sync();
    assert.equal(story.disk.syncs, before);
    story.disk.runOne();
    assert.equal(story.disk.syncs, before + 1);
    const left = story.disk.crash(story.disk.length, () => false);
    assert.equal(contentsOf(left), story.model.fingerprint());
    story.disk.run();
  }
});

Deno.test("sync() serves all who wait during one fdatasync with the next one", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  disk.run();
  const before = disk.syncs;
  const order: number[] = [];
  for (let i = 1; i <= 20; i++) {
    log.append([entry(i, 1)]);
    log.sync((error) => {
      assert.equal(error, null);
      order.push(i);
    });
  }
  disk.run();
  assert.deepEqual(order, Array.from({ length: 20 }, (_, i) => i + 1));
  assert.equal(disk.syncs - before, 2);
});

Deno.test("sync() with nothing new makes the durable mark durable, once", () => {
  const story = new Story(new FaultDisk());
  story.append(2);
  story.syncNow();
  const before = story.disk.syncs;
  story.syncNow();
  assert.equal(story.disk.syncs, before + 1);
  story.syncNow();
  assert.equal(story.disk.syncs, before + 1);
  // Now damage of the very last frame is noticed even if all unsynced writes are lost.
  const left = story.disk.crash(story.disk.length, () => false);
  const content = left.content("segment-000001");
  content[content.findLastIndex((byte) => byte !== 0)]! ^= 1;
  assert.throws(() => openOn(left), { failure: "corrupt" });
});

Deno.test("append() is one write", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  disk.run();
  const before = disk.length;
  log.append([...entriesFrom(1, 5, 1), ...entriesFrom(6, 5, 2)]);
  assert.equal(disk.length, before + 1);
});

Deno.test("a failed fdatasync fails everyone and is never retried", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  disk.run();
  const outcomes: (string | undefined)[] = [];
  const note = (error: { failure: string } | null): number =>
    outcomes.push(error?.failure);
  log.append([entry(1, 1)]);
  log.sync(note);
  log.sync(note);
  let attempts = 0;
  disk.fault = (operation, name) => {
    if (operation !== "sync") return null;
    attempts++;
    return new DiskError("io", `fdatasync ${name}: EIO`);
  };
  disk.run();
  disk.fault = (operation) => {
    if (operation === "sync") attempts++;
    return null;
  };
  log.sync(note);
  disk.run();
  assert.deepEqual(outcomes, ["io", "io", "io"]);
  assert.equal(attempts, 1);
  assert.throws(() => log.append([entry(2, 1)]), {
    failure: "io",
    message: /EIO/,
  });
  assert.throws(() => log.saveHardState({ term: 1, vote: null }), {
    failure: "io",
  });
});

Deno.test("a failed write makes the log unusable", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  disk.run();
  disk.fault = (operation, name) =>
    operation === "write" ? new DiskError("io", `write ${name}: EIO`) : null;
  assert.throws(() => log.append([entry(1, 1)]), { failure: "io" });
  disk.fault = () => null;
  assert.throws(() => log.append([entry(1, 1)]), { failure: "io" });
  let outcome: string | undefined;
  log.sync((error) => outcome = error?.failure);
  assert.equal(outcome, "io");
});

Deno.test("reserve() refuses on a full disk, changes nothing, and recovers with room", () => {
  const story = new Story(new FaultDisk());
  const { disk } = story;
  disk.run();
  disk.capacity = 0;
  let accepted = 0;
  while (story.log.reserve(2, 1000)) {
    story.append(2, 500);
    story.syncNow();
    assert.ok(++accepted < 100);
  }
  assert.ok(accepted >= 4, `${accepted} batches fitted`);
  assert.equal(contentsOf(disk.copy()), story.model.fingerprint());
  // Votes and truncations are still saved, reads work.
  for (let i = 0; i < 5; i++) story.vote();
  story.truncateAfter(story.model.last.index - 1);
  story.syncNow();
  assert.equal(contentsOf(disk.copy()), story.model.fingerprint());
  disk.capacity = Infinity;
  assert.equal(story.log.reserve(2, 1000), true);
  story.append(2, 500);
  story.syncNow();
  assert.equal(contentsOf(disk.copy()), story.model.fingerprint());
});

Deno.test("purge() gives a full disk room again", () => {
  const story = new Story(new FaultDisk());
  const { disk } = story;
  disk.run();
  disk.capacity = 0;
  while (story.log.reserve(1, 900)) {
    story.append(1, 900);
    story.syncNow();
  }
  story.purge(story.model.last.index);
  story.syncNow();
  assert.equal(story.log.reserve(1, 900), true);
  story.append(1, 900);
  story.syncNow();
  assert.equal(contentsOf(disk.copy()), story.model.fingerprint());
});

Deno.test("what was reserved can be appended although the disk is full by then", () => {
  const story = new Story(new FaultDisk());
  story.disk.run();
  for (let i = 0; i < 6; i++) {
    assert.equal(story.log.reserve(1, 3000), true);
  }
  story.disk.capacity = 0;
  for (let i = 0; i < 6; i++) story.append(1, 3000);
  story.syncNow();
  assert.equal(contentsOf(story.disk.copy()), story.model.fingerprint());
});

Deno.test("purge() keeps the number of files and bytes bounded", () => {
  const story = new Story(new FaultDisk());
  for (let i = 0; i < 60; i++) {
    story.append(2, 900);
    story.syncNow();
    story.purge(story.model.last.index - 2);
  }
  story.syncNow();
  assert.ok(story.disk.list().length <= 7, story.disk.list().join());
  assert.ok(story.log.bytes <= 6 * 8192, `${story.log.bytes} bytes`);
  assert.equal(contentsOf(story.disk.copy()), story.model.fingerprint());
});

Deno.test("readCached() forgets the oldest entries beyond cacheBytes", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  log.append(entriesFrom(1, 20, 1, 500));
  assert.equal(log.readCached(1, 20, Infinity), undefined);
  assert.equal(log.readCached(13, 20, Infinity)?.length, 8);
});

Deno.test("read() gives nothing that was purged or replaced while it ran", () => {
  const story = new Story(new FaultDisk());
  story.append(30, 300);
  story.syncNow();
  const { log, disk } = story;
  let read: number[] = [-1];
  log.read(3, 30, 1e6, (error, entries) => {
    assert.equal(error, null);
    read = entries.map(({ index }) => index);
  });
  story.purge(25);
  disk.run();
  assert.equal(read.length, 0);
  log.read(26, 30, 1e6, (error, entries) => {
    assert.equal(error, null);
    read = entries.map(({ index, term }) => index * 10 + term);
  });
  story.truncateAfter(27);
  story.append(3, 300, true);
  disk.run();
  const now = story.model.entries.map(({ index, term }) => index * 10 + term);
  assert.deepEqual(read, now.slice(0, read.length));
});

Deno.test("read() of many segments gives what was written", () => {
  const story = new Story(new FaultDisk());
  for (let i = 0; i < 30; i++) {
    story.append(1 + i % 5, 100 + i * 40, i % 4 === 0);
  }
  story.syncNow();
  let all: unknown;
  story.log.read(1, 1e9, 1e9, (_error, entries) => all = entries);
  story.disk.run();
  assert.deepEqual(all, story.model.entries);
});

Deno.test("close() fails pending callbacks and touches nothing later", () => {
  const disk = new FaultDisk();
  const { log } = openOn(disk);
  const outcomes: (string | undefined)[] = [];
  log.append([entry(1, 1)]);
  log.sync((error) => outcomes.push(error?.failure));
  log.sync((error) => outcomes.push(error?.failure));
  log.read(1, 1, 100, (error) => outcomes.push(error?.failure));
  log.close();
  const before = disk.length;
  disk.run();
  assert.deepEqual(outcomes, ["io", "io", "io"]);
  assert.ok(disk.length <= before + 3, "only what was under way");
});
