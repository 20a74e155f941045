import assert from "node:assert/strict";
import { encodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
} from "../../src/raft/types.ts";
import type {
  Snapshot,
  SnapshotSink,
  StateEvent,
  StateMachine,
  StateRecovery,
} from "../../src/state/port.ts";
import { SeededRandom } from "../../src/util/random.ts";
import { checkpointOf, settled, snapshotOf } from "./machine_calls.ts";

/** A machine on what it stores. */
export interface OpenMachine {
  readonly machine: StateMachine;
  readonly recovery: StateRecovery;
  /** Opens again what was stored, after `close`; left out by machines that store nothing. */
  reopen?(): Promise<OpenMachine>;
  /** Removes what was stored, after `close`. */
  remove(): Promise<void>;
}

/** A kind of state machine that can add numbers up. */
export interface MachineKind {
  readonly name: string;
  /** A new machine, at the beginning of its log. */
  open(): Promise<OpenMachine>;
  /** Commands that must be applied before the first {@linkcode add}. */
  readonly setup: readonly Uint8Array[];
  /** A command that adds `n` to a number, which is 0 at first, and answers the sum. */
  add(n: number): Uint8Array;
  /** The sum in the answer to an add. */
  sumIn(answer: Uint8Array): number;
  /** How many events an add has. */
  readonly eventsPerAdd: number;
}

const TERM = 3;
const MEMBERS: Configuration = {
  voters: ["1.a", "2.b", "3.c"],
  votersOutgoing: [],
  learners: ["4.d"],
  learnersNext: [],
};

/** A machine in use by a test, with promises instead of callbacks. */
class Subject {
  readonly kind: MachineKind;
  #open: OpenMachine;
  #closed = false;
  /** What the machine told of so far. */
  readonly events: StateEvent[] = [];

  private constructor(kind: MachineKind, open: OpenMachine) {
    this.kind = kind;
    this.#open = open;
  }

  /** Opens a machine and applies the kind's setup. */
  static async open(kind: MachineKind): Promise<Subject> {
    const subject = new Subject(kind, await kind.open());
    await subject.apply(kind.setup.map((payload) => commandOf(payload)));
    return subject;
  }

  get machine(): StateMachine {
    return this.#open.machine;
  }

  get recovery(): StateRecovery {
    return this.#open.recovery;
  }

  get durable(): boolean {
    return this.#open.reopen !== undefined;
  }

  /** Gives contents the indexes that come next. */
  entries(contents: readonly Content[]): Entry[] {
    const first = this.machine.applied.index + 1;
    return contents.map((content, i) => ({
      index: first + i,
      term: TERM,
      ...content,
    }));
  }

  /** Applies what comes next as one batch. */
  apply(
    contents: readonly Content[],
    answers = true,
  ): Promise<readonly Uint8Array[]> {
    if (contents.length === 0) return Promise.resolve([]);
    const entries = this.entries(contents);
    return new Promise((resolve, reject) =>
      this.machine.apply(entries, answers, (error, given, events) => {
        if (error !== null) return reject(error);
        const told = [...events];
        assert.equal(events.count, told.length);
        this.events.push(...told);
        resolve(given.map((bytes) => bytes.slice()));
      })
    );
  }

  /** Adds numbers as one batch; the sums. */
  async add(...numbers: number[]): Promise<number[]> {
    const answers = await this.apply(
      numbers.map((n) => commandOf(this.kind.add(n))),
    );
    return answers.map((answer) => this.kind.sumIn(answer));
  }

  checkpoint(): Promise<number> {
    return checkpointOf(this.machine);
  }

  snapshot(): Promise<Snapshot> {
    return snapshotOf(this.machine);
  }

  receive(last: LogId): Promise<SnapshotSink> {
    return new Promise((resolve, reject) =>
      this.machine.receive(
        last,
        (error, sink) => error === null ? resolve(sink!) : reject(error),
      )
    );
  }

