import type { LogIndex } from "../../raft/types.ts";
import { ByteReader, encode } from "../../util/bytes.ts";
import { NO_EVENTS, type StateEvent, type StateEvents } from "../port.ts";
import { readCacheName } from "./command.ts";
import { readKey, writeKey } from "./keys.ts";
import { readNatural, writeNatural } from "./numbers.ts";
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

/** A change and where it happened. */
interface Told extends KvChange {
  readonly index: LogIndex;
  readonly seq: number;
  readonly kind: KvEventKind;
}

/** Bytes of memory that an event takes beside its texts, about. */
const TOLD_BYTES = 72;

/** Gathers what a batch does. */
export class EventLog {
  #told: Told[] = [];
  #bytes = 0;
  #index: LogIndex = 0;
  #seq = 0;

  /** What follows happens in this entry. */
  enter(index: LogIndex): void {
    this.#index = index;
    this.#seq = 0;
  }

  /** Adds what happened. */
  tell(
    kind: KvEventKind,
    cache: string,
    key: ByteKey = "",
    version = 0,
  ): void {
    const index = this.#index;
    this.#told.push({ index, seq: this.#seq++, kind, cache, key, version });
    this.#bytes += TOLD_BYTES + key.length;
  }

  /** What was gathered since the last time. */
  take(): StateEvents {
    if (this.#told.length === 0) return NO_EVENTS;
    const events = new KvEvents(this.#told, this.#bytes);
    this.#told = [];
    this.#bytes = 0;
    return events;
  }
}

/** What {@linkcode StateEvent.bytes} say. */
export function changeIn({ bytes }: StateEvent): KvChange {
  const reader = new ByteReader(bytes);
  const change = {
    cache: readCacheName(reader),
    key: readKey(reader),
    version: readNatural(reader),
  };
  reader.end();
  return change;
}

class KvEvents implements StateEvents {
  readonly #told: readonly Told[];
  readonly byteLength: number;

  constructor(told: readonly Told[], byteLength: number) {
    this.#told = told;
    this.byteLength = byteLength;
  }

  get count(): number {
    return this.#told.length;
  }

  *[Symbol.iterator](): Generator<StateEvent> {
    for (const { index, seq, kind, cache, key, version } of this.#told) {
      const bytes = encode((writer) => {
        writer.text(cache);
        writeKey(writer, key);
        writeNatural(writer, version);
      });
      yield { index, seq, kind, bytes };
    }
  }
}
