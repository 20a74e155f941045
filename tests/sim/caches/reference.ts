import type { LogIndex } from "../../../src/raft/types.ts";
import type { KvPack } from "../../../src/state/kv/command.ts";
import { INT64_MAX, INT64_MIN } from "../../../src/util/int64.ts";
import { sameSettings } from "../../../src/state/kv/settings.ts";
import type {
  StoredCounter,
  StoredEntry,
} from "../../../src/state/kv/store.ts";
import {
  type CacheSettings,
  DEFAULT_SETTINGS,
  type KvAnswer,
  type KvCheck,
  type KvOperation,
  type KvResult,
  type KvUnit,
  type KvValue,
  type PutFields,
} from "../../../src/state/kv/types.ts";
import { sameValue } from "../../../src/state/kv/values.ts";
import { cacheLine, counterLine, entryLine } from "./lines.ts";
import {
  bytesOf,
  copyOf,
  counterBytesOf,
  dueOf,
  Failed,
  makeRoom,
  type PlainCache,
  type PlainContents,
} from "./plain.ts";

/** Entries and counters that an entry of the log removes because they are due. */
const SWEPT = 256;
/** The same for each of its operations. */
const SWEPT_PER_OPERATION = 2;
const NOTHING: KvResult = {
  version: 0,
  found: false,
  previous: null,
  counter: 0n,
};

/**
 * Caches as a program would have them that has all the time in the world: each unit works on a copy of
 * everything, which takes the place of the original if all went well. It shares codecs with the caches' machine, and types.
 */
export class Reference {
  #contents: PlainContents = { caches: new Map(), next: 1 };
  #nowMs = 0;
  /** Caches that the unit under way wrote into, in that order. */
  #written: string[] = [];

