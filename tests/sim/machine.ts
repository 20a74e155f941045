import { HiqliteError } from "../../src/errors.ts";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
} from "../../src/raft/types.ts";
import {
  type ApplyDone,
  type Divergence,
  NO_EVENTS,
  type Preparation,
  type PreparedEntry,
  type PrepareDone,
  PrepareFailedError,
  type PreparingMachine,
  type Snapshot,
  type SnapshotSink,
  type StateEvent,
  type StateEvents,
  type StateHash,
  type StateMachine,
  type StateRecovery,
  WriterLostError,
} from "../../src/state/port.ts";
import type { Draw } from "./draw.ts";
import type { Probe } from "./probes.ts";
import { type Model, PoisonError } from "./kv_model.ts";
import { decodeAnswer } from "../../src/state/answer.ts";
import { peekHash } from "../../src/state/envelope.ts";
import { SimSink, SimSnapshot, unwrap } from "./snapshots.ts";
import type { StatePoint, StateVolume } from "./state_volume.ts";
import { Violation } from "./violation.ts";

/** How likely what goes wrong in a preparation is, each time. */
export interface MachineFaults {
  readonly hangs: number;
  readonly dies: number;
  /** An entry must be applied alone. */
  readonly alone: number;
  /** Only some of a batch is prepared. */
  readonly cuts: number;
  /** The hash of an answer is wrong, in a preparation or here. */
  readonly differs: number;
  /** Whether what hangs can be ended. */
  readonly abortable: boolean;
  /** Whether it is known which command of a batch was ended. */
  readonly certain: boolean;
}

/** A machine without faults. */
export const NO_FAULTS: MachineFaults = {
  hangs: 0,
  dies: 0,
  alone: 0,
  cuts: 0,
  differs: 0,
  abortable: true,
  certain: true,
};

/** What the machine needs of its process and its world. */
export interface MachineHost {
  /** Runs `event` after a while, unless the process is dead by then. */
  later(event: () => void): void;
  readonly draw: Draw;
  /** Makes a model from the bytes of a state. */
  model(bytes: Uint8Array): Model;
  /** The hash that an entry carries of its answer, and of what it tells. */
  hash(answer: Uint8Array, events: readonly StateEvent[]): number;
  /** Which faults a preparation has. */
  faults(): MachineFaults;
  /** The group was told of this divergence. */
  reported(): Divergence | null;
  /** From now on the hash of an entry at `index` in `term` may be wrong. */
  lied(index: LogIndex, term: number): void;
  /** A rare path of a preparation. */
  hit(probe: Probe): void;
  /** An entry takes effect. */
  applied(entry: Entry, answer: Uint8Array): void;
  /** A batch has taken effect, and the state's clock is this. */
  reached(index: LogIndex, clockMs: number): void;
  duplicate(): void;
  /** A snapshot begins to replace the state. */
  installing(): void;
  /** A snapshot became the state. */
  installed(last: LogId): void;
  /** Whether writes fail now for want of room. */
  full(): boolean;
  /** Bytes that make snapshots bigger. */
  readonly snapshotPadding: number;
}

/** What the simulator asks of a state machine beside what a group does. */
export interface SimulatedMachine extends StateMachine {
  /** What a start finds. */
  readonly recovery: StateRecovery;
  /** Whether a snapshot is on its way in. */
  readonly receiving: boolean;
  /** Whether a snapshot is replacing the state. */
  readonly installing: boolean;
  /** Whether a transaction is open that is not committed in the log. */
  readonly holds: boolean;
  /** The last entry that a read may see something of. */
  readonly seen: LogIndex;
  /** A key's value, as of `applied` or some entry up to `seen`. */
  read(key: number): string;
  /** The state in a canonical form, to compare members. */
  dump(): string;
  /** The process dies: what was under way may have reached the disk as a whole, or not at all. */
  die(): void;
}

const EMPTY = new Uint8Array(0);

