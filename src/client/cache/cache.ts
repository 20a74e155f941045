import { HiqliteError } from "../../errors.ts";
import type { KvOperation, KvResult, KvUnit } from "../../state/kv/types.ts";
import { versionText } from "../../api/cache_json.ts";
import type { WriteOptions } from "../call_options.ts";
import {
  ADD,
  counterOf,
  DELETE,
  HANDLE,
  keyOf,
  keysOf,
  lifetimeOf,
  PUT,
} from "./arguments.ts";
import { checked, WRITE_OPTIONS } from "../options.ts";
import { type CacheCreation, creationOf } from "./creation.ts";
import { listCache } from "./listing.ts";
import {
  addOf,
  deleteOf,
  type PreparedOperation,
  putOf,
} from "./operations.ts";
import type { CacheSession, CacheWritten } from "./session.ts";
import type {
  AddOptions,
  CacheEntry,
  CacheKey,
  CacheListing,
  CacheOptions,
  CacheReadOptions,
  CacheUpdate,
  CacheValue,
  DeleteOptions,
  KeyedEntry,
  ListOptions,
  PutOptions,
  WatchOptions,
} from "./types.ts";
import { CacheValues, counterValue } from "./values.ts";
import { watchCache } from "./watching.ts";
import { asIs, writeUnit } from "./writer.ts";

/** Of most units: no checks, and no versions. */
const NOTHING: readonly never[] = Object.freeze([]);

/** What batches need of a cache. */
export interface CacheTools<T> {
  readonly creation: CacheCreation;
  readonly values: CacheValues<T>;
}

/** What batches and subclasses need of a cache; nobody else should. */
export let toolsOf: <T>(cache: Cache<T>) => CacheTools<T>;

/**
 * A replicated cache. Every change is applied once, however often it had to be sent; a
 * condition that does not hold is a {@linkcode PreconditionError}. Time to live is a lower bound: an
 * entry is never gone early, and while no leader is there, time stands still. When most
 * members of a cluster were restarted at once, all caches begin anew, empty.
 */
export class Cache<T = CacheValue> {
  /** Its name. */
  readonly name: string;
  readonly #tools: CacheTools<T>;
  readonly #session: CacheSession;

  static {
    toolsOf = (cache) => cache.#tools;
  }