  /** An entry begins that does so many operations, with the cluster clock at `nowMs`: some of what is due goes. */
  begin(nowMs: number, operations = 0): void {
    this.#nowMs = nowMs;
    const due = [...this.#contents.caches.values()].flatMap((cache) => [
      ...dueOf(cache, cache.counters, cache.counterId, 0, nowMs),
      ...dueOf(cache, cache.entries, cache.id, 1, nowMs),
    ]);
    due.sort((a, b) =>
      a.deadlineMs - b.deadlineMs || a.number - b.number || a.kind - b.kind ||
      (a.key < b.key ? -1 : 1)
    );
    const limit = Math.max(SWEPT, SWEPT_PER_OPERATION * operations);
    for (const { cache, kind, key } of due.slice(0, limit)) {
      if (kind === 0) cache.counters.delete(key);
      else {
        cache.entries.delete(key);
        cache.expired++;
      }
    }
  }

  /** Applies the units of an entry. */
  apply({ units, maxBytes }: KvPack, index: LogIndex): KvAnswer[] {
    let version = index * 65_536;
    return units.map((unit) => {
      const answer = this.#unit(unit, version, maxBytes);
      version += unit.operations.length;
      return answer;
    });
  }

  /** An entry that is there and not due. */
  entry(name: string, key: string): StoredEntry | undefined {
    const entry = this.#contents.caches.get(name)?.entries.get(key);
    return entry === undefined || this.#isDue(entry) ? undefined : entry;
  }

  /** The same of a counter. */
  counter(name: string, key: string): StoredCounter | undefined {
    const counter = this.#contents.caches.get(name)?.counters.get(key);
    return counter === undefined || this.#isDue(counter) ? undefined : counter;
  }

  /** Everything, as `contentLines` tells of a store. */
  lines(): string[] {
    const lines: string[] = [];
    for (const [name, cache] of this.#contents.caches) {
      const { id, counterId, settings, expired, evicted } = cache;
      lines.push(cacheLine({
        ...{ id, counterId, name, settings, expired, evicted },
        entries: cache.entries.size,
        counters: cache.counters.size,
        bytes: bytesOf(cache),
        counterBytes: counterBytesOf(cache),
      }));
      for (const [key, entry] of cache.entries) {
        lines.push(entryLine(id, key, entry));
      }
      for (const [key, counter] of cache.counters) {
        lines.push(counterLine(counterId, key, counter));
      }
    }
    return lines.sort();
  }

  #unit(unit: KvUnit, version: number, maxBytes: number): KvAnswer {
    const before = this.#contents;
    this.#contents = copyOf(before);
    this.#written = [];
    try {
      for (const { cache, settings } of unit.creates ?? []) {
        this.#create(cache, settings);
      }
      unit.checks.forEach((check, at) => this.#check(check, at));
      const results = unit.operations.map((operation, i) =>
        this.#perform(operation, version + i, unit.checks.length + i)
      );
      makeRoom(before, this.#contents, this.#written, version, maxBytes);
      return { kind: "done", results };
    } catch (error) {
      this.#contents = before;
      if (error instanceof Failed) return error.answer;
      throw error;
    }
  }

  #check(check: KvCheck, at: number): void {
    const entry = this.entry(check.cache, check.key);
    const holds = "version" in check
      ? check.version === (entry?.version ?? 0)
      : entry !== undefined && sameValue(entry, check.value);
    if (!holds) this.#conflict(at, entry);
  }

  #perform(operation: KvOperation, version: number, at: number): KvResult {
    switch (operation.kind) {
      case "put":
      case "replace":
        return this.#put(operation, operation.kind, version, at);
      case "delete":
      case "getRemove":
        return this.#remove(operation, at);
      case "touch": {
        const { cache, key, ttlMs } = operation;
        const entry = this.entry(cache, key);
        if (entry === undefined) return NOTHING;
        const deadlineMs = ttlMs === null ? 0 : this.#nowMs + ttlMs;
        this.#writing(cache).entries.set(key, { ...entry, deadlineMs });
        return { ...NOTHING, found: true };
      }
      case "add": {
        const { cache, key, delta, initial = 0n } = operation;
        const value = (this.counter(cache, key)?.value ?? initial) + delta;
        const lives = operation.ttlMsIfNew ?? null;
        return this.#setCounter(cache, key, clamped(value), lives);
      }
      case "setCounter":
        return this.#setCounter(
          operation.cache,
          operation.key,
          operation.value,
          null,
        );
      case "deleteCounter": {
        const { cache, key } = operation;
        if (this.counter(cache, key) === undefined) return NOTHING;
        this.#writing(cache).counters.delete(key);
        return { ...NOTHING, found: true };
      }
      case "create":
        return this.#create(operation.cache, operation.settings);
      case "clear":
      case "clearCounters":
      case "drop":
        return this.#whole(operation.kind, operation.cache);
    }
  }

  #put(
    fields: PutFields,
    kind: "put" | "replace",
    version: number,
    at: number,
  ): KvResult {
    const { cache: name, key, value, ttlMs, keepTtl } = fields;
    const old = this.entry(name, key);
    const wanted = fields.ifVersion ?? old?.version ?? 0;
    const missing = fields.ifPresent === true && old === undefined;
    if (wanted !== (old?.version ?? 0) || missing) this.#conflict(at, old);
    const cache = this.#writing(name);
    // A dead one in its place has expired.
    if (old === undefined && cache.entries.has(key)) cache.expired++;
    const lives = ttlMs === undefined ? cache.settings.ttlMs : ttlMs ?? 0;
    const deadlineMs = keepTtl === true && old !== undefined
      ? old.deadlineMs
      : lives === 0
      ? 0
      : this.#nowMs + lives;
    const bytes = value.bytes.slice();
    cache.entries.set(key, { kind: value.kind, bytes, version, deadlineMs });
    const previous = kind === "replace" ? valueOf(old) : null;
    return { ...NOTHING, version, previous };
  }

  #remove(
    operation: Extract<KvOperation, { kind: "delete" | "getRemove" }>,
    at: number,
  ): KvResult {
    const { cache, key, kind } = operation;
    const old = this.entry(cache, key);
    if (kind === "delete") {
      const wanted = operation.ifVersion ?? old?.version ?? 0;
      if (wanted !== (old?.version ?? 0)) this.#conflict(at, old);
    }
    if (old === undefined) return NOTHING;
    this.#writing(cache).entries.delete(key);
    const previous = kind === "getRemove" ? valueOf(old) : null;
    return { ...NOTHING, found: true, previous };
  }

  #setCounter(
    name: string,
    key: string,
    value: bigint,
    lives: number | null,
  ): KvResult {
    const old = this.counter(name, key);
    const fresh = lives === null ? 0 : this.#nowMs + lives;
    const deadlineMs = old === undefined ? fresh : old.deadlineMs;
    this.#writing(name).counters.set(key, { value, deadlineMs });
    return { ...NOTHING, counter: value };
  }

  #create(name: string, settings: CacheSettings): KvResult {
    const known = this.#contents.caches.get(name);
    if (known === undefined) this.#add(name, settings);
    else if (!sameSettings(known.settings, settings)) {
      throw new Failed({ kind: "refused", code: "conflict", message: "" });
    }
    return NOTHING;
  }

  #whole(kind: "clear" | "clearCounters" | "drop", name: string): KvResult {
    const { caches } = this.#contents;
    const cache = caches.get(name);
    if (cache === undefined) return NOTHING;
    if (kind === "drop") caches.delete(name);
    else {
      caches.set(
        name,
        kind === "clear"
          ? { ...cache, id: this.#contents.next++, entries: new Map() }
          : { ...cache, counterId: this.#contents.next++, counters: new Map() },
      );
    }
    return { ...NOTHING, found: true };
  }

  /** The cache, created if it is not there, as one that the unit writes into. */
  #writing(name: string): PlainCache {
    if (!this.#written.includes(name)) this.#written.push(name);
    return this.#contents.caches.get(name) ?? this.#add(name, DEFAULT_SETTINGS);
  }

  #add(name: string, settings: CacheSettings): PlainCache {
    const cache: PlainCache = {
      id: this.#contents.next++,
      counterId: this.#contents.next++,
      settings,
      entries: new Map(),
      counters: new Map(),
      expired: 0,
      evicted: 0,
    };
    this.#contents.caches.set(name, cache);
    return cache;
  }

  #conflict(at: number, entry: StoredEntry | undefined): never {
    throw new Failed({ kind: "conflict", at, version: entry?.version ?? 0 });
  }

  #isDue({ deadlineMs }: { readonly deadlineMs: number }): boolean {
    return deadlineMs !== 0 && deadlineMs <= this.#nowMs;
  }
}

function clamped(value: bigint): bigint {
  if (value > INT64_MAX) return INT64_MAX;
  return value < INT64_MIN ? INT64_MIN : value;
}

function valueOf(entry: StoredEntry | undefined): KvValue | null {
  return entry === undefined ? null : { kind: entry.kind, bytes: entry.bytes };
}