/** A deterministic state machine on a {@linkcode StateVolume}, with latencies. */
export class SimMachine implements PreparingMachine, SimulatedMachine {
  readonly #volume: StateVolume;
  readonly #host: MachineHost;
  #model: Model;
  #applied: LogId;
  #config: Configuration;
  #applying: readonly Entry[] | null = null;
  #installing: (() => void) | null = null;
  #receiving = false;
  #closed = false;
  /** The preparation under way. */
  #preparation: { readonly done: PrepareDone } | null = null;
  /** The open transaction: the entries that it will be, with their answers. */
  #transaction: { entries: Entry[]; answers: Uint8Array[] } | null = null;
  #before = "";
  #committing: readonly Entry[] | null = null;
  preparing = 0;
  /** What was prepared last and not proposed yet, by index: an entry may be proposed once for each. */
  readonly prepared = new Map<
    LogIndex,
    { readonly term: number; readonly payload: Uint8Array }
  >();
  /** Commands that must be proposed as they are. */
  readonly alone = new Set<Uint8Array>();

  /** Opens what is on the volume. */
  constructor(volume: StateVolume, host: MachineHost) {
    this.#volume = volume;
    this.#host = host;
    this.#model = host.model(volume.checkpoint.bytes);
    this.#applied = volume.checkpoint.last;
    this.#config = volume.checkpoint.config;
    for (const batch of volume.batches) this.#run(batch, null);
  }

  get applied(): LogId {
    return this.#applied;
  }

  get clockMs(): number {
    return this.#model.clockMs;
  }

