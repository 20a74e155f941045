import { HiqliteError } from "../errors.ts";

/** An object as its store knows it. */
export interface StoredObject {
  /** Without the prefix that the store was opened with. */
  readonly name: string;
  /** Bytes as they are stored: what is sealed is a little larger than what went in. */
  readonly size: number;
  /** When it was stored, Unix milliseconds of the store's clock. */
  readonly modifiedMs: number;
  /** Changes with its contents. */
  readonly etag: string;
}

/** A part of a listing. */
export interface ObjectPage {
  /** In the order of their names. */
  readonly objects: readonly StoredObject[];
  /** What to give to the next call; null at the end. */
  readonly next: string | null;
}

/** How an object is stored. */
export interface StoreOptions {
  /** About how many bytes will come; S3 chooses the size of its parts by it. @default {0} */
  readonly size?: number;
  /** The etag of the object that is to be replaced. @default nothing is ever replaced */
  readonly replaces?: string;
  /** Gives it up; what was stored of it is removed. */
  readonly signal?: AbortSignal;
}

/** A part of an object. */
export interface ByteRange {
  /** Of the first byte. */
  readonly from: number;
  /** How many bytes, from 1 on; fewer come if the object ends before. */
  readonly length: number;
}

/** What stores of both kinds can do. Every method rejects with a {@linkcode HiqliteError}. */
interface StoreBasics {
  /** What is known of an object; null if there is none. */
  head(name: string): Promise<StoredObject | null>;
  /** Up to `limit` (1,000 at most) objects whose names begin with `prefix`, from `next` of the page before on. */
  list(
    prefix: string,
    next?: string | null,
    limit?: number,
  ): Promise<ObjectPage>;
  /** Removes an object; one that is not there is no error. `forbidden` if the store's key may not. */
  delete(name: string): Promise<void>;
  /** Removes what broken `put()`s left behind before that time, Unix milliseconds; how many there were. */
  abortStale(beforeMs: number): Promise<number>;
  /** Lets go of everything; what is under way fails. */
  close(): Promise<void>;
}

/** A place for objects, as bytes: a folder, or a bucket of S3. */
export interface ObjectStore extends StoreBasics {
  /**
   * Stores an object, whole or not at all. `conflict` if there is one of that
   * name, or with `replaces` none that is the same; what the source fails with, if it does.
   */
  put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options?: StoreOptions,
  ): Promise<StoredObject>;
  /**
   * An object's bytes, or some of them: as they were when it was called, or the
   * stream fails. `not_found` if there is no such object.
   */
  get(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>>;
}

/**
 * A place for backups. What goes in and comes out is plain; what is stored is
 * sealed with the active key, or in a folder without keys as it is.
 */
export interface BackupStore extends StoreBasics {
  /** As {@linkcode ObjectStore.put}. */
  put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options?: StoreOptions,
  ): Promise<StoredObject>;
  /** An object's contents. The stream fails with `storage` where the object is damaged, cut, or not sealed. */
  get(name: string): Promise<ReadableStream<Uint8Array>>;
  /** The id of the key that an object is sealed with; null if it is not. */
  keyOf(name: string): Promise<string | null>;
}

/** The most objects in a page. */
export const PAGE_OBJECTS = 1000;

/** The longest name of an object. With a prefix of 500 it is one that S3 takes. */
const NAME_BYTES_MAX = 512;

/** @throws {HiqliteError} `invalid` for a name that could be another place in a folder, or another object on S3. */
export function checkObjectName(name: string): void {
  const plain = name.length <= NAME_BYTES_MAX && name.split("/")
    .every((part) => /^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(part));
  if (plain) return;
  throw new HiqliteError(
    "invalid",
    `No name of an object: ${
      JSON.stringify(name.slice(0, 80))
    }; it has up to ${NAME_BYTES_MAX} letters, digits, "_", "-" and ".", in parts with "/" between`,
  );
}

/** All objects whose names begin with `prefix`, page by page. */
export async function* listAll(
  store: Pick<StoreBasics, "list">,
  prefix: string,
  limit: number = PAGE_OBJECTS,
): AsyncGenerator<StoredObject> {
  let next: string | null = null;
  do {
    const page: ObjectPage = await store.list(prefix, next, limit);
    yield* page.objects;
    next = page.next;
  } while (next !== null);
}
