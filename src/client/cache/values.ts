import { fromByteKey } from "../../state/kv/keys.ts";
import type {
  ByteKey,
  KvEntry,
  KvValue,
  SeenValue,
} from "../../state/kv/types.ts";
import { versionText } from "../../api/cache_json.ts";
import { plainIn, plainOf, storedOf } from "../stored_values.ts";
import { parseOne, parseOneSync, type Schema } from "../schema.ts";
import type {
  CacheCodec,
  CacheEntry,
  CacheOptions,
  CacheValue,
  KeyedEntry,
} from "./types.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The values of one cache: what is stored for them, and back. */
export class CacheValues<T> {
  readonly #codec: CacheCodec<T> | undefined;
  readonly #schema: Schema<T> | undefined;

  /** By the codec and schema in `options`. */
  constructor({ codec, schema }: CacheOptions<T>) {
    this.#codec = codec;
    this.#schema = schema;
  }

  /** What is stored for a value. @throws {HiqliteError} `invalid` for what JSON cannot say. */
  encode(value: T): KvValue {
    return storedOf(
      this.#codec === undefined ? value : this.#codec.encode(value),
    );
  }

  /** A value of what is stored. @throws {HiqliteError} `invalid` if the schema refuses it. */
  async decode(stored: KvValue, key: ByteKey): Promise<T> {
    const value = this.#decoded(plainOf(stored.kind, stored.bytes));
    return this.#schema === undefined
      ? value
      : await parseOne(value, this.#schema, nameOf(key));
  }

  /** As {@linkcode decode}, of bytes that soon change, and for schemas that return at once. */
  decodeSync(seen: SeenValue, key: ByteKey): T {
    const value = this.#decoded(plainIn(seen));
    return this.#schema === undefined
      ? value
      : parseOneSync(value, this.#schema, nameOf(key));
  }

  /** An entry as clients see it. */
  async entry(
    { value, version, ttlMs }: KvEntry,
    key: ByteKey,
    epoch: number,
  ): Promise<CacheEntry<T>> {
    return {
      value: await this.decode(value, key),
      version: versionText(epoch, version),
      ttlMs,
    };
  }

  /** An entry with its key. */
  async keyed(
    entry: KvEntry,
    key: ByteKey,
    epoch: number,
  ): Promise<KeyedEntry<T>> {
    return { ...keyNames(key), ...await this.entry(entry, key, epoch) };
  }

  #decoded(stored: unknown): T {
    return this.#codec === undefined
      ? stored as T
      : this.#codec.decode(stored as CacheValue);
  }
}

/** A key as clients see it. */
export function keyNames(
  key: ByteKey,
): { readonly key: string; readonly keyBytes: Uint8Array } {
  const keyBytes = fromByteKey(key);
  return { key: decoder.decode(keyBytes), keyBytes };
}

/** A counter as SQL answers integers: a bigint only where a number would not be exact. */
export function counterValue(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function nameOf(key: ByteKey): string {
  return `The value of ${JSON.stringify(keyNames(key).key.slice(0, 80))}`;
}
