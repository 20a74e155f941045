import * as fs from "node:fs";
import { join } from "node:path";
import { assert } from "../../../util/assert.ts";
import { replaceFile, syncPath } from "../../../util/durable_file.ts";
import { StateDamagedError } from "../../port.ts";
import type { KvStore, KvStores } from "../store.ts";
import { CacheFile, type CacheFileOptions } from "./cache_file.ts";
import { SqliteKvStore } from "./store.ts";

/** Names the folder of the store in use. */
const CURRENT = "current";
const STORE_FOLDER = /^store-(\d{8})$/;
/** The file in it. */
const CACHE_FILE = "caches.db";

/** Figures of a store that tests choose. */
export interface SqliteStoresOptions {
  /** Bytes of the WAL from which on it is begun anew; left out for 64 MiB. */
  readonly walMax?: number;
}

/** Where a store is. */
interface StorePlace {
  readonly name: string;
  readonly file: CacheFile;
}

/** The store in use, in a folder of its own, and those that take its place. */
export class SqliteStores implements KvStores {
  readonly #dir: string;
  readonly #options: SqliteStoresOptions;
  /** The one that was found. */
  readonly store: KvStore;
  #current: string;
  /** The number of the newest folder. */
  #newest: number;
  /** Stores that are open, and removals under way. */
  readonly #busy = new Set<Promise<void>>();
  readonly #places = new WeakMap<KvStore, StorePlace>();

  /**
   * Opens the caches that are kept in a folder, which is made if it is missing: as they were at the last commit
   * that is found there, or empty. What an earlier installation left is removed.
   * @throws {StateDamagedError} if what is there is damaged.
   * @throws {HiqliteError} `storage` if another release wrote it, `disk_full` if there is no room.
   */
  constructor(dir: string, options: SqliteStoresOptions = {}) {
    this.#dir = dir;
    this.#options = options;
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    const found = fs.readdirSync(dir).filter((name) => STORE_FOLDER.test(name));
    this.#newest = found.map(numberOf).reduce((a, b) => Math.max(a, b), 0);
    const current = readCurrent(dir);
    this.#current = current ?? this.#nextName();
    if (current !== null) this.store = this.#open(current, "found");
    else {
      this.store = this.#open(this.#current, "new");
      replaceFile(join(dir, CURRENT), `${this.#current}\n`);
    }
    for (const name of found) {
      if (name !== this.#current) this.#remove(name);
    }
  }

  /** See {@linkcode KvStores.replacement}. */
  replacement(): KvStore {
    return this.#open(this.#nextName(), "draft");
  }

  /** See {@linkcode KvStores.adopt}. It takes a moment only. */
  adopt(replacement: KvStore): void {
    const place = this.#places.get(replacement);
    assert(place !== undefined, "a strange store");
    assert(
      !place.file.isDraft,
      "a replacement is adopted without a checkpoint",
    );
    replaceFile(join(this.#dir, CURRENT), `${place.name}\n`);
    this.#current = place.name;
  }

  /** Resolves once all stores have closed their files, their Workers have ended, and what is not needed any more is removed. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy);
  }

  #nextName(): string {
    return `store-${String(++this.#newest).padStart(8, "0")}`;
  }

  #open(name: string, kind: CacheFileOptions["kind"]): KvStore {
    const dir = join(this.#dir, name);
    const path = join(dir, CACHE_FILE);
    if (kind === "found") assertThere(path);
    else {
      fs.mkdirSync(dir, { mode: 0o700 });
      syncPath(this.#dir);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const file = new CacheFile(path, {
      kind,
      walMax: this.#options.walMax,
      closed: () => {
        this.#busy.delete(promise);
        if (name !== this.#current) this.#remove(name);
        resolve();
      },
    });
    this.#busy.add(promise);
    try {
      const store = new SqliteKvStore(file);
      this.#places.set(store, { name, file });
      return store;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Beside what else happens: to give back a gigabyte takes up to a second. */
  #remove(name: string): void {
    const removal = fs.promises.rm(join(this.#dir, name), {
      recursive: true,
      force: true,
    }).catch(() => {}) // The next start tries it again.
      .then(() => void this.#busy.delete(removal));
    this.#busy.add(removal);
  }
}

function numberOf(name: string): number {
  return Number(STORE_FOLDER.exec(name)![1]);
}

/** SQLite would make a new file in the place of one that is gone. */
function assertThere(path: string): void {
  if (fs.existsSync(path)) return;
  throw new StateDamagedError(`The caches' file ${path} is gone`);
}

/** The name of the store in use; null if there is none yet. */
function readCurrent(dir: string): string | null {
  const path = join(dir, CURRENT);
  if (!fs.existsSync(path)) return null;
  const name = fs.readFileSync(path, "utf8").trim();
  if (STORE_FOLDER.test(name)) return name;
  throw new StateDamagedError(
    `${path} is damaged: it names no store, but ${
      JSON.stringify(name.slice(0, 40))
    }`,
  );
}
