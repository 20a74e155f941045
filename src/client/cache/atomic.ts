import type { KvCheck, KvOperation } from "../../state/kv/types.ts";
import { versionText } from "../../api/cache_json.ts";
import type { WriteOptions } from "../call_options.ts";
import {
  ADD_PART,
  counterOf,
  DELETE_PART,
  keyOf,
  lifetimeOf,
  PUT_PART,
} from "./arguments.ts";
import { checked, WRITE_OPTIONS } from "../options.ts";
import { type Cache, toolsOf } from "./cache.ts";
import type { CacheCreate } from "./creation.ts";
import {
  addOf,
  deleteOf,
  type PreparedOperation,
  putOf,
} from "./operations.ts";
import type { CacheSession } from "./session.ts";
import type {
  AddOptions,
  CacheKey,
  DeleteOptions,
  PutOptions,
} from "./types.ts";
import { type CacheValues, counterValue } from "./values.ts";
import { versionCondition } from "./versions.ts";
import { asIs, writeUnit } from "./writer.ts";

/** What an operation of a batch did; which fields count depends on it. */
export interface AtomicResult {
  /** Of `put` and `replace`: the entry's new version. */
  readonly version: string | null;
  /** Of `delete`, `getRemove`, `touch`, `deleteCounter`: whether it was there. */
  readonly found: boolean;
  /** Of `replace` and `getRemove`: what was there, after codec and schema; undefined if nothing. */
  readonly previous: unknown;
  /** Of `add` and `setCounter`: the counter's new value. */
  readonly counter: number | bigint;
}

/** What an operation of a batch can be told; the rest is for the batch as a whole. */
export type OperationOptions<Options> = Omit<Options, keyof WriteOptions>;

/** Options that are the whole batch's are not an operation's. */
interface BatchItem {
  readonly prepared: PreparedOperation;
  readonly values: CacheValues<unknown>;
}

/**
 * Checks and changes of several caches that happen together, or not at all; 1,000 and 4 MiB at
 * most. Nothing is sent before {@linkcode commit}.
 */
export class AtomicBatch {
  readonly #session: CacheSession;
  readonly #checks: {
    readonly check: KvCheck;
    readonly epoch: number | null;
  }[] = [];
  readonly #items: BatchItem[] = [];
  readonly #creates = new Set<CacheCreate>();

  /** Use `db.atomic()`. */
  constructor(session: CacheSession) {
    this.#session = session;
  }

  /** The entry has this version; null: there is none. */
  check<T>(cache: Cache<T>, key: CacheKey, version: string | null): this {
    const condition = versionCondition(version, "version");
    this.#checks.push({
      check: {
        cache: cache.name,
        key: keyOf(key),
        version: condition.version,
      },
      epoch: condition.epoch,
    });
    return this;
  }

  /** The entry has this value, byte by byte as the cache keeps it. */
  checkValue<T>(cache: Cache<T>, key: CacheKey, value: T): this {
    const check = {
      cache: cache.name,
      key: keyOf(key),
      value: toolsOf(cache).values.encode(value),
    };
    this.#checks.push({ check, epoch: null });
    return this;
  }

  /** Puts an entry. */
  put<T>(
    cache: Cache<T>,
    key: CacheKey,
    value: T,
    options: OperationOptions<PutOptions> = {},
  ): this {
    const stored = toolsOf(cache).values.encode(value);
    return this.#add(
      cache,
      putOf("put", cache.name, key, stored, checked(options, PUT_PART)),
    );
  }

  /** Puts an entry and answers what was there. */
  replace<T>(
    cache: Cache<T>,
    key: CacheKey,
    value: T,
    options: OperationOptions<PutOptions> = {},
  ): this {
    const stored = toolsOf(cache).values.encode(value);
    return this.#add(
      cache,
      putOf("replace", cache.name, key, stored, checked(options, PUT_PART)),
    );
  }

  /** Deletes an entry. */
  delete<T>(
    cache: Cache<T>,
    key: CacheKey,
    options: OperationOptions<DeleteOptions> = {},
  ): this {
    return this.#add(
      cache,
      deleteOf(cache.name, key, checked(options, DELETE_PART)),
    );
  }

  /** Takes an entry out. */
  getRemove<T>(cache: Cache<T>, key: CacheKey): this {
    return this.#plain(cache, { kind: "getRemove", ...keyed(cache, key) });
  }

  /** Sets how long an entry lives, ms, null for ever. */
  touch<T>(cache: Cache<T>, key: CacheKey, ttlMs: number | null): this {
    return this.#plain(cache, {
      kind: "touch",
      ...keyed(cache, key),
      ttlMs: lifetimeOf(ttlMs),
    });
  }

  /** Adds to a counter. */
  add<T>(
    cache: Cache<T>,
    key: CacheKey,
    delta: number | bigint,
    options: OperationOptions<AddOptions> = {},
  ): this {
    return this.#add(
      cache,
      addOf(cache.name, key, delta, checked(options, ADD_PART)),
    );
  }

  /** Sets a counter. */
  setCounter<T>(cache: Cache<T>, key: CacheKey, value: number | bigint): this {
    return this.#plain(cache, {
      kind: "setCounter",
      ...keyed(cache, key),
      value: counterOf(value, "value"),
    });
  }

  /** Removes a counter. */
  deleteCounter<T>(cache: Cache<T>, key: CacheKey): this {
    return this.#plain(cache, { kind: "deleteCounter", ...keyed(cache, key) });
  }

  /**
   * Does it all; one result for each operation.
   * @throws {PreconditionError} if a check or condition does not hold; then nothing was done.
   * @throws {HiqliteError} `cache_full`, `invalid`, `too_large` and what every write throws.
   */
  async commit(options: WriteOptions = {}): Promise<readonly AtomicResult[]> {
    const conditions = [
      ...this.#checks.map(({ epoch }) => epoch),
      ...this.#items.map(({ prepared }) => prepared.epoch),
    ];
    const { results, epoch } = await writeUnit(
      this.#session,
      {
        unit: {
          ...(this.#creates.size === 0 ? {} : { creates: [...this.#creates] }),
          checks: this.#checks.map(({ check }) => check),
          operations: this.#items.map(({ prepared }) => prepared.operation),
        },
        versions: conditions.flatMap((epoch, at) =>
          epoch === null ? [] : [{ epoch, at }]
        ),
      },
      checked(options, WRITE_OPTIONS),
      asIs,
    );
    return await Promise.all(results.map(async (result, at) => {
      const { prepared: { operation }, values } = this.#items[at]!;
      const { version, found, previous, counter } = result;
      return {
        version: version === 0 ? null : versionText(epoch, version),
        found,
        previous: previous === null || !("key" in operation)
          ? undefined
          : await values.decode(previous, operation.key),
        counter: counterValue(counter),
      };
    }));
  }

  #plain<T>(cache: Cache<T>, operation: KvOperation): this {
    return this.#add(cache, { operation, epoch: null });
  }

  #add<T>(cache: Cache<T>, prepared: PreparedOperation): this {
    const tools = toolsOf(cache);
    this.#items.push({
      prepared,
      values: tools.values as CacheValues<unknown>,
    });
    for (const create of tools.creation.creates) this.#creates.add(create);
    return this;
  }
}

function keyed<T>(
  cache: Cache<T>,
  key: CacheKey,
): { readonly cache: string; readonly key: string } {
  return { cache: cache.name, key: keyOf(key) };
}
