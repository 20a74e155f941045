import { type CacheSettings, DEFAULT_SETTINGS } from "../../state/kv/types.ts";
import type { WriteOptions } from "../call_options.ts";
import type { CacheSession } from "./session.ts";
import type { CacheOptions } from "./types.ts";

/** Creates a cache with its settings, once in each life of the caches; those of a handle without settings come to be by themselves. */
export class CacheCreation {
  readonly #session: CacheSession;
  readonly #name: string;
  readonly #settings: CacheSettings;
  readonly #wanted: boolean;
  #epoch: number | null = null;
  #creating: Promise<number> | null = null;

  /** Creates nothing yet. */
  constructor(
    session: CacheSession,
    name: string,
    options: CacheOptions<never>,
  ) {
    this.#session = session;
    this.#name = name;
    const { ttlMs, maxBytes, maxEntries, onFull } = options;
    this.#wanted = [ttlMs, maxBytes, maxEntries, onFull].some((setting) =>
      setting !== undefined
    );
    this.#settings = {
      ttlMs: ttlMs ?? DEFAULT_SETTINGS.ttlMs,
      maxBytes: maxBytes ?? DEFAULT_SETTINGS.maxBytes,
      maxEntries: maxEntries ?? DEFAULT_SETTINGS.maxEntries,
      onFull: onFull ?? DEFAULT_SETTINGS.onFull,
    };
  }

  /**
   * The life of the caches in which the cache was created; null if its handle has no settings.
   * @throws {HiqliteError} `conflict` if it exists with other settings, and what every write throws.
   */
  before(options: WriteOptions): Promise<number> | number | null {
    if (!this.#wanted) return null;
    return this.#epoch ?? this.create(options);
  }

  /** Creates it now. @throws {HiqliteError} as {@linkcode before} does. */
  create({ timeoutMs, signal }: WriteOptions): Promise<number> {
    const operation = {
      kind: "create",
      cache: this.#name,
      settings: this.#settings,
    } as const;
    this.#creating ??= this.#session.write(
      { checks: [], operations: [operation] },
      {
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        ...(signal === undefined ? {} : { signal }),
      },
      null,
    ).then(({ epoch }) => this.#epoch = epoch)
      .finally(() => this.#creating = null);
    return this.#creating;
  }

  /** The cache may be gone. */
  forget(): void {
    this.#epoch = null;
  }
}
