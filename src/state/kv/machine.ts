import type { Entry, LogId, LogIndex } from "../../raft/types.ts";
import { HiqliteError } from "../../errors.ts";
import type { ExactlyOnceOptions } from "../exactly_once.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type Snapshot,
  type SnapshotSink,
  type StateEvents,
  type StateHash,
  type StateRecovery,
} from "../port.ts";
import { recount } from "./check.ts";
import { inSlices, type Pace, SYSTEM_PACE } from "./pace.ts";
import type { KvMachine } from "./port.ts";
import { ContentReads } from "./reads.ts";
import { SnapshotBuild } from "./snapshot/build.ts";
import type { SnapshotBytes, SnapshotSpace } from "./snapshot/bytes.ts";
import { SnapshotLoad } from "./snapshot/load.ts";
import { KvSnapshotSink } from "./snapshot/sink.ts";
import { KvState } from "./state.ts";
import type { KvStore, KvStores } from "./store.ts";
import type { KvReads } from "./types.ts";

/** Keys that are put in order with each step. */
const ARRANGED_PER_STEP = 200;

/** What a {@linkcode CacheMachine} is made of. */
export interface CacheMachineParts {
  /** What is stored; the machine closes it. */
  readonly store: KvStore;
  /** Opens what takes its place when a snapshot is installed. */
  readonly stores: KvStores;
  /** Where snapshots are kept, built and received ones. */
  readonly space: SnapshotSpace;
  /** @default {SYSTEM_PACE} */
  readonly pace?: Pace;
  /** Bounds of what is remembered of writes, and the level that is known. */
  readonly commands?: ExactlyOnceOptions;
}

/** A batch on its way. */
interface ApplyingBatch {
  readonly entries: readonly Entry[];
  /** Null if nobody wants answers. */
  readonly answers: Uint8Array[] | null;
  readonly done: ApplyDone;
  /** The next entry's place. */
  at: number;
}

/**
 * Caches as a state machine, on any store. Everything runs on the calling thread, in slices of a few ms. Reads in
 * between find what the entries of the batch did so far, each entry as a whole.
 */
export class CacheMachine implements KvMachine {
  readonly #parts: CacheMachineParts;
  readonly #pace: Pace;
  readonly reads: KvReads;
  #state: KvState;
  #applied: LogId;
  #clockMs: number;
  #batch: ApplyingBatch | null = null;
  #build: SnapshotBuild | null = null;
  #receiving: SnapshotBytes | null = null;
  #received: { readonly last: LogId; readonly bytes: SnapshotBytes } | null =
    null;
  /** Grows with each entry. */
  #changes = 0;
  #installing = false;
  #closing = false;
  /** Called once what was begun is over. */
  #closed: (() => void) | null = null;

  /**
   * Continues with what is stored.
   * @throws {UnknownLevelError} if it needs a newer release.
   */
  constructor(parts: CacheMachineParts) {
    this.#parts = parts;
    this.#pace = parts.pace ?? SYSTEM_PACE;
    this.#state = new KvState(parts.store, parts.commands);
    this.#applied = this.#state.applied;
    this.#clockMs = this.#state.clockMs;
    this.reads = new ContentReads(() => this.#state.contents);
  }

  /** What was found when it was opened. */
  get recovery(): StateRecovery {
    return { applied: this.#state.applied, config: this.#state.config };
  }

  /** See {@linkcode StateMachine.applied}. */
  get applied(): LogId {
    return this.#applied;
  }

  /** See {@linkcode StateMachine.clockMs}. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /** See {@linkcode KvMachine.nextDueMs}. */
  get nextDueMs(): number {
    return this.#state.store.nextDueMs;
  }

  /** See {@linkcode StateMachine.apply}. */
  apply(entries: readonly Entry[], answers: boolean, done: ApplyDone): void {
    const batch = { entries, answers: answers ? [] : null, done, at: 0 };
    this.#batch = batch;
    this.#build?.batchBegins();
    this.#pace.soon(() => this.#whenReady(() => this.#run(batch)));
  }

  /** See {@linkcode StateMachine.checkpoint}. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    const { index } = this.#applied;
    this.#state.store.checkpoint((error) => done(error, index));
  }

  /** See {@linkcode StateMachine.snapshot}. */
  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    try {
      this.#build = new SnapshotBuild(
        this.#state,
        this.#parts.space,
        this.#pace,
        this.#batch !== null,
        (error, snapshot) => {
          this.#build = null;
          done(error, snapshot);
        },
      );
    } catch (error) {
      this.#pace.soon(() => done(error as Error, null));
    }
  }

