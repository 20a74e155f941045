import type { Entry, LogId, LogIndex } from "../../../src/raft/types.ts";
import { NO_CONFIGURATION, ZERO_LOG_ID } from "../../../src/raft/types.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { CacheMachine } from "../../../src/state/kv/machine.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import type {
  ApplyDone,
  Snapshot,
  SnapshotSink,
  StateHash,
  StateRecovery,
} from "../../../src/state/port.ts";
import { LIMITS } from "../kv_model.ts";
import type { MachineHost, SimulatedMachine } from "../machine_port.ts";
import { Violation } from "../violation.ts";
import { dumpOf, readMain } from "./dump.ts";
import { Bytes } from "./space.ts";

/** So long a look at the clock takes, ms: after some steps others get a turn. */
const LOOKS_MS = [0, 5, 5];

/**
 * The caches' machine itself, in memory, with snapshots that are built beside entries that are applied, a few
 * steps at a time. What it holds ends with its process.
 */
export class MemoryCaches implements SimulatedMachine {
  readonly #host: MachineHost;
  readonly #machine: CacheMachine;
  #store: MemoryKvStore;
  #applying: readonly Entry[] | null = null;
  #snapshot: (() => void) | null = null;
  #nowMs = 0;
  installing = false;
  receiving = false;
  readonly recovery: StateRecovery = {
    applied: ZERO_LOG_ID,
    config: NO_CONFIGURATION,
  };
  readonly holds = false;

  /** An empty one; `soon` runs something before anything else gets a turn. */
  constructor(host: MachineHost, soon: (next: () => void) => void) {
    this.#host = host;
    const later = (event: () => void): void => host.later(event);
    const open = (): MemoryKvStore => new LateStore(later);
    this.#store = open();
    this.#machine = new CacheMachine({
      store: this.#store,
      stores: {
        replacement: open,
        adopt: (store) => {
          this.#store = store as MemoryKvStore;
        },
      },
      space: { open: () => new Bytes(later) },
      pace: {
        now: () => this.#nowMs += host.draw.pick(LOOKS_MS),
        soon,
        turn: later,
      },
      commands: { limits: LIMITS },
    });
  }

  get applied(): LogId {
    return this.#machine.applied;
  }

  get clockMs(): number {
    return this.#machine.clockMs;
  }

  /** The last entry that a read may see something of: those of a batch take effect one after the other. */
  get seen(): LogIndex {
    return this.#applying?.at(-1)?.index ?? this.applied.index;
  }

  read(key: number): string {
    return readMain(this.#machine.reads, key, this.clockMs);
  }

  /** Nothing is run here before it is committed. */
  rest(): void {}

  dump(): string {
    return dumpOf(this.#store);
  }

  apply(entries: readonly Entry[], answers: boolean, done: ApplyDone): void {
    this.#mustBeFree("apply");
    this.#applying = entries;
    this.#host.later(() => {
      this.#beginSnapshot();
      this.#machine.apply(entries, true, (error, results, events) => {
        this.#applying = null;
        if (error !== null) throw error;
        entries.forEach((entry, i) => this.#tookEffect(entry, results[i]!));
        this.#host.reached(this.applied.index, this.clockMs);
        done(null, answers ? results : [], events);
      });
    });
  }

  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    this.#machine.checkpoint(done);
  }

  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    this.#snapshot = () => this.#machine.snapshot(done);
    this.#host.later(() => this.#beginSnapshot());
  }

  /** One that was asked for begins with the next batch, beside which it is built, or soon. */
  #beginSnapshot(): void {
    this.#snapshot?.();
    this.#snapshot = null;
  }

  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.receiving = true;
    this.#machine.receive(last, done);
  }

  install(last: LogId, done: (error: Error | null) => void): void {
    this.#mustBeFree("install");
    this.installing = true;
    this.#host.installing();
    this.#machine.install(last, (error) => {
      this.installing = this.receiving = false;
      if (error === null) this.#host.installed(last);
      done(error);
    });
  }

  check(_hurry: boolean): Promise<void> {
    return Promise.resolve();
  }

  stateHashes(): readonly StateHash[] {
    return this.#machine.stateHashes();
  }

  close(done: () => void): void {
    this.#machine.close(done);
  }

  /** Nothing outlives the process. */
  die(): void {}

  #tookEffect(entry: Entry, answer: Uint8Array): void {
    if (answer.length > 0 && decodeAnswer(answer).index !== entry.index) {
      this.#host.duplicate();
    }
    this.#host.applied(entry, answer);
  }

  #mustBeFree(what: string): void {
    if (this.#applying === null && !this.installing) return;
    throw new Violation("one transaction", `${what} while another is open`);
  }
}

/** A checkpoint of it takes as long as the simulator says. */
class LateStore extends MemoryKvStore {
  readonly #later: (event: () => void) => void;

  constructor(later: (event: () => void) => void) {
    super();
    this.#later = later;
  }

  override checkpoint(done: (error: Error | null) => void): void {
    this.#later(() => done(null));
  }
}
