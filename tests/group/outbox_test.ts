import assert from "node:assert/strict";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { LogError } from "../../src/log/port.ts";
import { AppendOutbox } from "../../src/group/outbox.ts";
import type { AppendEntries } from "../../src/raft/messages.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";

type ReadDone = (error: LogError | null, entries: Entry[]) => void;

/** Entries are on the disk only; a read takes until it is answered. */
class ColdLog extends MemoryLog {
  readonly reads: (() => void)[] = [];
  /** What is purged is answered at once. */
  purged = false;

  override readCached(): Entry[] | undefined {
    return undefined;
  }

  override read(from: number, to: number, _max: number, done: ReadDone): void {
    if (this.purged) return done(null, []);
    const entries = super.readCached(from, to, Infinity)!;
    this.reads.push(() => done(null, entries));
  }
}

function outbox(): { log: ColdLog; box: AppendOutbox; sent: AppendEntries[] } {
  const log = new ColdLog();
  const payload = new Uint8Array(1);
  const entries = Array.from({ length: 1000 }, (_, i) => ({
    term: 1,
    index: i + 1,
    kind: EntryKind.command,
    payload,
  }));
  log.append(entries);
  const sent: AppendEntries[] = [];
  const box = new AppendOutbox(
    log,
    (message) => sent.push(message),
    (error) => {
      throw error;
    },
  );
  return { log, box, sent };
}

function append(after: number, count: number): AppendEntries {
  const term = after === 0 ? 0 : 1;
  return {
    type: "appendEntries",
    from: "1.a",
    to: "2.b",
    term: 1,
    prev: { term, index: after },
    last: after + count,
    commit: 0,
    entries: [],
  };
}

Deno.test("push() keeps the order of messages that wait for the disk", () => {
  const { log, box, sent } = outbox();
  for (let i = 0; i < 5; i++) box.push(append(i * 10, i === 2 ? 0 : 10));
  assert.equal(sent.length, 0);
  while (log.reads.length > 0) log.reads.shift()!();
  assert.deepEqual(sent.map(({ prev }) => prev.index), [0, 10, 20, 30, 40]);
  assert.deepEqual(sent.map(({ entries }) => entries.length), [
    10,
    10,
    0,
    10,
    10,
  ]);
});

Deno.test("push() drops what comes while many wait, and takes messages again after", () => {
  const { log, box, sent } = outbox();
  for (let i = 0; i < 10_000; i++) box.push(append(0, 1));
  while (log.reads.length > 0) log.reads.shift()!();
  assert.equal(sent.length, 512);
  box.push(append(5, 1));
  log.reads.shift()!();
  assert.equal(sent.at(-1)!.prev.index, 5);
});

Deno.test("push() goes on after messages whose entries were purged meanwhile", () => {
  const { log, box, sent } = outbox();
  for (let i = 0; i < 500; i++) box.push(append(i, 1));
  log.purged = true;
  log.reads.shift()!();
  assert.equal(sent.length, 1);
  log.purged = false;
  box.push(append(7, 1));
  log.reads.shift()!();
  assert.equal(sent.length, 2);
});
