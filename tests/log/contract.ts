import assert from "node:assert/strict";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";
import type { LogRecovery, LogStore } from "../../src/log/port.ts";
import { entriesFrom, entry } from "./model.ts";

/** A log under test and a way to see it survive. */
export interface Subject {
  readonly log: LogStore;
  readonly recovery: LogRecovery;
  /** Ends this one as a crash would and opens what is left. */
  crash(): Promise<Subject>;
  end(): Promise<void>;
}

function sync(log: LogStore): Promise<void> {
  return new Promise((resolve, reject) =>
    log.sync((error) => error ? reject(error) : resolve())
  );
}

function read(
  log: LogStore,
  from: number,
  to: number,
  maxBytes = Infinity,
): Promise<Entry[]> {
  return new Promise((resolve, reject) =>
    log.read(
      from,
      to,
      maxBytes,
      (error, entries) => error ? reject(error) : resolve(entries),
    )
  );
}

function indexes(entries: readonly { index: number }[] | undefined): number[] {
  return (entries ?? []).map(({ index }) => index);
}

const CONFIG = {
  voters: ["1.00", "2.00"],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
};

/** Clauses of the {@linkcode LogStore} port, one test each. `losesUnsynced`: a crash of the subject loses what was not synced. */
export function testContract(
  name: string,
  open: () => Promise<Subject>,
  { losesUnsynced }: { losesUnsynced: boolean },
): void {
  const clause = (
    title: string,
    run: (subject: Subject) => Promise<Subject | void>,
  ): void => {
    Deno.test(`${name} ${title}`, async () => {
      const subject = await open();
      const last = await run(subject) ?? subject;
      await last.end();
    });
  };

  clause("starts empty", async ({ log, recovery }) => {
    await sync(log);
    assert.deepEqual(recovery, {
      hardState: { term: 0, vote: null },
      base: { term: 0, index: 0 },
      entries: [],
      configs: [],
    });
    assert.deepEqual(log.last, { term: 0, index: 0 });
    assert.equal(log.termAt(0), 0);
    assert.equal(log.termAt(1), undefined);
  });

  clause("append() shows entries at once", async ({ log }) => {
    assert.equal(log.reserve(3, 72), true);
    log.append(entriesFrom(1, 3, 5));
    assert.deepEqual(log.last, { term: 5, index: 3 });
    assert.equal(log.termAt(2), 5);
    assert.equal(log.termAt(4), undefined);
    assert.deepEqual(log.readCached(1, 9, Infinity), entriesFrom(1, 3, 5));
    assert.deepEqual(await read(log, 2, 3), entriesFrom(2, 2, 5));
  });

  clause("unreserve() lets as much be reserved again and again", ({ log }) => {
    const before = log.bytes;
    for (let i = 0; i < 1000; i++) {
      assert.equal(log.reserve(1, 600), true);
      log.unreserve();
    }
    assert.equal(log.bytes, before);
    return Promise.resolve();
  });

  clause(
    "read() and readCached() stop at maxBytes and give at least one",
    async ({ log }) => {
      log.append(entriesFrom(1, 10, 1, 100));
      for (const [limit, count] of [[1, 1], [100, 1], [250, 2], [300, 3]]) {
        assert.equal(log.readCached(3, 10, limit!)?.length, count);
        assert.equal((await read(log, 3, 10, limit)).length, count);
      }
    },
  );

  clause("read() crosses terms, batches and sizes", async ({ log }) => {
    const all: Entry[] = [];
    for (let i = 1; i <= 40; i++) {
      const bytes = i % 7 === 0 ? 5000 : i * 3;
      all.push(entry(i, 1 + Math.floor(i / 4), bytes));
    }
    log.append(all.slice(0, 1));
    log.append(all.slice(1, 20));
    log.append(all.slice(20));
    assert.deepEqual(await read(log, 1, 40), all);
    assert.deepEqual(await read(log, 17, 33), all.slice(16, 33));
    assert.deepEqual(log.last, { term: 11, index: 40 });
    for (const { index, term } of all) assert.equal(log.termAt(index), term);
  });

  clause("sync() makes all mutations before it durable", async (subject) => {
    const { log } = subject;
    log.saveHardState({ term: 3, vote: "2.00ff" });
    log.append(entriesFrom(1, 2, 2));
    log.append([{
      index: 3,
      term: 3,
      kind: EntryKind.config,
      payload: encodeConfiguration(CONFIG),
    }]);
    await sync(log);
    const after = await subject.crash();
    assert.deepEqual(after.recovery.hardState, { term: 3, vote: "2.00ff" });
    assert.deepEqual(indexes(after.recovery.entries), [1, 2, 3]);
    assert.equal(after.recovery.entries[1]!.bytes, 24);
    assert.deepEqual(after.recovery.configs, [{ index: 3, config: CONFIG }]);
    assert.deepEqual(await read(after.log, 1, 2), entriesFrom(1, 2, 2));
    return after;
  });

  if (losesUnsynced) {
    clause("loses what was not synced in a crash", async (subject) => {
      subject.log.append(entriesFrom(1, 2, 1));
      await sync(subject.log);
      subject.log.append(entriesFrom(3, 2, 1));
      subject.log.saveHardState({ term: 2, vote: null });
      const after = await subject.crash();
      assert.deepEqual(indexes(after.recovery.entries), [1, 2]);
      assert.equal(after.recovery.hardState.term, 0);
      return after;
    });
  }

  clause("sync() calls overlap and all complete in order", async ({ log }) => {
    const order: number[] = [];
    const all = [1, 2, 3, 4].map((i) => {
      log.append([entry(i, 1)]);
      return sync(log).then(() => order.push(i));
    });
    await Promise.all(all);
    assert.deepEqual(order, [1, 2, 3, 4]);
  });

  clause("truncateAfter() drops the tail for good", async (subject) => {
    const { log } = subject;
    log.append(entriesFrom(1, 10, 1));
    log.truncateAfter(4);
    assert.deepEqual(log.last, { term: 1, index: 4 });
    assert.equal(log.termAt(5), undefined);
    log.append(entriesFrom(5, 2, 2));
    await sync(log);
    assert.deepEqual(indexes(log.readCached(1, 99, Infinity)), [
      1,
      2,
      3,
      4,
      5,
      6,
    ]);
    const after = await subject.crash();
    assert.deepEqual(after.log.last, { term: 2, index: 6 });
    assert.deepEqual(await read(after.log, 4, 9), [
      entry(4, 1),
      ...entriesFrom(5, 2, 2),
    ]);
    return after;
  });

  clause("truncateAfter() can empty the log", async (subject) => {
    const { log } = subject;
    log.append(entriesFrom(1, 3, 1));
    log.truncateAfter(0);
    assert.deepEqual(log.last, { term: 0, index: 0 });
    await sync(log);
    const after = await subject.crash();
    assert.deepEqual(after.log.last, { term: 0, index: 0 });
    return after;
  });

  clause("purge() moves the base and keeps the rest", async (subject) => {
    const { log } = subject;
    log.append(entriesFrom(1, 6, 1));
    log.purge({ term: 1, index: 4 });
    assert.deepEqual(log.base, { term: 1, index: 4 });
    assert.equal(log.termAt(4), 1);
    assert.equal(log.termAt(3), undefined);
    assert.equal(log.readCached(4, 6, Infinity), undefined);
    assert.deepEqual(await read(log, 4, 6), []);
    assert.deepEqual(await read(log, 5, 6), entriesFrom(5, 2, 1));
    await sync(log);
    const after = await subject.crash();
    assert.deepEqual(after.recovery.base, { term: 1, index: 4 });
    assert.deepEqual(indexes(after.recovery.entries), [5, 6]);
    assert.equal(after.log.termAt(4), 1);
    return after;
  });

  clause("purge() of everything leaves base = last", async (subject) => {
    subject.log.append(entriesFrom(1, 6, 3));
    subject.log.purge({ term: 3, index: 6 });
    await sync(subject.log);
    const after = await subject.crash();
    assert.deepEqual(after.log.base, { term: 3, index: 6 });
    assert.deepEqual(after.log.last, { term: 3, index: 6 });
    after.log.append([entry(7, 4)]);
    assert.deepEqual(await read(after.log, 7, 7), [entry(7, 4)]);
    return after;
  });

  clause("reset() empties the log and starts it elsewhere", async (subject) => {
    const { log } = subject;
    log.saveHardState({ term: 9, vote: "1.aa" });
    log.append(entriesFrom(1, 6, 1));
    log.reset({ term: 8, index: 100 });
    assert.deepEqual(log.base, { term: 8, index: 100 });
    assert.deepEqual(log.last, { term: 8, index: 100 });
    assert.equal(log.termAt(100), 8);
    assert.equal(log.termAt(6), undefined);
    log.append([entry(101, 9)]);
    await sync(log);
    const after = await subject.crash();
    assert.deepEqual(after.recovery.base, { term: 8, index: 100 });
    assert.deepEqual(indexes(after.recovery.entries), [101]);
    assert.deepEqual(after.recovery.hardState, { term: 9, vote: "1.aa" });
    return after;
  });

  clause("close() fails what comes after", async ({ log }) => {
    await sync(log);
    log.close();
    assert.throws(() => log.append([entry(1, 1)]), { name: "LogError" });
    await assert.rejects(sync(log), { name: "LogError" });
    await assert.rejects(read(log, 1, 1), { name: "LogError" });
  });
}
