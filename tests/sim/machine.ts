import { createHash } from "node:crypto";
import { HiqliteError } from "../../src/errors.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  NO_CONFIGURATION,
  ZERO_LOG_ID,
} from "../../src/raft/types.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type Snapshot,
  type SnapshotSink,
  type StateHash,
  type StateMachine,
  type StateRecovery,
} from "../../src/state/port.ts";
import type { Draw } from "./draw.ts";
import type { Model } from "./kv_model.ts";

/** A state at a point of the log. */
interface StatePoint {
  readonly last: LogId;
  readonly config: Configuration;
  readonly bytes: Uint8Array;
}

/** What of a state machine outlives its process: a checkpoint, later transactions, a received snapshot. */
export class StateVolume {
  checkpoint: StatePoint = {
    last: ZERO_LOG_ID,
    config: NO_CONFIGURATION,
    bytes: new Uint8Array(0),
  };
  /** Applied after the checkpoint; a power cut keeps a prefix of whole batches. */
  batches: (readonly Entry[])[] = [];
  received: { readonly last: LogId; readonly bytes: Uint8Array } | null = null;

  /** Loses the newest `lost` batches. */
  powerCut(lost: number): void {
    this.batches.length = Math.max(0, this.batches.length - lost);
  }
}

/** What the machine needs of its process and its world. */
export interface MachineHost {
  /** Runs `event` after a while, unless the process is dead by then. */
  later(event: () => void): void;
  readonly draw: Draw;
  /** Makes a model from the bytes of a state. */
  model(bytes: Uint8Array): Model;
  decodeConfig(payload: Uint8Array): Configuration;
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

const EMPTY = new Uint8Array(0);

/** A deterministic state machine on a {@linkcode StateVolume}, with latencies. */
export class SimMachine implements StateMachine {
  readonly #volume: StateVolume;
  readonly #host: MachineHost;
  #model: Model;
  #applied: LogId;
  #config: Configuration;
  #applying: readonly Entry[] | null = null;
  #installing: (() => void) | null = null;
  #receiving = false;
  #closed = false;

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
    this.#applying = entries;
    this.#host.later(() => {
      this.#applying = null;
      if (this.#host.full()) {
        const full = new HiqliteError("disk_full", "simulated full disk");
        return done(full, [], NO_EVENTS);
      }
      const results: Uint8Array[] = [];
      this.#run(entries, results);
      this.#volume.batches.push(entries);
      done(null, answers ? results : [], NO_EVENTS);
    });
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
    if (this.#installing !== null && this.#host.draw.chance(0.5)) {
      this.#installing();
    }
    if (!this.#closed) this.#model.close();
    this.#closed = true;
  }

  /** `answers` null: repeats at a start what was applied before. */
  #run(entries: readonly Entry[], answers: Uint8Array[] | null): void {
    const live = answers !== null;
    const results = this.#model.apply(entries, () => {
      if (live) this.#host.duplicate();
    });
    entries.forEach((entry, i) => {
      if (entry.kind === EntryKind.config) {
        this.#config = this.#host.decodeConfig(entry.payload);
      }
      this.#applied = { term: entry.term, index: entry.index };
      if (!live) return;
      answers.push(results[i]!);
      this.#host.applied(entry, results[i]!);
    });
    if (live) this.#host.reached(this.#applied.index, this.clockMs);
  }

  #point(): StatePoint {
    return {
      last: this.#applied,
      config: this.#config,
      bytes: this.#model.encode(),
    };
  }
}

/** Snapshot bytes: the state, the configuration, padding. */
function wrap(point: StatePoint, padding: number): Uint8Array {
  const config = new TextEncoder().encode(JSON.stringify(point.config));
  const bytes = new Uint8Array(
    8 + config.length + point.bytes.length + padding,
  );
  const view = new DataView(bytes.buffer);
  view.setUint32(0, config.length);
  view.setUint32(4, point.bytes.length);
  bytes.set(config, 8);
  bytes.set(point.bytes, 8 + config.length);
  return bytes;
}

function unwrap(
  bytes: Uint8Array,
): { readonly config: Configuration; readonly bytes: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const config = view.getUint32(0);
  const state = view.getUint32(4);
  return {
    config: JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + config))),
    bytes: bytes.slice(8 + config, 8 + config + state),
  };
}

class SimSnapshot implements Snapshot {
  readonly last: LogId;
  readonly config: Configuration;
  readonly size: number;
  readonly sha256: string;
  readonly #host: MachineHost;
  readonly #bytes: Uint8Array;
  #released = false;

  constructor(point: StatePoint, host: MachineHost) {
    this.#host = host;
    this.#bytes = wrap(point, host.snapshotPadding);
    this.last = point.last;
    this.config = point.config;
    this.size = this.#bytes.length;
    this.sha256 = sha256(this.#bytes);
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    this.#host.later(() => {
      if (this.#released) return done(new Error("snapshot released"), EMPTY);
      done(null, this.#bytes.subarray(offset, offset + length));
    });
  }

  release(): void {
    this.#released = true;
  }
}

class SimSink implements SnapshotSink {
  readonly #last: LogId;
  readonly #volume: StateVolume;
  readonly #host: MachineHost;
  #chunks: Uint8Array[] = [];
  #offset = 0;

  constructor(last: LogId, volume: StateVolume, host: MachineHost) {
    this.#last = last;
    this.#volume = volume;
    this.#host = host;
  }

  get offset(): number {
    return this.#offset;
  }

  write(chunk: Uint8Array, done: (error: Error | null) => void): void {
    this.#host.later(() => {
      if (this.#host.full()) {
        return done(new HiqliteError("disk_full", "simulated full disk"));
      }
      this.#chunks.push(chunk);
      this.#offset += chunk.length;
      done(null);
    });
  }

  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void {
    this.#host.later(() => {
      const bytes = new Uint8Array(this.#offset);
      let at = 0;
      for (const chunk of this.#chunks) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      if (bytes.length !== expected.size || sha256(bytes) !== expected.sha256) {
        return done(new Error("snapshot checksum differs"));
      }
      this.#volume.received = { last: this.#last, bytes };
      done(null);
    });
  }

  abort(): void {
    this.#chunks = [];
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
