import type { KeyRing } from "../key_ring.ts";
import type {
  BackupStore,
  ObjectPage,
  StoredObject,
  StoreOptions,
} from "../object_store.ts";
import type { FolderStore } from "./folder_store.ts";
import { readKeyId, SealedStore, sealedWithout } from "./sealed_store.ts";

/** Backups in a folder: sealed if there are keys, else as they are. What is there is read, however it was stored. */
export class LocalStore implements BackupStore {
  readonly #folder: FolderStore;
  readonly #sealed: SealedStore | null;

  /** `ring`: null where there are no keys. */
  constructor(folder: FolderStore, ring: KeyRing | null) {
    this.#folder = folder;
    this.#sealed = ring === null ? null : new SealedStore(folder, ring);
  }

  /** See {@linkcode BackupStore.put}. */
  put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options?: StoreOptions,
  ): Promise<StoredObject> {
    return (this.#sealed ?? this.#folder).put(name, source, options);
  }

  /** See {@linkcode BackupStore.get}. */
  async get(name: string): Promise<ReadableStream<Uint8Array>> {
    const keyId = await this.keyOf(name);
    if (keyId === null) return await this.#folder.get(name);
    if (this.#sealed === null) throw sealedWithout(name, keyId);
    return await this.#sealed.get(name);
  }

  /** See {@linkcode BackupStore.keyOf}. */
  keyOf(name: string): Promise<string | null> {
    return readKeyId(this.#folder, name);
  }

  /** See {@linkcode BackupStore.head}. */
  head(name: string): Promise<StoredObject | null> {
    return this.#folder.head(name);
  }

  /** See {@linkcode BackupStore.list}. */
  list(
    prefix: string,
    next?: string | null,
    limit?: number,
  ): Promise<ObjectPage> {
    return this.#folder.list(prefix, next, limit);
  }

  /** See {@linkcode BackupStore.delete}. */
  delete(name: string): Promise<void> {
    return this.#folder.delete(name);
  }

  /** See {@linkcode BackupStore.abortStale}. */
  abortStale(beforeMs: number): Promise<number> {
    return this.#folder.abortStale(beforeMs);
  }

  /** See {@linkcode BackupStore.close}. */
  close(): Promise<void> {
    return this.#folder.close();
  }
}
