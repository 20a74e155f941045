import {
  ByteReader,
  MalformedBytesError,
  NO_BYTES,
} from "../../../util/bytes.ts";
import { inSlices, type Pace } from "../pace.ts";
import type { KvPosition, KvStore } from "../store.ts";
import type { SnapshotBytes } from "./bytes.ts";
import { readRecord, type SnapshotRecord } from "./records.ts";
import { BLOCK_HEAD_BYTES, SNAPSHOT_FORMAT } from "./stream.ts";

/** Bytes that are read at once. */
const READ_BYTES = 1024 * 1024;

/** Loads a snapshot into an empty store, a few records at a time. */
export class SnapshotLoad {
  readonly #bytes: SnapshotBytes;
  readonly #store: KvStore;
  readonly #pace: Pace;
  readonly #done: (error: Error | null) => void;
  /** Where the next read begins. */
  #offset = 0;
  /** What was read and belongs to a block that is not whole yet. */
  #left: Uint8Array = NO_BYTES;
  /** The block that is being applied. */
  #block = new ByteReader(NO_BYTES);
  #begun = false;
  #position: KvPosition | null = null;

  /** Begins; an error leaves the store somewhere in between. */
  constructor(
    bytes: SnapshotBytes,
    store: KvStore,
    pace: Pace,
    done: (error: Error | null) => void,
  ) {
    this.#bytes = bytes;
    this.#store = store;
    this.#pace = pace;
    this.#done = done;
    store.begin();
    this.#read();
  }

  #read(): void {
    this.#bytes.read(this.#offset, READ_BYTES, (error, chunk) => {
      if (error !== null) return this.#done(error);
      if (chunk.length === 0) return this.#finish();
      this.#offset += chunk.length;
      this.#left = joined(this.#left, chunk);
      const apply = (): boolean => this.#apply();
      inSlices(this.#pace, apply, (error) => {
        if (error !== null) this.#done(error);
        else this.#read();
      });
    });
  }

  #finish(): void {
    try {
      if (this.#left.length > 0 || this.#position === null) {
        throw new MalformedBytesError("the snapshot has no end");
      }
      this.#store.commit(this.#position);
    } catch (error) {
      return this.#done(error as Error);
    }
    this.#done(null);
  }

  /** Applies some records; false once more must be read. */
  #apply(): boolean {
    for (let left = 100; left > 0; left--) {
      if (this.#block.remaining === 0 && !this.#nextBlock()) return false;
      this.#load(readRecord(this.#block));
    }
    return true;
  }

  #nextBlock(): boolean {
    if (!this.#begun) {
      if (this.#left[0] !== SNAPSHOT_FORMAT) {
        throw new MalformedBytesError(
          `unknown format of a snapshot ${this.#left[0]}`,
        );
      }
      this.#begun = true;
      this.#left = this.#left.subarray(1);
    }
    if (this.#left.length < BLOCK_HEAD_BYTES) return false;
    const end = BLOCK_HEAD_BYTES + new ByteReader(this.#left).u32();
    if (this.#left.length < end) return false;
    this.#block = new ByteReader(this.#left.subarray(BLOCK_HEAD_BYTES, end));
    this.#left = this.#left.subarray(end);
    return true;
  }

  #load(record: SnapshotRecord): void {
    const store = this.#store;
    switch (record.kind) {
      case "cache":
        return store.saveCache(record.cache);
      case "entry":
        return store.putEntry(record.number, record.key, record.entry);
      case "counter":
        return store.putCounter(record.number, record.key, record.counter);
      case "deleteEntry":
        return store.deleteEntry(record.number, record.key);
      case "deleteCounter":
        return store.deleteCounter(record.number, record.key);
      case "forget":
        return store.removeCache(record.number);
      case "session":
        return save(store, { sessions: [record.session] });
      case "answers": {
        const { first, data } = record.answers;
        return save(store, { answers: [{ first, data: data.slice() }] });
      }
      case "position":
        this.#position = record.position;
    }
  }
}

function save(
  { sessions }: KvStore,
  some: Partial<Parameters<KvStore["sessions"]["save"]>[0]>,
): void {
  sessions.save({
    sessions: [],
    closed: [],
    answers: [],
    emptied: [],
    ...some,
  });
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) return b;
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
