import { HiqliteError } from "../../errors.ts";
import type { KvOperation, KvResult } from "../../state/kv/types.ts";
import { versionText } from "../../api/cache_json.ts";
import type { WriteOptions } from "../call_options.ts";
import {
  ADD,
  checked,
  counterOf,
  DELETE,
  HANDLE,
  keyOf,
  keysOf,
  lifetimeOf,
  PUT,
  WRITE,
} from "./arguments.ts";
import { type CacheCreation, creationOf } from "./creation.ts";
import { listCache } from "./listing.ts";
import {
  addOf,
  deleteOf,
  type PreparedOperation,
  putOf,
} from "./operations.ts";
import type { CacheSession } from "./session.ts";
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
import { writeUnit } from "./writer.ts";

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
  async put(
    key: CacheKey,
    value: T,
    options: PutOptions = {},
  ): Promise<string> {
    const stored = this.#tools.values.encode(value);
    const put = putOf("put", this.name, key, stored, checked(options, PUT));
    const { result, epoch } = await this.#write(put, options);
    return versionText(epoch, result.version);
  }

  /** Puts an entry and returns what was there before. */
  async replace(
    key: CacheKey,
    value: T,
    options: PutOptions = {},
  ): Promise<{ readonly version: string; readonly previous: T | undefined }> {
    const stored = this.#tools.values.encode(value);
    const put = putOf("replace", this.name, key, stored, checked(options, PUT));
    const { result, epoch } = await this.#write(put, options);
    return {
      version: versionText(epoch, result.version),
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
    return (await this.#write(deletion, options)).result.found;
  }

  /** Takes an entry out: of many that ask for it at once, one gets its value. */
  async getRemove(
    key: CacheKey,
    options: WriteOptions = {},
  ): Promise<T | undefined> {
    const { result } = await this.#keyed("getRemove", key, options);
    return await this.#previous(result, key);
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
    const { result } = await this.#write(
      { operation, epoch: null },
      checked(options, WRITE),
    );
    return result.found;
  }

  /** Adds to a counter and returns its new value. Counters have 64 bits and stay at the ends; they are kept beside the entries, under keys of their own. */
  async add(
    key: CacheKey,
    delta: number | bigint = 1,
    options: AddOptions = {},
  ): Promise<number | bigint> {
    const addition = addOf(this.name, key, delta, checked(options, ADD));
    return counterValue((await this.#write(addition, options)).result.counter);
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
    await this.#write({ operation, epoch: null }, checked(options, WRITE));
  }

  /** Removes a counter; whether there was one. */
  async deleteCounter(
    key: CacheKey,
    options: WriteOptions = {},
  ): Promise<boolean> {
    const { result } = await this.#keyed("deleteCounter", key, options);
    return result.found;
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
      checked(options, WRITE),
      null,
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
      checked(options, WRITE),
      null,
    );
  }

  async #whole(
    kind: "clear" | "clearCounters",
    options: WriteOptions,
  ): Promise<void> {
    const operation: KvOperation = { kind, cache: this.name };
    await this.#write({ operation, epoch: null }, checked(options, WRITE));
  }

  #keyed(
    kind: "getRemove" | "deleteCounter",
    key: CacheKey,
    options: WriteOptions,
  ): Promise<{ result: KvResult; epoch: number }> {
    const operation = { kind, cache: this.name, key: keyOf(key) };
    return this.#write({ operation, epoch: null }, checked(options, WRITE));
  }

  async #write(
    { operation, epoch }: PreparedOperation,
    options: WriteOptions,
  ): Promise<{ result: KvResult; epoch: number }> {
    const { creates } = this.#tools.creation;
    const unit = { checks: [], operations: [operation] };
    const written = await writeUnit(this.#session, {
      unit: creates.length === 0 ? unit : { creates, ...unit },
      versions: epoch === null ? [] : [{ epoch, at: 0 }],
    }, options);
    const [result] = written.results;
    if (result !== undefined) return { result, epoch: written.epoch };
    throw new HiqliteError("internal", "The answer has no result");
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