  /** See {@linkcode StateMachine.receive}. */
  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.#receiving?.release();
    this.#received = null;
    let bytes: SnapshotBytes;
    try {
      bytes = this.#parts.space.open();
    } catch (error) {
      return this.#pace.soon(() => done(error as Error, null));
    }
    this.#receiving = bytes;
    const sink = new KvSnapshotSink(bytes, this.#pace, () => {
      if (this.#receiving === bytes) this.#received = { last, bytes };
    });
    this.#pace.soon(() => done(null, sink));
  }

  /** See {@linkcode StateMachine.install}. */
  install(last: LogId, done: (error: Error | null) => void): void {
    const received = this.#received;
    this.#received = null;
    if (received?.last.index !== last.index) {
      const error = new Error(`No snapshot of ${last.index} was received`);
      return this.#pace.soon(() => done(error));
    }
    let store: KvStore;
    try {
      store = this.#parts.stores.replacement();
    } catch (error) {
      received.bytes.release();
      return this.#pace.soon(() => done(error as Error));
    }
    this.#installing = true;
    new SnapshotLoad(received.bytes, store, this.#pace, (error) => {
      received.bytes.release();
      const replaced = (error: Error | null): void => {
        this.#installing = false;
        done(this.#replaced(store, error));
        this.#closeIfAsked();
      };
      if (error !== null) replaced(error);
      else store.checkpoint(replaced);
    });
  }

  /** See {@linkcode StateMachine.check}. */
  check(_hurry: boolean): Promise<void> {
    const { contents } = this.#state;
    const counting = recount(contents, () => this.#changes);
    return this.#inSlices(() =>
      !this.#closing && this.#state.contents === contents &&
      counting.next().done !== true
    );
  }

  /** See {@linkcode KvMachine.arrange}. */
  arrange(cache: string): Promise<void> {
    return this.#inSlices(() => {
      const { contents } = this.#state;
      const id = contents.cache(cache)?.id;
      if (id === undefined || this.#closing) return false;
      return contents.store.arrange?.(id, ARRANGED_PER_STEP) === false;
    });
  }

  /** See {@linkcode StateMachine.stateHashes}. */
  stateHashes(): readonly StateHash[] {
    return this.#state.hashes;
  }

  /** See {@linkcode StateMachine.close}. */
  close(done: () => void): void {
    this.#closing = true;
    this.#closed = done;
    this.#build?.abort(new Error("The state machine is closed"));
    this.#pace.soon(() => this.#closeIfAsked());
  }

  /** Calls `next` once the store may begin a transaction. */
  #whenReady(next: () => void): void {
    const { store } = this.#state;
    if (store.ready === undefined) next();
    else store.ready(next);
  }

  #run(batch: ApplyingBatch): void {
    inSlices(this.#pace, () => this.#step(batch), (error) => {
      if (error === null) this.#finish(batch);
      else this.#fail(batch, error);
    });
  }

  /** Applies the next entry; whether there are more. */
  #step(batch: ApplyingBatch): boolean {
    const { entries, answers } = batch;
    if (batch.at === 0) this.#state.begin(entries[0]!.index);
    const answer = this.#state.apply(entries[batch.at++]!);
    answers?.push(answer);
    this.#changes++;
    return batch.at < entries.length;
  }

  #finish(batch: ApplyingBatch): void {
    let events: StateEvents;
    try {
      events = this.#state.commit();
    } catch (error) {
      return this.#fail(batch, error as Error);
    }
    this.#batch = null;
    this.#applied = this.#state.applied;
    this.#clockMs = this.#state.clockMs;
    this.#build?.batchEnds();
    batch.done(null, batch.answers ?? [], events);
    this.#closeIfAsked();
  }

  #fail(batch: ApplyingBatch, error: Error): void {
    this.#batch = null;
    this.#build?.abort(error);
    // The store is as it was before the batch; so must be what is known of it.
    const full = error instanceof HiqliteError && error.code === "disk_full";
    if (full) this.#state = this.#opened(this.#state.store);
    batch.done(error, [], NO_EVENTS);
    this.#closeIfAsked();
  }

  /** What was loaded, unless that failed, takes the place of what there was; why not. */
  #replaced(store: KvStore, error: Error | null): Error | null {
    try {
      if (error !== null) throw error;
      this.#replace(store);
      return null;
    } catch (error) {
      store.close();
      return error as Error;
    }
  }

  #replace(store: KvStore): void {
    const state = this.#opened(store);
    this.#build?.abort(new Error("Another snapshot was installed"));
    this.#parts.stores.adopt(store);
    const old = this.#state.store;
    this.#state = state;
    this.#applied = state.applied;
    this.#clockMs = state.clockMs;
    this.#changes++;
    old.close();
  }

  #opened(store: KvStore): KvState {
    return new KvState(store, this.#parts.commands);
  }

  #closeIfAsked(): void {
    const done = this.#closed;
    if (done === null || this.#batch !== null || this.#installing) return;
    this.#closed = null;
    this.#receiving?.release();
    this.#state.store.close();
    done();
  }

  #inSlices(step: () => boolean): Promise<void> {
    return new Promise((resolve, reject) =>
      inSlices(
        this.#pace,
        step,
        (error) => error === null ? resolve() : reject(error),
      )
    );
  }
}
