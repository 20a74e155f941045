import assert from "node:assert/strict";
import {
  decodeBackupAnswer,
  readBackupOperation,
  writeBackupAnswer,
  writeBackupOperation,
} from "../../../src/state/backups/codec.ts";
import {
  changedBackups,
  extendedArchive,
} from "../../../src/state/backups/rules.ts";
import {
  type BackupAnswer,
  type BackupContents,
  type BackupOperation,
  type BackupRecord,
  type RecordAnswer,
  type RecordOperation,
  RECORDS_KEPT,
} from "../../../src/state/backups/types.ts";
import { ByteReader, ByteWriter, encode } from "../../../src/util/bytes.ts";

const CONTENTS: BackupContents = {
  index: 12,
  term: 2,
  timeMs: 5_000,
  hash: 7,
  size: 4096,
  sha256: "ab".repeat(32),
};

/** What the entries so far have made. */
class Scene {
  records: BackupRecord[] = [];
  index = 10;

  ask(operation: RecordOperation): RecordAnswer {
    const { answer, saved, dropped } = changedBackups(
      this.records,
      operation,
      ++this.index,
    );
    for (const record of saved) {
      const at = this.records.findIndex(({ id }) => id === record.id);
      if (at < 0) this.records.push(record);
      else this.records[at] = record;
    }
    this.records = this.records.filter(({ id }) => !dropped.includes(id));
    return answer;
  }

  begin(
    id: string,
    slot: number | null = null,
    rest: Partial<BackupRecord> = {},
  ): RecordAnswer {
    return this.ask({
      kind: "begin",
      id,
      cluster: "c1",
      at: 1_000,
      slot,
      name: `backup_node_2_${id}.sqlite`,
      uploader: "2.b",
      ...rest,
    } as RecordOperation);
  }

  done(id: string): RecordAnswer {
    return this.ask({
      kind: "done",
      id,
      place: "store",
      at: 9_000,
      contents: CONTENTS,
    });
  }

  fail(id: string, attempt: number, last: boolean): RecordAnswer {
    const error = "no way";
    return this.ask({ kind: "failed", id, attempt, at: 8_000, error, last });
  }
}

function refusedFor(answer: BackupAnswer): string {
  assert.equal(answer.ok, false);
  return (answer as { detail: string }).detail;
}

Deno.test("a backup is begun by an entry, and its record says which and who takes it", () => {
  const scene = new Scene();
  const answer = scene.begin("a");
  assert.deepEqual(answer, {
    ok: true,
    record: {
      id: "a",
      cluster: "c1",
      began: 11,
      at: 1_000,
      slot: null,
      name: "backup_node_2_a.sqlite",
      uploader: "2.b",
      attempt: 1,
      state: "running",
    },
  });
  assert.equal(scene.done("a").ok, true);
  assert.deepEqual(scene.records[0]!.contents, CONTENTS);
  assert.equal(scene.records[0]!.ended, 9_000);
});

Deno.test("the same id begins once: a repeated request hears of the first", () => {
  const scene = new Scene();
  scene.begin("a");
  const again = scene.begin("a");
  assert.equal(again.ok && again.record.began, 11);
  assert.equal(scene.records.length, 1);
});

Deno.test("one backup is taken at a time", () => {
  const scene = new Scene();
  scene.begin("a");
  assert.match(refusedFor(scene.begin("b")), /backup a is still being taken/);
  scene.done("a");
  assert.equal(scene.begin("b").ok, true);
});

Deno.test("a time of the schedule has one backup, whichever clocks told of it, and later ones none before it", () => {
  const scene = new Scene();
  scene.begin("s60", 60_000);
  scene.done("s60");
  assert.match(refusedFor(scene.begin("other", 60_000)), /was begun as s60/);
  assert.match(refusedFor(scene.begin("early", 30_000)), /was begun as s60/);
  assert.equal(scene.begin("s120", 120_000).ok, true);
});

Deno.test("a time of the schedule whose backup failed may have another one", () => {
  const scene = new Scene();
  scene.begin("s60", 60_000);
  scene.fail("s60", 1, true);
  assert.equal(scene.begin("s60-2", 60_000).ok, true);
});

Deno.test("a backup that somebody asked for does not stand in the way of the schedule", () => {
  const scene = new Scene();
  scene.begin("manual");
  scene.done("manual");
  assert.equal(scene.begin("s60", 60_000).ok, true);
});

Deno.test("attempts follow one another, and what is told of an earlier one counts no more", () => {
  const scene = new Scene();
  scene.begin("a");
  const assign = (attempt: number) =>
    scene.ask({ kind: "assign", id: "a", attempt, uploader: "3.c" });
  assert.match(refusedFor(assign(3)), /cannot follow attempt 1/);
  scene.fail("a", 1, false);
  assert.equal(scene.records[0]!.error, "no way");
  assert.equal(assign(2).ok, true);
  assert.equal(scene.records[0]!.uploader, "3.c");
  assert.equal(scene.records[0]!.error, undefined);
  assert.match(refusedFor(scene.fail("a", 1, true)), /counts no more/);
  assert.equal(scene.records[0]!.state, "running");
});