  /** Use `db.cache()`. */
  constructor(session: CacheSession, name: string, options: CacheOptions<T>) {
    this.name = name;
    this.#session = session;
    checked(options, HANDLE);
    this.#tools = {
      creation: creationOf(name, options),
      values: new CacheValues(options),
    };
  }

  /** Puts an entry and returns its version. @throws {HiqliteError} `cache_full`, `too_large`, `precondition_failed`. */
  put(key: CacheKey, value: T, options: PutOptions = {}): Promise<string> {
    try {
      const stored = this.#tools.values.encode(value);
      const put = putOf("put", this.name, key, stored, checked(options, PUT));
      return this.#write(put, options, versionIn);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Puts an entry and returns what was there before. */
  async replace(
    key: CacheKey,
    value: T,
    options: PutOptions = {},
  ): Promise<{ readonly version: string; readonly previous: T | undefined }> {
    const stored = this.#tools.values.encode(value);
    const put = putOf("replace", this.name, key, stored, checked(options, PUT));
    const written = await this.#written(put, options);
    const result = resultOf(written);
    return {
      version: versionText(written.epoch, result.version),
      previous: await this.#previous(result, key),
    };
  }

  /** Reads a value; undefined if there is none. */
  async get(
    key: CacheKey,
    options: CacheReadOptions = {},
  ): Promise<T | undefined> {
    return (await this.entry(key, options))?.value;
  }

  /** Reads an entry with its version and time to live; undefined if there is none. */
  async entry(
    key: CacheKey,
    options: CacheReadOptions = {},
  ): Promise<CacheEntry<T> | undefined> {
    const byteKey = keyOf(key);
    const { entries: [entry], epoch } = await this.#session.get(
      this.name,
      [byteKey],
      options,
    );
    return entry === null
      ? undefined
      : await this.#tools.values.entry(entry!, byteKey, epoch);
  }

  /** Reads values of one state, in the order of the keys; at most 1000, with 16 MiB. */
  async getMany(
    keys: readonly CacheKey[],
    options: CacheReadOptions = {},
  ): Promise<(T | undefined)[]> {
    const byteKeys = keysOf(keys);
    const { entries } = await this.#session.get(this.name, byteKeys, options);
    return await Promise.all(
      entries.map((entry, at) =>
        entry === null
          ? undefined
          : this.#tools.values.decode(entry.value, byteKeys[at]!)
      ),
    );
  }

  /** Whether there is an entry. */
  async has(key: CacheKey, options: CacheReadOptions = {}): Promise<boolean> {
    return await this.#ttl(key, options) !== undefined;
  }

  /** How long an entry still lives, ms; null for ever, undefined if there is none. */
  ttl(
    key: CacheKey,
    options: CacheReadOptions = {},
  ): Promise<number | null | undefined> {
    return this.#ttl(key, options);
  }

  /** Deletes an entry; whether there was one. @throws {PreconditionError} */
  async delete(key: CacheKey, options: DeleteOptions = {}): Promise<boolean> {
    const deletion = deleteOf(this.name, key, checked(options, DELETE));
    return resultOf(await this.#written(deletion, options)).found;
  }

  /** Takes an entry out: of many that ask for it at once, one gets its value. */
  async getRemove(
    key: CacheKey,
    options: WriteOptions = {},
  ): Promise<T | undefined> {
    const written = await this.#keyed("getRemove", key, options);
    return await this.#previous(resultOf(written), key);
  }

  /** Sets how long an entry lives from now on, ms, null for ever; whether there is one. */
  async touch(
    key: CacheKey,
    ttlMs: number | null,
    options: WriteOptions = {},
  ): Promise<boolean> {
    const operation: KvOperation = {
      kind: "touch",
      cache: this.name,
      key: keyOf(key),
      ttlMs: lifetimeOf(ttlMs),
    };
    const written = await this.#written(
      { operation, epoch: null },
      checked(options, WRITE_OPTIONS),
    );
    return resultOf(written).found;
  }

  /** Adds to a counter and returns its new value. Counters have 64 bits and stay at the ends; they are kept beside the entries, under keys of their own. */
  async add(
    key: CacheKey,
    delta: number | bigint = 1,
    options: AddOptions = {},
  ): Promise<number | bigint> {
    const addition = addOf(this.name, key, delta, checked(options, ADD));
    return counterValue(
      resultOf(await this.#written(addition, options)).counter,
    );
  }

  /** Reads a counter; undefined if there is none. */
  async counter(
    key: CacheKey,
    options: CacheReadOptions = {},
  ): Promise<number | bigint | undefined> {
    const { counter } = await this.#session.counter(
      this.name,
      keyOf(key),
      options,
    );
    return counter === null ? undefined : counterValue(counter);
  }

  /** Sets a counter. */
  async setCounter(
    key: CacheKey,
    value: number | bigint,
    options: WriteOptions = {},
  ): Promise<void> {
    const operation: KvOperation = {
      kind: "setCounter",
      cache: this.name,
      key: keyOf(key),
      value: counterOf(value, "value"),
    };
    await this.#written(
      { operation, epoch: null },
      checked(options, WRITE_OPTIONS),
    );
  }

  /** Removes a counter; whether there was one. */
  async deleteCounter(
    key: CacheKey,
    options: WriteOptions = {},
  ): Promise<boolean> {
    return resultOf(await this.#keyed("deleteCounter", key, options)).found;
  }

  /** Reads a page of entries in the order of their keys. */
  list(options: ListOptions = {}): Promise<CacheListing<T>> {
    return listCache(this.#session, this.name, this.#tools.values, options);
  }

  /** All entries of a range, page by page. What changes meanwhile may or may not show; the rest comes exactly once. */
  async *entries(
    options: Omit<ListOptions, "cursor"> = {},
  ): AsyncGenerator<KeyedEntry<T>> {
    let cursor: string | null | undefined;
    while (cursor !== null) {
      const page: CacheListing<T> = await this.list(
        cursor === undefined ? options : { ...options, cursor },
      );
      yield* page.entries;
      cursor = page.cursor;
    }
  }

  /** Tells the latest values of what changes, beginning with a `reset` and what is there. */
  watch(options: WatchOptions = {}): AsyncGenerator<CacheUpdate<T>> {
    return watchCache(this.#session, this.name, this.#tools.values, options);
  }

  /** Creates the cache with the handle's settings, or finds it with the same ones; the first write does that, too. @throws {HiqliteError} `conflict` */
  async create(options: WriteOptions = {}): Promise<void> {
    const { create } = this.#tools.creation;
    await this.#session.write(
      { checks: [], operations: [create] },
      checked(options, WRITE_OPTIONS),
      null,
      asIs,
    );
  }

  /** Removes all entries; counters stay. */
  clear(options: WriteOptions = {}): Promise<void> {
    return this.#whole("clear", options);
  }

  /** Removes all counters. */
  clearCounters(options: WriteOptions = {}): Promise<void> {
    return this.#whole("clearCounters", options);
  }

  /** Removes the cache with everything in it. */
  async drop(options: WriteOptions = {}): Promise<void> {
    const operation: KvOperation = { kind: "drop", cache: this.name };
    await this.#session.write(
      { checks: [], operations: [operation] },
      checked(options, WRITE_OPTIONS),
      null,
      asIs,
    );
  }

  async #whole(
    kind: "clear" | "clearCounters",
    options: WriteOptions,
  ): Promise<void> {
    const operation: KvOperation = { kind, cache: this.name };
    await this.#written(
      { operation, epoch: null },
      checked(options, WRITE_OPTIONS),
    );
  }

  #keyed(
    kind: "getRemove" | "deleteCounter",
    key: CacheKey,
    options: WriteOptions,
  ): Promise<CacheWritten> {
    const operation = { kind, cache: this.name, key: keyOf(key) };
    return this.#written(
      { operation, epoch: null },
      checked(options, WRITE_OPTIONS),
    );
  }

  #written(
    prepared: PreparedOperation,
    options: WriteOptions,
  ): Promise<CacheWritten> {
    return this.#write(prepared, options, asIs);
  }

  #write<R>(
    { operation, epoch }: PreparedOperation,
    options: WriteOptions,
    pick: (written: CacheWritten) => R,
  ): Promise<R> {
    const { creates } = this.#tools.creation;
    const unit: KvUnit = creates.length === 0
      ? { checks: NOTHING, operations: [operation] }
      : { creates, checks: NOTHING, operations: [operation] };
    const versions = epoch === null ? NOTHING : [{ epoch, at: 0 }];
    return writeUnit(this.#session, { unit, versions }, options, pick);
  }

  async #ttl(
    key: CacheKey,
    options: CacheReadOptions,
  ): Promise<number | null | undefined> {
    const { entries: [entry] } = await this.#session.get(
      this.name,
      [keyOf(key)],
      options,
    );
    return entry === null ? undefined : entry!.ttlMs;
  }

  async #previous(
    { previous }: KvResult,
    key: CacheKey,
  ): Promise<T | undefined> {
    return previous === null
      ? undefined
      : await this.#tools.values.decode(previous, keyOf(key));
  }
}

/** Of a unit that is one put, the entry's version. */
function versionIn(written: CacheWritten): string {
  return versionText(written.epoch, resultOf(written).version);
}

/** What the only operation of a unit did. */
function resultOf({ results: [result] }: CacheWritten): KvResult {
  if (result !== undefined) return result;
  throw new HiqliteError("internal", "The answer has no result");
}
