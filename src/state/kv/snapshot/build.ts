import { ByteWriter } from "../../../util/bytes.ts";
import type { Snapshot } from "../../port.ts";
import type { Journal } from "../journal.ts";
import { inSlices, type Pace } from "../pace.ts";
import type { KvState } from "../state.ts";
import type {
  KvRecord,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../store.ts";
import type { ByteKey } from "../types.ts";
import type { SnapshotBytes, SnapshotSpace } from "./bytes.ts";
import { type SnapshotRecord, writeRecord } from "./records.ts";
import { SnapshotStream } from "./stream.ts";

/** Bytes of changes while everything is written down, at most; with more it begins anew. */
const CHANGES_BYTES_MAX = 64 * 1024 * 1024;
/** Records that are written with each step, at most. */
const RECORDS_PER_STEP = 100;
/** The same in bytes. */
const BYTES_PER_STEP = 128 * 1024;
/** Changes are gathered in pieces of this size. */
const PIECE_BYTES = 48 * 1024;

/** `scanning`: what is stored is written down. `waiting`: for the end of a batch. `writing`: the changes since, and the rest. */
type BuildPhase = "scanning" | "waiting" | "writing" | "over";

/**
 * A snapshot beside entries that are applied: what is stored is written down a piece at a time, and every change
 * meanwhile is written down, too. Applied in this order they are the state at the end, since each change says how
 * a thing is, not how it became so: it does no harm that some things were seen after their change.
 */
export class SnapshotBuild implements Journal {
  readonly #state: KvState;
  readonly #space: SnapshotSpace;
  readonly #pace: Pace;
  readonly #changesMax: number;
  readonly #done: (error: Error | null, snapshot: Snapshot | null) => void;
  #bytes: SnapshotBytes;
  #stream: SnapshotStream;
  #records: Iterator<KvRecord>;
  /** Numbers from here on are given later: all of what is stored under them is among the changes. */
  #later: number;
  #phase: BuildPhase = "scanning";
  /** Whether a batch is being applied. */
  #batch: boolean;
  #changes: Uint8Array[] = [];
  #changesBytes = 0;
  readonly #piece = new ByteWriter(64 * 1024);

  /** Begins one; `batch`: a batch is being applied. */
  constructor(
    state: KvState,
    space: SnapshotSpace,
    pace: Pace,
    batch: boolean,
    done: (error: Error | null, snapshot: Snapshot | null) => void,
    changesMax = CHANGES_BYTES_MAX,
  ) {
    this.#state = state;
    this.#space = space;
    this.#pace = pace;
    this.#batch = batch;
    this.#changesMax = changesMax;
    this.#done = done;
    this.#bytes = space.open();
    this.#stream = new SnapshotStream(this.#bytes);
    this.#records = state.store.scan();
    this.#later = state.contents.nextCache;
    state.contents.journal = this;
    pace.soon(() => this.#run());
  }

  /** A batch begins: until it ends the state is at no index. */
  batchBegins(): void {
    this.#batch = true;
  }

  /** A batch has ended. */
  batchEnds(): void {
    this.#batch = false;
    if (this.#phase === "waiting") this.#close();
  }

  /** Gives it up. */
  abort(error: Error): void {
    if (this.#phase === "over") return;
    this.#end();
    this.#bytes.release();
    this.#done(error, null);
  }

  /** See {@linkcode Journal.saveCache}. */
  saveCache(cache: StoredCache): void {
    this.#change({ kind: "cache", cache });
  }

  /** See {@linkcode Journal.putEntry}. */
  putEntry(number: number, key: ByteKey, entry: StoredEntry): void {
    this.#change({ kind: "entry", number, key, entry });
  }

  /** See {@linkcode Journal.deleteEntry}. */
  deleteEntry(number: number, key: ByteKey): void {
    this.#change({ kind: "deleteEntry", number, key });
  }

  /** See {@linkcode Journal.putCounter}. */
  putCounter(number: number, key: ByteKey, counter: StoredCounter): void {
    this.#change({ kind: "counter", number, key, counter });
  }

  /** See {@linkcode Journal.deleteCounter}. */
  deleteCounter(number: number, key: ByteKey): void {
    this.#change({ kind: "deleteCounter", number, key });
  }

  /** See {@linkcode Journal.forget}. */
  forget(number: number): void {
    this.#change({ kind: "forget", number });
  }

  #run(): void {
    let begun = false;
    const step = (): boolean => {
      if (!begun && this.#phase === "scanning") this.#writeCaches();
      begun = true;
      return this.#scan();
    };
    inSlices(this.#pace, step, (error) => {
      if (error !== null) return this.abort(error);
      if (this.#phase !== "scanning") return;
      this.#phase = "waiting";
      if (!this.#batch) this.#close();
    });
  }

  /** Writes some records down; whether there are more. */
  #scan(): boolean {
    if (this.#phase !== "scanning") return false;
    if (this.#changesBytes > this.#changesMax) this.#beginAnew();
    const until = this.#stream.length + BYTES_PER_STEP;
    for (let left = RECORDS_PER_STEP; left > 0; left--) {
      const next = this.#records.next();
      if (next.done === true) return false;
      if (next.value.cache < this.#later) {
        this.#stream.write(recordOf(next.value));
      }
      if (this.#stream.length > until) break;
    }
    return true;
  }

  #beginAnew(): void {
    this.#bytes.release();
    this.#bytes = this.#space.open();
    this.#stream = new SnapshotStream(this.#bytes);
    this.#records = this.#state.store.scan();
    this.#later = this.#state.contents.nextCache;
    this.#changes = [];
    this.#changesBytes = 0;
    this.#piece.reset();
    this.#writeCaches();
  }

  #writeCaches(): void {
    for (const { row } of this.#state.contents.caches) {
      this.#stream.write({ kind: "cache", cache: row });
    }
  }

  #change(record: SnapshotRecord): void {
    writeRecord(this.#piece, record);
    if (this.#piece.length >= PIECE_BYTES) this.#takePiece();
  }

  #takePiece(): void {
    this.#changesBytes += this.#piece.length;
    this.#changes.push(this.#piece.finish());
    this.#piece.reset();
  }

  /** All that is to be written is known: what follows is not part of it. */
  #close(): void {
    this.#phase = "writing";
    this.#state.contents.journal = null;
    this.#takePiece();
    const rest = this.#rest();
    const { applied: last, config } = this.#state;
    const step = (): boolean => {
      if (this.#phase !== "writing") return false;
      return rest.next().done !== true;
    };
    inSlices(this.#pace, step, (error) => {
      if (error !== null) return this.abort(error);
      if (this.#phase !== "writing") return;
      let sha256: string;
      try {
        sha256 = this.#stream.finish();
      } catch (error) {
        return this.abort(error as Error);
      }
      this.#end();
      const bytes = this.#bytes;
      this.#done(null, {
        last,
        config,
        size: bytes.size,
        sha256,
        read: (offset, length, done) => bytes.read(offset, length, done),
        release: () => bytes.release(),
      });
    });
  }

  /** What comes after all that is stored, a step at a time; what it tells of is taken now. */
  #rest(): Iterator<void> {
    const { sessions, answers } = this.#state.store.sessions.load();
    const records: SnapshotRecord[] = [];
    for (const { row } of this.#state.contents.caches) {
      records.push({ kind: "cache", cache: row });
    }
    for (const session of sessions) records.push({ kind: "session", session });
    for (const saved of answers) {
      records.push({ kind: "answers", answers: saved });
    }
    records.push({ kind: "position", position: this.#state.position });
    return this.#written(this.#changes, records);
  }

  *#written(
    changes: readonly Uint8Array[],
    records: readonly SnapshotRecord[],
  ): Generator<void> {
    for (const piece of changes) {
      this.#stream.raw(piece);
      yield;
    }
    for (const record of records) {
      this.#stream.write(record);
      yield;
    }
  }

  #end(): void {
    this.#phase = "over";
    const { contents } = this.#state;
    if (contents.journal === this) contents.journal = null;
    this.#changes = [];
  }
}

function recordOf(record: KvRecord): SnapshotRecord {
  const { cache: number, key } = record;
  return record.kind === "entry"
    ? { kind: "entry", number, key, entry: record.entry }
    : { kind: "counter", number, key, counter: record.counter };
}