  install(last: LogId): Promise<void> {
    return settled((done) => this.machine.install(last, done));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => this.machine.close(resolve));
  }

  async restart(): Promise<void> {
    await this.close();
    this.#open = await this.#open.reopen!();
    this.#closed = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    await this.#open.remove();
  }
}

type Content = Pick<Entry, "kind" | "payload">;

const NOOP: Content = { kind: EntryKind.noop, payload: new Uint8Array() };
const CONFIG: Content = {
  kind: EntryKind.config,
  payload: encodeConfiguration(MEMBERS),
};

function commandOf(payload: Uint8Array): Content {
  return { kind: EntryKind.command, payload };
}

/** All bytes of a snapshot, in reads that do not divide its size. */
async function bytesOf(snapshot: Snapshot): Promise<Uint8Array> {
  const bytes = new Uint8Array(snapshot.size);
  for (let at = 0; at < bytes.length;) {
    const chunk = await new Promise<Uint8Array>((resolve, reject) =>
      snapshot.read(
        at,
        5003,
        (error, chunk) => error === null ? resolve(chunk) : reject(error),
      )
    );
    assert.ok(chunk.length > 0, `nothing can be read at ${at}`);
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Writes bytes into a sink, in chunks that do not divide their size. */
async function write(sink: SnapshotSink, bytes: Uint8Array): Promise<void> {
  while (sink.offset < bytes.length) {
    const before = sink.offset;
    const chunk = bytes.slice(before, before + 4099);
    await settled((done) => sink.write(chunk, done));
    assert.equal(sink.offset, before + chunk.length);
  }
}

async function transfer(snapshot: Snapshot, to: Subject): Promise<void> {
  const sink = await to.receive(snapshot.last);
  assert.equal(sink.offset, 0);
  await write(sink, await bytesOf(snapshot));
  await settled((done) => sink.finish(snapshot, done));
}

function below(random: SeededRandom, limit: number): number {
  return random.uint32() % limit;
}

/** Cuts a story into batches. */
function batchesOf<T>(items: readonly T[], random: SeededRandom): T[][] {
  const batches: T[][] = [];
  for (let at = 0; at < items.length;) {
    const size = 1 + below(random, 60);
    batches.push(items.slice(at, at + size));
    at += size;
  }
  return batches;
}

/** What any {@linkcode StateMachine} must do. */
export function machineContract(kind: MachineKind): void {
  const test = (what: string, run: () => Promise<void>): void =>
    Deno.test(`${kind.name}, as a StateMachine: ${what}`, run);
  applying(kind, test);
  telling(kind, test);
  keeping(kind, test);
  copying(kind, test);
  refusing(kind, test);
}

type Test = (what: string, run: () => Promise<void>) => void;

function applying(kind: MachineKind, test: Test): void {
  test("begins before the first entry, with no configuration", async () => {
    const { machine, recovery, remove } = await kind.open();
    assert.deepEqual(machine.applied, { term: 0, index: 0 });
    assert.deepEqual(recovery.applied, { term: 0, index: 0 });
    assert.deepEqual(recovery.config.learners, []);
    await new Promise<void>((resolve) => machine.close(resolve));
    await remove();
  });

  test("applies in order and answers in order, with nothing for entries that are no commands", async () => {
    await using subject = await Subject.open(kind);
    assert.deepEqual(await subject.add(1, 10, 100), [1, 11, 111]);
    const mixed = [NOOP, commandOf(kind.add(1)), CONFIG, CONFIG];
    const answers = await subject.apply([...mixed, commandOf(kind.add(2))]);
    assert.deepEqual(answers.map(({ length }) => length > 0), [
      false,
      true,
      false,
      false,
      true,
    ]);
    assert.deepEqual(kind.sumIn(answers[1]!), 112);
    assert.deepEqual(kind.sumIn(answers[4]!), 114);
    const { index } = subject.machine.applied;
    assert.equal(index, kind.setup.length + 8);
  });

  test("does without answers what it does with them", async () => {
    await using subject = await Subject.open(kind);
    const silent = await subject.apply([commandOf(kind.add(5)), NOOP], false);
    assert.deepEqual(silent, []);
    assert.deepEqual(await subject.add(1), [6]);
  });

  test("moves `applied` when the batch is done, not before", async () => {
    await using subject = await Subject.open(kind);
    const { machine } = subject;
    const before = machine.applied.index;
    const done = subject.apply([NOOP, commandOf(kind.add(1))]);
    assert.equal(machine.applied.index, before);
    await done;
    assert.deepEqual(machine.applied, { term: TERM, index: before + 2 });
  });

  test("does not care how entries were cut into batches", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new SeededRandom(seed);
    const story = Array.from(
      { length: 600 },
      (_, i) => i % 50 === 7 ? NOOP : commandOf(kind.add(below(random, 1000))),
    );
    await using one = await Subject.open(kind);
    await using other = await Subject.open(kind);
    const answers: Uint8Array[][] = [];
    for (const subject of [one, other]) {
      const given: Uint8Array[] = [];
      for (const batch of batchesOf(story, random)) {
        given.push(...await subject.apply(batch));
      }
      answers.push(given);
    }
    assert.deepEqual(answers[0], answers[1], `seed ${seed}`);
    assert.deepEqual(one.machine.stateHashes(), other.machine.stateHashes());
  });
}

function telling(kind: MachineKind, test: Test): void {
  test("tells of the same events whether answers are wanted or not, and however entries were cut into batches", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const random = new SeededRandom(seed);
    const story = Array.from(
      { length: 300 },
      (_, i) => i % 10 === 3 ? CONFIG : commandOf(kind.add(i)),
    );
    await using one = await Subject.open(kind);
    await using other = await Subject.open(kind);
    const setup = one.events.length;
    for (const [subject, answers] of [[one, true], [other, false]] as const) {
      for (const batch of batchesOf(story, random)) {
        const { index } = subject.machine.applied;
        const known = subject.events.length;
        await subject.apply(batch, answers);
        for (const event of subject.events.slice(known)) {
          assert.ok(event.index > index);
          assert.ok(event.index <= subject.machine.applied.index);
        }
      }
    }
    assert.deepEqual(one.events, other.events, `seed ${seed}`);
    assert.equal(one.events.length - setup, 270 * kind.eventsPerAdd);
    let last = { index: 0, seq: -1 };
    for (const { index, seq } of one.events) {
      assert.equal(seq, index === last.index ? last.seq + 1 : 0);
      assert.ok(index >= last.index);
      last = { index, seq };
    }
  });

  test("has told of what it did when `applied` moves, and of nothing before", async () => {
    await using subject = await Subject.open(kind);
    const before = subject.events.length;
    const adding = subject.add(1);
    assert.equal(subject.events.length, before);
    await adding;
    assert.equal(subject.events.length, before + kind.eventsPerAdd);
    if (!subject.durable) return;
    await subject.restart();
    await subject.add(1);
    assert.equal(subject.events.length, before + 2 * kind.eventsPerAdd);
  });
}

