import assert from "node:assert/strict";
import { DiskError } from "../../src/log/disk.ts";
import { encodeBlock } from "../../src/log/block.ts";
import { MarkFile } from "../../src/log/durable_mark.ts";
import { LogFrameKind, sealFrame, viewOf } from "../../src/log/frame.ts";
import { Replay } from "../../src/log/replay.ts";
import {
  decodeSegmentHeader,
  readSegmentHeader,
} from "../../src/log/segment.ts";
import { LogError } from "../../src/log/port.ts";
import { openSegmentLog } from "../../src/log/segment_log.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { FaultDisk } from "./fault_disk.ts";
import { entriesFrom, fingerprintOf } from "./model.ts";
import { contentsOf, openOn, Story, TINY } from "./story.ts";

/** A log of several segments, closed, with everything durable. */
function storedLog(): { disk: FaultDisk; story: Story } {
  const story = new Story(new FaultDisk());
  story.vote();
  for (let i = 0; i < 6; i++) {
    story.append(4, 500);
    story.syncNow();
  }
  story.truncateAfter(22);
  story.append(2, 100, true);
  story.syncNow();
  story.sync();
  story.disk.run();
  story.log.close();
  return { disk: story.disk.copy(), story };
}

function segments(disk: FaultDisk): string[] {
  return disk.list().filter((name) => name.startsWith("segment")).sort();
}

function openFails(disk: FaultDisk): LogError {
  try {
    openOn(disk);
  } catch (error) {
    assert.ok(error instanceof LogError, String(error));
    return error;
  }
  throw new Error("the log opened");
}

Deno.test("recover() never returns something else after a flipped bit", () => {
  const story = new Story(new FaultDisk());
  story.vote();
  story.append(3, 50);
  story.syncNow();
  story.append(2, 50, true);
  story.syncNow();
  const expected = story.model.fingerprint();
  story.log.close();
  const disk = story.disk.copy();
  let detected = 0;
  let harmless = 0;
  for (const name of disk.list()) {
    const content = disk.content(name);
    const used = content.findLastIndex((byte) => byte !== 0) + 1;
    // Every byte that means something, and some of those that do not.
    for (let at = 0; at < content.length; at += at < used + 8 ? 1 : 251) {
      const isPadding = at > 256 && content[at] === 0 &&
        content.subarray(at - 200, at + 200).every((byte) => byte === 0);
      if (isPadding && at % 251 !== 0 && at < used) continue;
      const copy = disk.copy();
      copy.content(name)[at]! ^= 1 << (at % 8);
      let found: string;
      try {
        found = contentsOf(copy);
      } catch (error) {
        assert.ok(error instanceof LogError, String(error));
        assert.equal(error.failure, "corrupt");
        detected++;
        continue;
      }
      assert.equal(found, expected, `${name} byte ${at}`);
      harmless++;
    }
  }
  assert.ok(detected > 400, `${detected} detected, ${harmless} harmless`);
});

Deno.test("recover() finds damage below a later frame's durable mark without the mark file", () => {
  const story = new Story(new FaultDisk());
  story.append(3, 50);
  story.syncNow();
  story.append(3, 50);
  const old = story.disk.content("durable-mark").slice();
  story.syncNow();
  story.append(1, 50);
  story.syncNow();
  const disk = story.disk.copy();
  disk.content("durable-mark").set(old);
  const name = segments(disk)[0]!;
  const content = disk.content(name);
  content[4096 + 80]! ^= 1;
  const error = openFails(disk);
  assert.equal(error.failure, "corrupt");
  assert.match(error.message, /segment-000001: a damaged frame at byte 4096/);
});

Deno.test("recover() finds damage to what was synced last, although more was being written when the process died", () => {
  const story = new Story(new FaultDisk());
  story.append(3, 50);
  story.syncNow();
  const end = story.disk.content("segment-000001")
    .findLastIndex((byte) => byte !== 0);
  story.append(1, 50);
  story.sync();
  story.append(1, 50);
  story.disk.run();
  const disk = story.disk.copy();
  disk.content("segment-000001")[end + 40]! ^= 1;
  assert.equal(openFails(disk).failure, "corrupt");
});

