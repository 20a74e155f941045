import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import type { KvStore } from "../../../../src/state/kv/store.ts";
import {
  SqliteStores,
  type SqliteStoresOptions,
} from "../../../../src/state/kv/sqlite/stores.ts";
import { lineOf } from "../store_model.ts";
import {
  cacheOf,
  entryOf,
  positionAt,
  type StoreSubject,
} from "../store_subject.ts";

const FIRST = "store-00000001";
/** The file that has the rows, in a folder whose store was never replaced. */
export const DATA = `${FIRST}/caches.db`;
/** What was written since it was last written into {@linkcode DATA}. */
export const WAL = `${DATA}-wal`;

/** Stores that were opened and not closed yet. */
const opened = new Map<KvStore, SqliteStores>();

/** Opens the store in a folder. */
export function openStore(dir: string, options?: SqliteStoresOptions): KvStore {
  const stores = new SqliteStores(dir, options);
  opened.set(stores.store, stores);
  return stores.store;
}

/** Closes it, and waits until it uses no file any more. */
export async function closeStore(store: KvStore): Promise<void> {
  store.close();
  await opened.get(store)!.idle();
  opened.delete(store);
}

/** A store in a folder of its own. */
export async function openSubject(dir?: string): Promise<StoreSubject> {
  const folder = dir ?? await Deno.makeTempDir({ prefix: "hiqlite-caches-" });
  const store = openStore(folder);
  return {
    store,
    reopen: async () => {
      await closeStore(store);
      return await openSubject(folder);
    },
    end: async () => {
      await closeStore(store);
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** Runs with an empty folder. */
export async function withFolder(
  run: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-caches-" });
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Waits until a transaction may begin: then no checkpoint is in the middle of beginning the WAL anew. */
export function ready(store: KvStore): Promise<void> {
  return new Promise((resolve) => store.ready!(resolve));
}

/** Copies a store's files, as a power cut would find them if everything was written. */
export function copyFiles(from: string, to: string): void {
  fs.mkdirSync(join(to, FIRST), { recursive: true });
  for (const name of [DATA, WAL, "current"]) {
    fs.copyFileSync(join(from, name), join(to, name));
  }
}

/** Keys of the state that {@linkcode writeRound} makes. */
const KEYS = 400;

/** Changes a store in a way that only the round decides. */
export function writeRound(store: KvStore, round: number): void {
  store.begin();
  if (round === 1) store.saveCache(cacheOf(1));
  for (let i = 0; i < 40; i++) {
    const key = `key ${(round * 37 + i * 11) % KEYS}`;
    if ((round + i) % 7 === 0) store.deleteEntry(1, key);
    else {
      const text = `round ${round} `.repeat(1 + (round * i) % 30);
      const deadlineMs = i % 3 === 0 ? round * 10 + i : 0;
      store.putEntry(1, key, entryOf(text, round * 100 + i, deadlineMs));
    }
    if (i % 5 === 0) {
      store.putCounter(1, key, { value: BigInt(round), deadlineMs: 0 });
    }
  }
  store.commit(positionAt(round));
}

/** A checksum of everything that can be read. */
export function contents(store: KvStore): string {
  const lines = Array.from({ [Symbol.iterator]: () => store.scan() }, lineOf);
  const all = [
    lines.sort(),
    store.due(2 ** 40, 10_000),
    store.oldest(1),
    store.position?.applied.index ?? 0,
  ];
  return createHash("sha256").update(JSON.stringify(all)).digest("hex");
}