function keeping(kind: MachineKind, test: Test): void {
  test("says after a checkpoint up to where the state is durable", async () => {
    await using subject = await Subject.open(kind);
    await subject.add(1, 2);
    const { index } = subject.machine.applied;
    assert.equal(await subject.checkpoint(), index);
  });

  test("finds no damage where there is none", async () => {
    await using subject = await Subject.open(kind);
    await subject.add(1);
    await subject.machine.check(true);
  });

  test("goes on after a restart where it was", async () => {
    await using subject = await Subject.open(kind);
    if (!subject.durable) return;
    await subject.add(1, 2);
    await subject.apply([CONFIG]);
    const { applied } = subject.machine;
    await subject.restart();
    assert.deepEqual(subject.machine.applied, applied);
    assert.deepEqual(subject.recovery, { applied, config: MEMBERS });
    assert.deepEqual(await subject.add(4), [7]);
  });

  test("finishes what was begun before it closes", async () => {
    await using subject = await Subject.open(kind);
    const adding = subject.add(1, 2);
    await subject.close();
    assert.deepEqual(await adding, [1, 3]);
  });
}

function copying(kind: MachineKind, test: Test): void {
  test("makes another one the same by a snapshot: position, configuration, following answers, hashes", async () => {
    await using source = await Subject.open(kind);
    await using target = await Subject.open(kind);
    await source.apply([CONFIG]);
    for (let i = 0; i < 10; i++) await source.add(...Array(30).fill(i));
    await target.add(1_000_000);
    const snapshot = await source.snapshot();
    assert.deepEqual(snapshot.last, source.machine.applied);
    assert.deepEqual(snapshot.config, MEMBERS);
    await transfer(snapshot, target);
    await target.install(snapshot.last);
    snapshot.release();
    snapshot.release();
    assert.deepEqual(target.machine.applied, source.machine.applied);
    const next = Array.from({ length: 600 }, () => commandOf(kind.add(3)));
    assert.deepEqual(await target.apply(next), await source.apply(next));
    const known = target.machine.stateHashes();
    const same = source.machine.stateHashes()
      .filter(({ index }) => index > snapshot.last.index);
    assert.deepEqual(
      known.filter(({ index }) => index > snapshot.last.index),
      same,
    );
    if (!target.durable) return;
    const { applied } = target.machine;
    await target.restart();
    assert.deepEqual(target.machine.applied, applied);
    assert.deepEqual(await target.add(1), await source.add(1));
  });

  test("a snapshot holds one moment, whatever is applied after it", async () => {
    await using source = await Subject.open(kind);
    await using target = await Subject.open(kind);
    await source.add(7);
    const snapshot = await source.snapshot();
    await source.add(1, 1, 1);
    await transfer(snapshot, target);
    await target.install(snapshot.last);
    snapshot.release();
    assert.deepEqual(await target.add(1), [8]);
  });

  test("receives the newer snapshot when another one is sent", async () => {
    await using source = await Subject.open(kind);
    await using target = await Subject.open(kind);
    await source.add(1);
    const old = await source.snapshot();
    const given_up = await target.receive(old.last);
    const bytes = await bytesOf(old);
    await settled((done) => given_up.write(bytes.slice(0, 10), done));
    old.release();
    await source.add(2);
    const snapshot = await source.snapshot();
    await transfer(snapshot, target);
    await target.install(snapshot.last);
    snapshot.release();
    assert.deepEqual(await target.add(4), [7]);
  });
}

function refusing(kind: MachineKind, test: Test): void {
  test("refuses a snapshot that arrived damaged, and keeps its state", async () => {
    await using source = await Subject.open(kind);
    await using target = await Subject.open(kind);
    await source.add(5);
    await target.add(1);
    const snapshot = await source.snapshot();
    const bytes = await bytesOf(snapshot);
    const flipped = bytes.slice();
    flipped[Math.floor(bytes.length / 2)]! ^= 1;
    for (const damaged of [flipped, bytes.slice(0, -1), bytes.slice(0, 0)]) {
      const sink = await target.receive(snapshot.last);
      await write(sink, damaged);
      await assert.rejects(settled((done) => sink.finish(snapshot, done)));
      await assert.rejects(target.install(snapshot.last));
    }
    snapshot.release();
    assert.deepEqual(await target.add(1), [2]);
  });

  test("installs nothing that it did not receive", async () => {
    await using subject = await Subject.open(kind);
    await subject.add(1);
    await assert.rejects(subject.install({ term: 9, index: 99 }));
    assert.deepEqual(await subject.add(1), [2]);
  });
}
