import type { LogIndex } from "../../raft/types.ts";
import {
  ByteReader,
  ByteWriter,
  encode,
  sharedBytes,
} from "../../util/bytes.ts";
import { NO_EVENTS, type StateEvent, type StateEvents } from "../port.ts";
import { readCacheName } from "./command.ts";
import { readKey, writeKey } from "./keys.ts";
import type { EntryPlace } from "./plain_put.ts";
import type { ByteKey } from "./types.ts";

/**
 * What happens to caches, as the kind of an event. `put`: an entry was written. `delete`, `expire`, `evict`: it is gone,
 * because somebody removed it, its time was over, or it made room. `counter`: a counter was written;
 * `deleteCounter`, `expireCounter`: it is gone. `clear`, `clearCounters`, `drop`: all entries are gone, all counters, the cache with both.
 */
export const KV_EVENTS = [
  "put",
  "delete",
  "expire",
  "evict",
  "counter",
  "deleteCounter",
  "expireCounter",
  "clear",
  "clearCounters",
  "drop",
] as const;

/** One of {@linkcode KV_EVENTS}. */
export type KvEventKind = typeof KV_EVENTS[number];

/** What an event tells of. */
export interface KvChange {
  readonly cache: string;
  /** Empty if it is about the whole cache. */
  readonly key: ByteKey;
  /** Of a `put`, the new version; of the other kinds 0. */
  readonly version: number;
}

/** Stands in the place of a kind where another entry of the log begins. */
const ENTRY = KV_EVENTS.length;
const PUT = KV_EVENTS.indexOf("put");

/**
 * Gathers what a batch does, as bytes: nobody may ever ask for it, and what lives on for a while should be
 * nothing that the collector follows.
 */
export class EventLog {
  readonly #writer = new ByteWriter(4096);
  readonly #places = new Map<string, number>();
  #count = 0;
  #index: LogIndex = 0;
  /** Whether something was told of the present entry. */
  #begun = false;
  /** What was told of last. */
  #cache = "";
  #place = 0;

  /** What follows happens in this entry. */
  enter(index: LogIndex): void {
    this.#index = index;
    this.#begun = false;
  }

  /** Adds what happened; only a `put` has a version. */
  tell(
    kind: KvEventKind,
    cache: string,
    key: ByteKey = "",
    version = 0,
  ): void {
    const writer = this.#begin(kind, cache);
    writeKey(writer, key);
    if (kind === "put") writer.u53(version);
  }

  /** The same of a key that lies in bytes. */
  tellPlace(
    kind: KvEventKind,
    cache: string,
    { bytes, keyStart, keyLength }: EntryPlace,
    version = 0,
  ): void {
    const writer = this.#begin(kind, cache);
    writer.natural(keyLength).raw(bytes, keyStart, keyStart + keyLength);
    if (kind === "put") writer.u53(version);
  }

  /** What was gathered since the last time. */
  take(): StateEvents {
    if (this.#count === 0) return NO_EVENTS;
    const told = sharedBytes(this.#writer);
    const events = new KvEvents(told, [...this.#places.keys()], this.#count);
    this.#writer.reset();
    this.#places.clear();
    this.#cache = "";
    this.#count = 0;
    return events;
  }

  #begin(kind: KvEventKind, cache: string): ByteWriter {
    const writer = this.#writer;
    if (!this.#begun) {
      this.#begun = true;
      writer.u8(ENTRY).u53(this.#index);
    }
    this.#count++;
    return writer.u8(KV_EVENTS.indexOf(kind)).natural(this.#placeOf(cache));
  }

  #placeOf(cache: string): number {
    if (cache === this.#cache) return this.#place;
    let place = this.#places.get(cache);
    if (place === undefined) {
      place = this.#places.size;
      this.#places.set(cache, place);
    }
    this.#cache = cache;
    return this.#place = place;
  }
}

/** What {@linkcode StateEvent.bytes} say. */
export function changeIn({ bytes }: StateEvent): KvChange {
  const reader = new ByteReader(bytes);
  const change = {
    cache: readCacheName(reader),
    key: readKey(reader),
    version: reader.natural(),
  };
  reader.end();
  return change;
}

/** What an {@linkcode EventLog} gathered of a batch. */
class KvEvents implements StateEvents {
  readonly #told: Uint8Array;
  readonly #caches: readonly string[];
  readonly count: number;

  constructor(told: Uint8Array, caches: readonly string[], count: number) {
    this.#told = told;
    this.#caches = caches;
    this.count = count;
  }

  get byteLength(): number {
    return this.#told.length;
  }

  *[Symbol.iterator](): Generator<StateEvent> {
    const reader = new ByteReader(this.#told);
    let index = 0;
    let seq = 0;
    while (reader.remaining > 0) {
      const code = reader.u8();
      if (code === ENTRY) {
        index = reader.u53();
        seq = 0;
        continue;
      }
      const cache = this.#caches[reader.natural()]!;
      const key = readKey(reader);
      const version = code === PUT ? reader.u53() : 0;
      const bytes = encode((writer) => {
        writer.text(cache);
        writeKey(writer, key);
        writer.natural(version);
      });
      yield { index, seq: seq++, kind: KV_EVENTS[code]!, bytes };
    }
  }
}
