import { createHash } from "node:crypto";
import type { Entry, LogId, LogIndex } from "../../src/raft/types.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type Snapshot,
  type SnapshotSink,
  type StateEvent,
  type StateEvents,
  type StateHash,
  type StateMachine,
} from "../../src/state/port.ts";
import { ByteWriter } from "../../src/util/bytes.ts";
import { LEVEL } from "../../src/state/level.ts";
import { CounterState, type Effects } from "./state.ts";

/** Counters in memory: the smallest state machine of a group. */
export class CounterMachine implements StateMachine {
  readonly #level: number;
  #state: CounterState;
  #received: { readonly last: LogId; readonly bytes: Uint8Array } | null = null;

  /** Of a release that knows levels up to `level`. */
  constructor(level = LEVEL) {
    this.#level = level;
    this.#state = new CounterState(undefined, { level });
  }

  get applied(): LogId {
    return this.#state.applied;
  }

  get clockMs(): number {
    return this.#state.clockMs;
  }

  /** What is counted, as of `applied`. */
  get state(): CounterState {
    return this.#state;
  }

  apply(entries: readonly Entry[], answers: boolean, done: ApplyDone): void {
    queueMicrotask(() => {
      let effects: Effects;
      try {
        effects = this.#state.apply(entries);
      } catch (error) {
        return done(error as Error, [], NO_EVENTS);
      }
      done(null, answers ? effects.answers : [], listed(effects.events));
    });
  }

  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    queueMicrotask(() => done(null, this.applied.index));
  }

  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    const bytes = this.#state.encode();
    const { applied: last, config } = this.#state;
    queueMicrotask(() =>
      done(null, {
        last,
        config,
        size: bytes.length,
        sha256: sha256(bytes),
        read: (offset, length, done) =>
          queueMicrotask(() =>
            done(null, bytes.subarray(offset, offset + length))
          ),
        release: () => {},
      })
    );
  }

  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.#received = null;
    const sink = new CounterSink((bytes) => this.#received = { last, bytes });
    queueMicrotask(() => done(null, sink));
  }

  install(last: LogId, done: (error: Error | null) => void): void {
    const received = this.#received;
    this.#received = null;
    queueMicrotask(() => {
      if (received?.last.index !== last.index) {
        return done(new Error(`no snapshot of ${last.index} was received`));
      }
      this.#state = new CounterState(received.bytes, { level: this.#level });
      done(null);
    });
  }

  check(_hurry: boolean): Promise<void> {
    return Promise.resolve();
  }

  stateHashes(): readonly StateHash[] {
    return this.#state.hashes;
  }

  close(done: () => void): void {
    queueMicrotask(done);
  }
}

/** Gathers a snapshot. */
class CounterSink implements SnapshotSink {
  readonly #received: (bytes: Uint8Array) => void;
  readonly #bytes = new ByteWriter();

  constructor(received: (bytes: Uint8Array) => void) {
    this.#received = received;
  }

  get offset(): number {
    return this.#bytes.length;
  }

  write(chunk: Uint8Array, done: (error: Error | null) => void): void {
    this.#bytes.raw(chunk);
    queueMicrotask(() => done(null));
  }

  finish(
    expected: { readonly size: number; readonly sha256: string },
    done: (error: Error | null) => void,
  ): void {
    const bytes = this.#bytes.finish();
    const same = bytes.length === expected.size &&
      sha256(bytes) === expected.sha256;
    if (same) this.#received(bytes);
    queueMicrotask(() =>
      done(same ? null : new Error("the snapshot arrived damaged"))
    );
  }

  abort(): void {}
}

function listed(events: readonly StateEvent[]): StateEvents {
  if (events.length === 0) return NO_EVENTS;
  return {
    count: events.length,
    byteLength: events.reduce((sum, { bytes }) => sum + bytes.length, 0),
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
