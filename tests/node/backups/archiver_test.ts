import assert from "node:assert/strict";
import {
  decodeSegment,
  type LogSegment,
} from "../../../src/backup/log_segment.ts";
import { parseArchiveName } from "../../../src/backup/names.ts";
import type { BackupStore } from "../../../src/backup/object_store.ts";
import { HiqliteError } from "../../../src/errors.ts";
import type { RaftGroup } from "../../../src/group/group.ts";
import { MemoryLog } from "../../../src/log/memory_log.ts";
import { LogArchiver } from "../../../src/node/backups/archiver.ts";
import { BackupRecords } from "../../../src/node/backups/records.ts";
import type { BackupPorts } from "../../../src/node/backups/ports.ts";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import {
  NO_IDENTITY,
  stampEnvelope,
  writeEnvelope,
} from "../../../src/state/envelope.ts";
import { writeCommand } from "../../../src/state/sql/command.ts";
import { encode } from "../../../src/util/bytes.ts";
import type { Logger } from "../../../src/util/logger.ts";
import { Conducting, RememberedBackups } from "./scene.ts";

const INTERVAL_MS = 10_000;

/** A leader with a log of its own, whose archive and what the cluster remembers of it may be shared with others. */
class Archiving {
  readonly log = new MemoryLog();
  readonly objects: Map<string, Uint8Array<ArrayBuffer>>;
  readonly said: string[] = [];
  readonly member: Conducting;
  readonly archiver: LogArchiver;
  /** Thrown by the store. */
  failure: Error | null = null;

  constructor(
    remembered = new RememberedBackups(),
    objects = new Map<string, Uint8Array<ArrayBuffer>>(),
    logIntervalMs = INTERVAL_MS,
  ) {
    this.objects = objects;
    this.member = new Conducting(remembered, { logIntervalMs });
    const say = (message: string) => void this.said.push(message);
    const ports: BackupPorts = {
      ...this.member.ports,
      logger: {
        warn: say,
        error: say,
        info: say,
        debug: say,
      } as unknown as Logger,
      store: {
        put: this.#put.bind(this),
        head: (name: string) => Promise.resolve(this.objects.get(name) ?? null),
      } as unknown as BackupStore,
      group: () =>
        ({
          log: this.log,
          core: { role: this.member.role },
        }) as unknown as RaftGroup,
      machine: () =>
        Object.assign(Object.create(remembered), {
          position: {
            applied: this.log.last,
            timeMs: 0,
            hash: this.log.last.index,
          },
        }),
    };
    this.archiver = new LogArchiver(ports, new BackupRecords(ports));
  }

  /** Appends a command of that many bytes, or what says nothing. */
  append(
    what: "write" | "noop" | "note" | "clock",
    bytes = 10,
    term = 1,
  ): void {
    const { index } = this.log.last;
    const entry: Entry = {
      index: index + 1,
      term,
      kind: what === "noop" ? EntryKind.noop : EntryKind.command,
      payload: what === "noop"
        ? new Uint8Array()
        : payloadOf(what, bytes, index),
    };
    this.log.reserve(1, entry.payload.length);
    this.log.append([entry]);
  }