Deno.test("who says first that it is done is right, from whichever attempt; nothing changes what ended", () => {
  const scene = new Scene();
  scene.begin("a");
  scene.ask({ kind: "assign", id: "a", attempt: 2, uploader: "3.c" });
  assert.equal(scene.done("a").ok, true);
  assert.match(refusedFor(scene.done("a")), /has ended: it is done/);
  assert.match(refusedFor(scene.fail("a", 2, true)), /has ended: it is done/);
  assert.match(refusedFor(scene.done("unknown")), /There is no backup unknown/);
});

Deno.test("what another cluster was taking stands in nobody's way", () => {
  const scene = new Scene();
  scene.begin("old", 60_000);
  const answer = scene.begin("new", 60_000, { cluster: "c2" });
  assert.equal(answer.ok, true);
  assert.equal(scene.records[0]!.state, "failed");
  assert.equal(scene.records[1]!.state, "running");
});

Deno.test("a backup that is taken is looked at once for a time, by whoever was asked last", () => {
  const scene = new Scene();
  const check = (slot: number, by = "2.b") =>
    scene.ask({ kind: "check", id: "a", slot, by });
  const checked = (slot: number, problem: string | null = null) =>
    scene.ask({ kind: "checked", id: "a", slot, at: 7, problem });
  scene.begin("a");
  assert.match(refusedFor(check(5)), /is running, not taken/);
  scene.done("a");
  assert.match(refusedFor(checked(5)), /Nobody was to look/);
  assert.equal(check(5).ok, true);
  assert.equal(check(5, "3.c").ok, true);
  assert.equal(scene.records[0]!.check?.by, "3.c");
  assert.equal(checked(5, "it is torn").ok, true);
  assert.deepEqual(scene.records[0]!.checked, {
    slot: 5,
    at: 7,
    problem: "it is torn",
  });
  assert.equal(scene.records[0]!.check, undefined);
  assert.match(refusedFor(check(5)), /was looked at/);
  assert.equal(check(6).ok, true);
});

Deno.test(`the last ${RECORDS_KEPT} backups are remembered`, () => {
  const scene = new Scene();
  for (let i = 0; i < RECORDS_KEPT + 5; i++) {
    scene.begin(`b${i}`);
    scene.done(`b${i}`);
  }
  assert.equal(scene.records.length, RECORDS_KEPT);
  assert.equal(scene.records[0]!.id, "b5");
});

Deno.test("operations and answers are read as they were written", () => {
  const operations: BackupOperation[] = [
    { kind: "archived", cluster: "c1", after: 5, through: 9 },
    {
      kind: "begin",
      id: "cron-1",
      cluster: "c",
      at: 1,
      slot: 1,
      name: "a.sqlite",
      uploader: "1.a",
    },
    { kind: "assign", id: "a", attempt: 2, uploader: "1.a" },
    { kind: "done", id: "a", place: "folder", at: 1, contents: CONTENTS },
    { kind: "failed", id: "a", attempt: 1, at: 1, error: "x", last: true },
    { kind: "check", id: "a", slot: 1, by: "1.a" },
    { kind: "checked", id: "a", slot: 1, at: 1, problem: null },
  ];
  for (const operation of operations) {
    const bytes = encode((writer) => writeBackupOperation(writer, operation));
    assert.deepEqual(readBackupOperation(new ByteReader(bytes)), operation);
  }
  const answer: BackupAnswer = { ok: false, detail: "no" };
  const bytes = encode((writer) => writeBackupAnswer(writer, answer));
  assert.deepEqual(decodeBackupAnswer(bytes), answer);
});

Deno.test("bytes that are no operation are malformed", () => {
  const texts = [
    "",
    "null",
    "[]",
    '{"kind":"begin"}',
    '{"kind":"toString","id":"a"}',
    '{"kind":"assign","id":"A B","attempt":1,"uploader":"x"}',
    '{"kind":"assign","id":"a","attempt":-1,"uploader":"x"}',
    '{"kind":"assign","id":"a","attempt":1,"uploader":"x","more":1}',
    '{"kind":"begin","id":"a","cluster":"c","at":1,"slot":null,"name":"../x","uploader":"u"}',
  ];
  for (const text of texts) {
    const bytes = new ByteWriter(64).text(text).finish();
    assert.throws(
      () => readBackupOperation(new ByteReader(bytes)),
      { name: "MalformedBytesError" },
      text,
    );
  }
});

const part = (after: number, through: number, cluster = "one") => ({
  cluster,
  after,
  through,
});

Deno.test("extendedArchive() joins what follows on or overlaps, and begins anew after a gap and in another cluster", () => {
  assert.deepEqual(extendedArchive(null, part(5, 5)), part(5, 5));
  assert.deepEqual(extendedArchive(part(5, 9), part(9, 20)), part(5, 20));
  assert.deepEqual(extendedArchive(part(5, 9), part(7, 20)), part(5, 20));
  assert.deepEqual(extendedArchive(part(5, 9), part(10, 20)), part(10, 20));
  assert.deepEqual(
    extendedArchive(part(5, 9), part(7, 20, "two")),
    part(7, 20, "two"),
  );
});

Deno.test("extendedArchive() never forgets what is archived because of who comes late", () => {
  assert.deepEqual(extendedArchive(part(5, 30), part(9, 20)), part(5, 30));
  assert.deepEqual(extendedArchive(part(5, 30), part(20, 20)), part(5, 30));
  assert.deepEqual(extendedArchive(part(50, 60), part(9, 20)), part(50, 60));
});
