import { HiqliteError } from "../../errors.ts";
import type { KeyRing } from "../key_ring.ts";
import { ARCHIVE_PREFIX } from "../names.ts";
import type {
  BackupStore,
  ObjectPage,
  ObjectStore,
  StoredObject,
  StoreOptions,
} from "../object_store.ts";
import {
  HEADER_BYTES_MAX,
  keyIdOf,
  openStream,
  sealedBytes,
  sealStream,
} from "../seal.ts";

/** A store of which nothing goes out that is not sealed, and nothing comes back that was not. */
export class SealedStore implements BackupStore {
  readonly #inner: ObjectStore;
  readonly #ring: KeyRing;

  /** Seals with the ring's active key, and opens with any. */
  constructor(inner: ObjectStore, ring: KeyRing) {
    this.#inner = inner;
    this.#ring = ring;
  }

  /** See {@linkcode BackupStore.put}. */
  put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options: StoreOptions = {},
  ): Promise<StoredObject> {
    const sealed = source.pipeThrough(sealStream(this.#ring, purposeOf(name)));
    const size = sealedBytes(options.size ?? 0, this.#ring.active);
    return this.#inner.put(name, sealed, { ...options, size });
  }

  /** See {@linkcode BackupStore.get}. */
  async get(name: string): Promise<ReadableStream<Uint8Array>> {
    const sealed = await this.#inner.get(name);
    return sealed.pipeThrough(openStream(this.#ring, purposeOf(name), name));
  }

  /** See {@linkcode BackupStore.keyOf}. */
  keyOf(name: string): Promise<string | null> {
    return readKeyId(this.#inner, name);
  }

  /** See {@linkcode BackupStore.head}. */
  head(name: string): Promise<StoredObject | null> {
    return this.#inner.head(name);
  }

  /** See {@linkcode BackupStore.list}. */
  list(
    prefix: string,
    next?: string | null,
    limit?: number,
  ): Promise<ObjectPage> {
    return this.#inner.list(prefix, next, limit);
  }

  /** See {@linkcode BackupStore.delete}. */
  delete(name: string): Promise<void> {
    return this.#inner.delete(name);
  }

  /** See {@linkcode BackupStore.abortStale}. */
  abortStale(beforeMs: number): Promise<number> {
    return this.#inner.abortStale(beforeMs);
  }

  /** See {@linkcode BackupStore.close}. */
  close(): Promise<void> {
    return this.#inner.close();
  }
}

/** The id of the key that an object is sealed with; null if it is not. */
export async function readKeyId(
  store: ObjectStore,
  name: string,
): Promise<string | null> {
  const first = await store.get(name, { from: 0, length: HEADER_BYTES_MAX });
  return keyIdOf(new Uint8Array(await new Response(first).arrayBuffer()));
}

/** Parts of the log are many: each has a key of its own, so that nonces never meet. */
function purposeOf(name: string): string | undefined {
  return name.startsWith(ARCHIVE_PREFIX) ? `segment${name}` : undefined;
}

/** What is read without the key that it needs. */
export function sealedWithout(name: string, keyId: string): HiqliteError {
  return new HiqliteError(
    "storage",
    `${name} is sealed with the key ${keyId}, and there are no ENC_KEYS: add it`,
  );
}