  /** What a start finds. */
  get recovery(): StateRecovery {
    return { applied: this.#applied, config: this.#config };
  }

  /** Whether a snapshot is on its way in. */
  get receiving(): boolean {
    return this.#receiving;
  }

  /** Whether a snapshot is replacing the state. */
  get installing(): boolean {
    return this.#installing !== null;
  }

  /** Nothing is to be seen of a batch before all of it is. */
  get seen(): LogIndex {
    return this.#applied.index;
  }

  /** What is committed here. */
  get model(): Model {
    return this.#model;
  }

  /** A key's value as of `applied`. */
  read(key: number): string {
    return this.#model.read(key);
  }

  /** The state in a canonical form, to compare members. */
  dump(): string {
    return this.#model.dump();
  }

  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: ApplyDone,
  ): void {
    this.#mustBeFree("apply");
    this.#applying = entries;
    this.#host.later(() => {
      this.#applying = null;
      if (this.#host.full()) {
        const full = new HiqliteError("disk_full", "simulated full disk");
        return done(full, [], NO_EVENTS);
      }
      const results: Uint8Array[] = [];
      const divergence = this.#run(entries, results);
      this.#volume.batches.push(entries);
      const before = this.#host.reported();
      const events = this.#model.takeEvents?.() ?? eventsOf(entries);
      this.#compare(entries, results, events, divergence);
      done(null, answers ? results : [], events, divergence);
      const after = this.#host.reported();
      if ((divergence ?? before) !== after) {
        throw new Violation("divergence unseen", `at ${divergence?.index}`);
      }
    });
  }

  prepare(preparation: Preparation, done: PrepareDone): void {
    this.#mustBeFree("prepare");
    const { first, term } = preparation;
    if (first !== this.#applied.index + 1) {
      throw new Violation(
        "prepared upon what is not applied",
        `${first} of ${term}, applied ${this.#applied.index}`,
      );
    }
    const preparing = { done };
    this.#preparation = preparing;
    this.preparing = 0;
    this.prepared.clear();
    this.#host.later(() => {
      if (this.#preparation === preparing) this.#prepare(preparation);
    });
  }

  #prepare(preparation: Preparation): void {
    const { draw } = this.#host;
    const faults = this.#host.faults();
    if (this.#host.full()) {
      return this.#prepareEnds(
        new HiqliteError("disk_full", "simulated full disk"),
      );
    }
    if (draw.chance(faults.dies)) return this.#dies();
    if (draw.chance(faults.hangs)) {
      this.preparing = draw.int(0, preparation.payloads.length - 1);
      return this.#host.hit("prepareHung");
    }
    const { first, term } = preparation;
    let { payloads } = preparation;
    const alone = draw.chance(faults.alone);
    if (alone) payloads = payloads.slice(0, 1);
    else if (draw.chance(faults.cuts)) {
      payloads = payloads.slice(0, draw.int(1, payloads.length));
    }
    this.#before = draw.chance(0.2) ? this.#model.dump() : "";
    let outcomes: PreparedEntry[];
    try {
      outcomes = this.#model.prepare({ first, term, payloads });
    } catch (error) {
      if (!(error instanceof PoisonError)) throw error;
      this.preparing = error.at;
      if (error.how === "hangs") return this.#host.hit("poisonHung");
      return this.#dies();
    }
    if (alone && outcomes[0]!.kind === "prepared") {
      // It was only rehearsed.
      this.#model.rollbackPrepared();
      this.alone.add(payloads[0]!);
      this.#transaction = { entries: [], answers: [] };
      return this.#prepareEnds(null, [{ kind: "alone" }]);
    }
    const transaction = { entries: [] as Entry[], answers: [] as Uint8Array[] };
    let index = first;
    outcomes = outcomes.map((outcome, i) => {
      if (outcome.kind !== "prepared") return outcome;
      const payload = payloads[i]!;
      this.prepared.set(index, { term, payload: payload.slice() });
      transaction.answers.push(outcome.answer);
      transaction.entries.push(
        { index, term, kind: EntryKind.command, payload },
      );
      if (draw.chance(faults.differs)) {
        this.#host.lied(index, term);
        outcome = { ...outcome, hash: (outcome.hash ^ 1) >>> 0 };
      }
      index++;
      return outcome;
    });
    this.#transaction = transaction;
    this.#prepareEnds(null, outcomes);
  }

  #dies(): void {
    this.#host.hit("preparerDied");
    this.#prepareEnds(
      new PrepareFailedError("internal", "simulated death of the writer", null),
    );
  }

  #prepareEnds(error: Error | null, outcomes: PreparedEntry[] = []): void {
    const { done } = this.#preparation!;
    this.#preparation = null;
    done(error, outcomes);
  }

  abortPrepare(): boolean {
    if (!this.#host.faults().abortable) return false;
    const at = this.#host.faults().certain ? this.preparing : null;
    const aborted = this.#preparation;
    this.#host.later(() => {
      if (aborted === null || this.#preparation !== aborted) return;
      this.#host.hit("prepareAborted");
      this.#prepareEnds(
        new PrepareFailedError("timeout", "simulated time limit", at),
      );
    });
    return true;
  }

  commitPrepared(
    done: (error: Error | null, events: StateEvents) => void,
  ): void {
    const transaction = this.#transaction;
    if (transaction === null) throw new Violation("no transaction", "commit");
    this.#committing = transaction.entries;
    this.#host.later(() => {
      this.#committing = null;
      if (this.#host.full()) {
        const full = new HiqliteError("disk_full", "simulated full disk");
        return done(full, NO_EVENTS);
      }
      const { dies } = this.#host.faults();
      if (this.#host.draw.chance(dies)) {
        this.#host.hit("transactionLost");
        return done(
          new PrepareFailedError("internal", "simulated death", null),
          NO_EVENTS,
        );
      }
      this.#transaction = null;
      this.#model.commitPrepared();
      this.#volume.batches.push(transaction.entries);
      const { entries, answers } = transaction;
      entries.forEach((entry, i) => this.#tookEffect(entry, answers[i]!));
      this.#host.reached(this.#applied.index, this.clockMs);
      this.#host.hit("preparedCommitted");
      if (this.#host.draw.chance(dies)) {
        this.#host.hit("commitUnheard");
        return done(new WriterLostError("simulated death"), NO_EVENTS);
      }
      done(null, this.#model.takeEvents?.() ?? eventsOf(entries));
    });
  }

  rollbackPrepared(done: (error: Error | null) => void): void {
    if (this.#transaction === null) {
      throw new Violation("no transaction", "rollback");
    }
    this.#host.later(() => {
      const { entries } = this.#transaction!;
      this.#transaction = null;
      this.prepared.clear();
      if (entries.length > 0) {
        this.#model.rollbackPrepared();
        this.#host.hit("preparedRolledBack");
        if (this.#before !== "" && this.#before !== this.#model.dump()) {
          throw new Violation("rollback", "the state is not as before");
        }
      }
      done(null);
    });
  }

  /** Whether a transaction is open. */
  get holds(): boolean {
    return this.#transaction !== null || this.#preparation !== null;
  }

  /** One transaction at a time, and nothing else to the state meanwhile. */
  #mustBeFree(what: string): void {
    if (!this.holds && this.#applying === null && this.#installing === null) {
      return;
    }
    throw new Violation("one transaction", `${what} while another is open`);
  }

  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    this.#host.later(() => {
      if (this.#host.full()) {
        return done(new HiqliteError("disk_full", "simulated full disk"), 0);
      }
      this.#volume.checkpoint = this.#point();
      this.#volume.batches = [];
      done(null, this.#applied.index);
    });
  }

  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    const point = this.#point();
    this.#host.later(() => {
      if (this.#host.full()) {
        return done(new HiqliteError("disk_full", "simulated full disk"), null);
      }
      done(null, new SimSnapshot(point, this.#host));
    });
  }

  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.#receiving = true;
    this.#host.later(() => {
      done(null, new SimSink(last, this.#volume, this.#host));
    });
  }

  install(last: LogId, done: (error: Error | null) => void): void {
    const received = this.#volume.received;
    if (
      received?.last.index !== last.index || received.last.term !== last.term
    ) {
      return this.#host.later(() => done(new Error("nothing to install")));
    }
    this.#mustBeFree("install");
    const replace = (): void => {
      this.#installing = null;
      this.#receiving = false;
      const { config, bytes } = unwrap(received.bytes);
      this.#volume.checkpoint = { last, config, bytes };
      this.#volume.batches = [];
      this.#volume.received = null;
    };
    this.#installing = replace;
    this.#host.installing();
    this.#host.later(() => {
      replace();
      this.#model.close();
      this.#model = this.#host.model(this.#volume.checkpoint.bytes);
      this.#applied = last;
      this.#config = this.#volume.checkpoint.config;
      this.#host.installed(last);
      done(null);
    });
  }

  check(_hurry: boolean): Promise<void> {
    return Promise.resolve();
  }

  stateHashes(): readonly StateHash[] {
    return [];
  }

  close(done: () => void): void {
    this.#closed = true;
    this.#model.close();
    this.#host.later(done);
  }

  /** The process dies: what was under way may have reached the disk as a whole, or not at all. */
  die(): void {
    if (this.#applying !== null && this.#host.draw.chance(0.5)) {
      this.#volume.batches.push(this.#applying);
    }
    if (this.#committing !== null && this.#host.draw.chance(0.5)) {
      this.#volume.batches.push(this.#committing);
    }
    if (this.#installing !== null && this.#host.draw.chance(0.5)) {
      this.#installing();
    }
    if (!this.#closed) this.#model.close();
    this.#closed = true;
  }

  /** `answers` null: repeats at a start what was applied before. */
  #run(
    entries: readonly Entry[],
    answers: Uint8Array[] | null,
  ): Divergence | null {
    const live = answers !== null;
    const { answers: results, divergence } = this.#model.apply(entries);
    entries.forEach((entry, i) => {
      if (entry.kind === EntryKind.config) {
        this.#config = decodeConfiguration(entry.payload);
      }
      if (!live) {
        this.#applied = { term: entry.term, index: entry.index };
        return;
      }
      answers.push(results[i]!);
      this.#tookEffect(entry, results[i]!);
    });
    if (!live) return null;
    this.#host.reached(this.#applied.index, this.clockMs);
    if (divergence !== null) this.#host.hit("divergenceSeen");
    return divergence;
  }

  #tookEffect(entry: Entry, answer: Uint8Array): void {
    this.#applied = { term: entry.term, index: entry.index };
    if (answer.length > 0 && decodeAnswer(answer).index !== entry.index) {
      this.#host.duplicate();
    }
    this.#host.applied(entry, answer);
  }

  /** The model must tell of the first entry whose hash is not that of its answer. */
  #compare(
    entries: readonly Entry[],
    answers: readonly Uint8Array[],
    events: StateEvents,
    divergence: Divergence | null,
  ): void {
    const told = Map.groupBy(events, ({ index }) => index);
    const first = entries.find(({ index, kind, payload }, i) => {
      if (kind !== EntryKind.command) return false;
      const hash = peekHash(payload);
      return hash !== null &&
        hash !== this.#host.hash(answers[i]!, told.get(index) ?? []);
    });
    if (first?.index === divergence?.index) return;
    throw new Violation(
      "divergence unseen",
      `at ${first?.index}, told of ${divergence?.index}`,
    );
  }

  #point(): StatePoint {
    return {
      last: this.#applied,
      config: this.#config,
      bytes: this.#model.encode(),
    };
  }
}

/** One for each command. */
function eventsOf(entries: readonly Entry[]): StateEvents {
  const events: StateEvent[] = entries
    .filter(({ kind }) => kind === EntryKind.command)
    .map(({ index }) => ({ index, seq: 0, kind: "entry", bytes: EMPTY }));
  return {
    count: events.length,
    byteLength: 0,
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}
