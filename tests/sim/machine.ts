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
  type PrepareDone,
  type PreparingMachine,
  type Snapshot,
  type SnapshotSink,
  type StateEvents,
  type StateHash,
  type StateRecovery,
} from "../../src/state/port.ts";
import { entryEvents } from "./entry_events.ts";
import type { Model } from "./kv_model.ts";
import type { MachineHost, SimulatedMachine } from "./machine_port.ts";
import { SimPreparation } from "./preparation.ts";
import { decodeAnswer } from "../../src/state/answer.ts";
import { peekHash } from "../../src/state/envelope.ts";
import { SimSink, SimSnapshot, unwrap } from "./snapshots.ts";
import type { StatePoint, StateVolume } from "./state_volume.ts";
import { Violation } from "./violation.ts";

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
  readonly #preparation: SimPreparation;

  /** Opens what is on the volume. */
  constructor(volume: StateVolume, host: MachineHost) {
    this.#volume = volume;
    this.#host = host;
    this.#preparation = new SimPreparation(this, volume, host);
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

  /** See `SimulatedMachine`. */
  rest(): void {
    this.#preparation.leave();
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
      const events = this.#model.takeEvents?.() ?? entryEvents(entries);
      this.#compare(entries, results, events, divergence);
      done(null, answers ? results : [], events, divergence);
      const after = this.#host.reported();
      if ((divergence ?? before) !== after) {
        throw new Violation("divergence unseen", `at ${divergence?.index}`);
      }
    });
  }

  prepare(preparation: Preparation, done: PrepareDone): void {
    if (!this.#preparation.mayFollow) this.#mustBeFree("prepare");
    this.#preparation.prepare(preparation, done);
  }

  abortPrepare(): boolean {
    return this.#preparation.abort();
  }

  get commitsUnattended(): boolean {
    return this.#host.faults().unattended;
  }

  commitPrepared(
    done: (error: Error | null, events: StateEvents) => void,
  ): void {
    this.#preparation.commit(done);
  }

  rollbackPrepared(done: (error: Error | null) => void): void {
    this.#preparation.rollback(done);
  }

  /** Whether a transaction is open. */
  get holds(): boolean {
    return this.#preparation.holds;
  }

  /** See {@linkcode PreparingMachine.preparing}. */
  get preparing(): number {
    return this.#preparation.preparing;
  }

  /** See {@linkcode SimPreparation.prepared}. */
  get prepared(): SimPreparation["prepared"] {
    return this.#preparation.prepared;
  }

  /** See {@linkcode SimPreparation.alone}. */
  get alone(): SimPreparation["alone"] {
    return this.#preparation.alone;
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
    const { committing } = this.#preparation;
    if (committing !== null && this.#host.draw.chance(0.5)) {
      this.#volume.batches.push(committing);
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
      this.tookEffect(entry, results[i]!);
    });
    if (!live) return null;
    this.#host.reached(this.#applied.index, this.clockMs);
    if (divergence !== null) this.#host.hit("divergenceSeen");
    return divergence;
  }

  /** An entry is part of the state from now on. */
  tookEffect(entry: Entry, answer: Uint8Array): void {
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
