import { versionText } from "../../api/cache_json.ts";
import type { Member } from "../../node/port.ts";
import { keyOf } from "./arguments.ts";
import { Cache, toolsOf } from "./cache.ts";
import type { CacheValues } from "./values.ts";
import type { CacheSession } from "./session.ts";
import type {
  CacheEntry,
  CacheKey,
  CacheOptions,
  CacheValue,
} from "./types.ts";

/** A cache of a member in this process. */
export class LocalCache<T = CacheValue> extends Cache<T> {
  readonly #member: Member;
  readonly #values: CacheValues<T>;

  /** Use `db.cache()`. */
  constructor(
    session: CacheSession,
    name: string,
    options: CacheOptions<T>,
    member: Member,
  ) {
    super(session, name, options);
    this.#member = member;
    this.#values = toolsOf<T>(this).values;
  }

  /** Reads a value on the calling thread, in less than a microsecond; undefined if there is none. Contains every earlier write of this client. */
  getSync(key: CacheKey): T | undefined {
    const byteKey = keyOf(key);
    const seen = this.#member.caches.seeSync(this.name, byteKey);
    return seen === null ? undefined : this.#values.decodeSync(seen, byteKey);
  }

  /** As {@linkcode getSync}, with version and time to live. */
  entrySync(key: CacheKey): CacheEntry<T> | undefined {
    const byteKey = keyOf(key);
    const { caches } = this.#member;
    const entry = caches.getSync(this.name, byteKey);
    if (entry === null) return undefined;
    const { kind, bytes } = entry.value;
    const seen = { kind, bytes, start: 0, end: bytes.length };
    return {
      value: this.#values.decodeSync(seen, byteKey),
      version: versionText(caches.epoch, entry.version),
      ttlMs: entry.ttlMs,
    };
  }
}