  /** Lets so many seconds pass. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.member.monotonicMs += 1_000;
      await this.archiver.tick();
    }
  }

  get parts(): [number, number][] {
    return [...this.objects.keys()].map((name) => {
      const { first, last } = parseArchiveName(name)!;
      return [first, last];
    });
  }

  async segment(at: number): Promise<LogSegment> {
    const [name, bytes] = [...this.objects][at]!;
    return await decodeSegment(bytes, parseArchiveName(name)!);
  }

  async #put(name: string, source: ReadableStream<Uint8Array>): Promise<void> {
    if (this.failure !== null) throw this.failure;
    const bytes = new Uint8Array(
      await new Response(source as BodyInit).arrayBuffer(),
    );
    if (this.objects.has(name)) {
      throw new HiqliteError("conflict", "it is there");
    }
    this.objects.set(name, bytes);
  }
}

function payloadOf(
  what: "write" | "note" | "clock",
  bytes: number,
  at: number,
): Uint8Array {
  const payload = encode((writer) =>
    writeEnvelope(
      writer,
      what === "clock" ? "clock" : "command",
      NO_IDENTITY,
      (body) => {
        if (what === "clock") return;
        writeCommand(
          body,
          what === "write" ? { kind: "batch", sql: "x".repeat(bytes) } : {
            kind: "backup",
            operation: {
              kind: "archived",
              cluster: "c1",
              after: 1,
              through: 2,
            },
          },
        );
      },
    )
  );
  stampEnvelope(payload, {
    clockMs: 0,
    timeMs: 1_000 * (at + 1),
    seedA: 0,
    seedB: 0,
  });
  return payload;
}

Deno.test("the leader begins the archive where it is, and then archives what was written once in an interval", async () => {
  const one = new Archiving();
  for (let n = 0; n < 5; n++) one.append("write");
  await one.pass(1);
  assert.deepEqual(one.member.remembered.archived, {
    cluster: "c1",
    after: 5,
    through: 5,
  });
  assert.deepEqual(one.parts, []);
  one.append("write");
  one.append("noop", 0, 2);
  await one.pass(1);
  one.append("write", 10, 2);
  await one.pass(8);
  assert.deepEqual(one.parts, [[6, 7]]);
  await one.pass(2);
  assert.deepEqual(one.parts, [[6, 7], [8, 8]]);
  const { clusterId, termBefore, timeMs, hash } = await one.segment(1);
  assert.deepEqual([clusterId, termBefore, timeMs, hash], ["c1", 2, 8_000, 8]);
  assert.deepEqual(one.member.remembered.archived?.through, 8);
});

Deno.test("who does not lead archives nothing", async () => {
  const one = new Archiving();
  one.member.role = "follower";
  one.append("write");
  await one.pass(20);
  assert.equal(one.member.remembered.archived, null);
});

Deno.test("what says nothing is archived an interval after a write, then once a minute, and with the next write", async () => {
  const one = new Archiving();
  one.append("write");
  await one.pass(1);
  one.append("write");
  await one.pass(1);
  one.append("note");
  await one.pass(8);
  assert.deepEqual(one.parts, [[2, 2]]);
  await one.pass(2);
  assert.deepEqual(one.parts, [[2, 2], [3, 3]]);
  // The time of the note: until then it is known that nothing else was written.
  assert.equal((await one.segment(1)).timeMs, 3_000);
  for (const what of ["note", "clock", "noop"] as const) {
    one.append(what);
    await one.pass(15);
  }
  assert.equal(one.parts.length, 2);
  await one.pass(16);
  assert.deepEqual(one.parts.slice(2), [[4, 6]]);
  one.append("note");
  await one.pass(15);
  assert.equal(one.parts.length, 3);
  one.append("write");
  await one.pass(1);
  assert.deepEqual(one.parts.slice(3), [[7, 8]]);
  one.append("note");
  await one.pass(11);
  assert.deepEqual(one.parts.slice(4), [[9, 9]]);
});

Deno.test("an interval longer than a minute is the pause of a cluster at rest, too", async () => {
  const one = new Archiving(undefined, undefined, 90_000);
  one.append("write");
  await one.pass(1);
  one.append("write");
  await one.pass(1);
  one.append("note");
  await one.pass(91);
  one.append("note");
  await one.pass(85);
  assert.deepEqual(one.parts, [[2, 2], [3, 3]]);
  await one.pass(6);
  assert.deepEqual(one.parts, [[2, 2], [3, 3], [4, 4]]);
});

Deno.test("what is much does not wait for its time, and becomes segments of 8 MiB that follow on one another", async () => {
  const one = new Archiving();
  one.append("write");
  await one.pass(1);
  one.append("write");
  await one.pass(1);
  for (let n = 0; n < 25; n++) one.append("write", 900_000);
  await one.pass(1);
  assert.deepEqual(one.parts, [[2, 2], [3, 11], [12, 20], [21, 27]]);
  const hashes = await Promise.all(
    [1, 2, 3].map(async (at) => (await one.segment(at)).hash),
  );
  assert.deepEqual(hashes, [null, null, 27]);
});

Deno.test("a store that fails is asked again after an interval, and nothing is left out", async () => {
  const one = new Archiving();
  one.append("write");
  await one.pass(1);
  one.append("write");
  one.failure = new Error("no route to the store");
  await one.pass(12);
  assert.match(
    one.said.at(-1)!,
    /could not be archived: no route to the store/,
  );
  const attempts = one.said.length;
  assert.ok(attempts >= 2 && attempts <= 3, `${attempts} attempts`);
  one.failure = null;
  one.append("write");
  await one.pass(12);
  assert.deepEqual(one.parts, [[2, 3]]);
});

Deno.test("a new leader goes on where the last one ended, and stores nothing twice under one name", async () => {
  const first = new Archiving();
  const second = new Archiving(first.member.remembered, first.objects);
  const both = [first, second];
  for (const one of both) one.append("write");
  await first.pass(1);
  for (const one of both) one.append("write");
  await first.pass(1);
  for (const one of both) one.append("write");
  await second.pass(1);
  assert.deepEqual(first.parts, [[2, 2], [3, 3]]);
  // The first has stored a segment and could not tell of it.
  first.member.remembered.archived = { cluster: "c1", after: 1, through: 2 };
  await second.pass(15);
  assert.deepEqual(first.parts, [[2, 2], [3, 3]]);
  assert.equal(first.member.remembered.archived.through, 3);
});

Deno.test("a gap is told of loudly, and the archive begins anew behind it", async () => {
  const one = new Archiving();
  one.append("write");
  await one.pass(1);
  for (let n = 0; n < 5; n++) one.append("write");
  one.log.purge({ index: 4, term: 1 });
  await one.pass(1);
  assert.match(one.said[0]!, /the archived log has a gap/);
  assert.deepEqual(one.member.remembered.archived, {
    cluster: "c1",
    after: 6,
    through: 6,
  });
  one.append("write");
  await one.pass(15);
  assert.deepEqual(one.parts, [[7, 7]]);
});