Deno.test("recover() cuts damage that nothing says was durable", () => {
  const story = new Story(new FaultDisk());
  story.append(3, 50);
  story.syncNow();
  const before = story.model.fingerprint();
  const mark = story.disk.content("durable-mark").slice();
  story.append(1, 50);
  story.syncNow();
  const disk = story.disk.copy();
  disk.content("durable-mark").set(mark);
  const content = disk.content("segment-000001");
  const last = content.findLastIndex((byte) => byte !== 0);
  content[last - 8]! ^= 1;
  assert.equal(contentsOf(disk), before);
});

Deno.test("recover() finds damage in the very last frame while its mark is there", () => {
  const story = new Story(new FaultDisk());
  story.append(3, 50);
  story.syncNow();
  const disk = story.disk.copy();
  const content = disk.content("segment-000001");
  content[content.findLastIndex((byte) => byte !== 0)]! ^= 1;
  const { failure, message } = openFails(disk);
  assert.equal(failure, "corrupt");
  assert.match(message, /durable-mark says that the log was durable/);
});

Deno.test("MarkFile.write() leaves the slot that was synced last alone", () => {
  const disk = new FaultDisk();
  const mark = MarkFile.create(disk, 7);
  mark.writeNow(100);
  const synced = disk.content("durable-mark").slice();
  const slots = [0, 4096];
  for (let i = 1; i <= 5; i++) mark.write(100 + i);
  const now = disk.content("durable-mark");
  const changed = slots.filter((at) =>
    now.subarray(at, at + 64).toHex() !== synced.subarray(at, at + 64).toHex()
  );
  assert.equal(changed.length, 1);
  const lost = disk.crash(disk.length, () => false);
  lost.content("durable-mark").fill(0xff, changed[0]!, changed[0]! + 4096);
  const found = MarkFile.find(lost);
  assert.equal(found.kind === "intact" && found.mark.durable, 100);
});

Deno.test("Replay refuses a frame of another place even if its chain fits", () => {
  const { disk } = storedLog();
  const found = disk.content("segment-000001");
  const block = decodeSegmentHeader(found);
  assert.ok(block.kind === "intact");
  const header = readSegmentHeader(block.content);
  const bytes = new Uint8Array(header.capacity);
  sealFrame(bytes, viewOf(bytes), 4096, header.salt, {
    kind: LogFrameKind.hardState,
    count: 0,
    lsn: header.start + 64,
    durable: 0,
    term: 5,
    index: 0,
    bodyBytes: 0,
    previous: header.chain,
  });
  const replay = new Replay(header);
  assert.equal(replay.read(bytes, header, "x"), "a frame of another place");
  assert.equal(replay.state.hardState.term, 0);
});

Deno.test("recover() names a missing segment", () => {
  const { disk } = storedLog();
  for (const name of segments(disk)) {
    const copy = disk.copy();
    const isSpare = copy.content(name).every((byte) => byte === 0);
    copy.remove(name);
    if (isSpare) {
      openOn(copy);
      continue;
    }
    assert.equal(openFails(copy).failure, "corrupt", name);
  }
});

Deno.test("recover() refuses a log whose only segment is gone", () => {
  const story = new Story(new FaultDisk());
  story.disk.run();
  const disk = story.disk.copy();
  disk.remove("segment-000001");
  assert.match(openFails(disk).message, /no intact header/);
});

Deno.test("recover() refuses truncated segments", () => {
  const { disk, story } = storedLog();
  const expected = story.model.fingerprint();
  for (const name of segments(disk)) {
    const content = disk.content(name);
    const used = content.findLastIndex((byte) => byte !== 0) + 1;
    for (const size of [0, 100, 4096, 4100, used - 1]) {
      if (used === 0 || size >= used) continue;
      const copy = disk.copy();
      copy.truncate(name, size);
      const error = openFails(copy);
      assert.equal(error.failure, "corrupt", `${name} cut to ${size}`);
    }
    const copy = disk.copy();
    copy.truncate(name, used);
    assert.equal(contentsOf(copy), expected, `${name} cut behind its end`);
  }
});

Deno.test("recover() names a damaged header", () => {
  const { disk } = storedLog();
  const copy = disk.copy();
  copy.content("segment-000002")[40]! ^= 4;
  const { failure, message } = openFails(copy);
  assert.equal(failure, "corrupt");
  assert.match(message, /segment-000002 has a damaged header/);
});

Deno.test("recover() refuses segments without their mark file", () => {
  const { disk } = storedLog();
  disk.remove("durable-mark");
  const { failure, message } = openFails(disk);
  assert.equal(failure, "corrupt");
  assert.match(message, /durable-mark is missing beside \d+ segments/);
});

Deno.test("recover() refuses a segment of another log", () => {
  const { disk } = storedLog();
  const other = new FaultDisk();
  openSegmentLog(other, { ...TINY, random: new SeededRandom(2) });
  disk.content("durable-mark").set(other.content("durable-mark"));
  assert.match(openFails(disk).message, /belongs to another log/);
});

Deno.test("recover() leaves a newer version alone, as io and not corrupt", () => {
  const disk = new FaultDisk();
  openOn(disk);
  disk.run();
  const block = encodeBlock("HQL_SEGM", 2, (writer) => writer.u32(1));
  disk.content("segment-000001").set(block);
  const { failure, message } = openFails(disk);
  assert.equal(failure, "io");
  assert.match(message, /segment-000001 has format version 2/);
});

Deno.test("openSegmentLog() reports an unreadable folder as io", () => {
  const disk = new FaultDisk();
  disk.fault = (operation) =>
    operation === "list" ? new DiskError("denied", "list x: EACCES") : null;
  const { failure, message } = openFails(disk);
  assert.equal(failure, "io");
  assert.match(message, /EACCES/);
});

Deno.test("read() reports damage and makes the log unusable", () => {
  const { disk, story } = storedLog();
  const { log, recovery } = openOn(disk);
  disk.content("segment-000002")[4096 + 300]! ^= 1;
  assert.throws(
    () => fingerprintOf(log, recovery, () => disk.run()),
    (error: unknown) =>
      error instanceof LogError && error.failure === "corrupt",
  );
  assert.throws(() =>
    log.append(entriesFrom(story.model.last.index + 1, 1, 9))
  );
});

Deno.test("scrub() verifies everything in bounded slices and starts over", () => {
  const { disk } = storedLog();
  const { log } = openOn(disk);
  for (let pass = 0; pass < 2; pass++) {
    let slices = 0;
    let finished = false;
    while (!finished) {
      log.scrub(1000, (error, end) => {
        assert.equal(error, null);
        finished = end;
      });
      disk.run();
      assert.ok(++slices < 100);
    }
    assert.ok(slices >= 6, `${slices} slices`);
  }
});

Deno.test("scrub() finds every flipped bit in stored frames", () => {
  const { disk } = storedLog();
  const names = segments(disk).filter((name) =>
    disk.content(name).some((byte) => byte !== 0)
  );
  for (const name of names) {
    const { log } = openOn(disk);
    const used = disk.content(name).findLastIndex((byte) => byte !== 0);
    const at = Math.max(30, used - 40);
    disk.content(name)[at]! ^= 2;
    let failure: LogError | null = null;
    for (let finished = false; !finished && failure === null;) {
      log.scrub(3000, (error, end) => {
        failure = error;
        finished = end;
      });
      disk.run();
    }
    assert.match(String(failure), new RegExp(`${name} is damaged`));
    disk.content(name)[at]! ^= 2;
  }
});
