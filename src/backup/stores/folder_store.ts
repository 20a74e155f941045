import * as fs from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { HiqliteError } from "../../errors.ts";
import { syncPathLater } from "../../util/durable_file.ts";
import { foundNoRoom } from "../../util/no_room.ts";
import {
  type ByteRange,
  checkObjectName,
  type ObjectPage,
  type ObjectStore,
  PAGE_OBJECTS,
  type StoredObject,
  type StoreOptions,
} from "../object_store.ts";

/** What is not whole yet is called so; no object's name begins with a point. */
const PARTIAL = ".partial-";
const READ_BYTES = 1024 * 1024;

/** Objects as files of a folder, each durable and whole before it has its name. */
export class FolderStore implements ObjectStore {
  readonly #root: string;

  /** Nothing is made before the first object is stored. */
  constructor(root: string) {
    this.#root = resolve(root);
  }

  /** See {@linkcode ObjectStore.put}. */
  async put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options: StoreOptions = {},
  ): Promise<StoredObject> {
    checkObjectName(name);
    const partial = join(this.#root, `${PARTIAL}${crypto.randomUUID()}`);
    try {
      await told(() => fs.mkdir(this.#root, { recursive: true, mode: 0o700 }));
      await writeFile(partial, source, options.signal);
      return await told(() => this.#adopt(name, partial, options.replaces));
    } finally {
      // What stays is found by abortStale().
      await fs.rm(partial, { force: true }).catch(() => {});
    }
  }

  /** See {@linkcode ObjectStore.get}. */
  get(name: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> {
    checkObjectName(name);
    return told(async () => {
      const file = await fs.open(join(this.#root, name), "r");
      const { size } = await file.stat();
      const from = range?.from ?? 0;
      const end = Math.min(size, from + (range?.length ?? size));
      return readFile(file, from, end);
    });
  }

  /** See {@linkcode ObjectStore.head}. */
  head(name: string): Promise<StoredObject | null> {
    checkObjectName(name);
    return told(() => this.#stat(name));
  }

  /** See {@linkcode ObjectStore.list}. */
  list(
    prefix: string,
    next: string | null = null,
    limit: number = PAGE_OBJECTS,
  ): Promise<ObjectPage> {
    return told(async () => {
      const names = (await this.#names("", prefix))
        .filter((name) =>
          name.startsWith(prefix) && (next === null || name >= next)
        ).sort();
      const found = await Promise.all(
        names.slice(0, limit).map((name) => this.#stat(name)),
      );
      return {
        // What was deleted meanwhile is not there.
        objects: found.filter((object) => object !== null),
        next: names[limit] ?? null,
      };
    });
  }

  /** See {@linkcode ObjectStore.delete}. */
  delete(name: string): Promise<void> {
    checkObjectName(name);
    const path = join(this.#root, name);
    return told(async () => {
      if (await this.#stat(name) === null) return;
      await fs.rm(path, { force: true });
      await syncPathLater(dirname(path));
    });
  }

  /** See {@linkcode ObjectStore.abortStale}. */
  abortStale(beforeMs: number): Promise<number> {
    return told(async () => {
      let count = 0;
      for (const name of await entriesOf(this.#root)) {
        if (!name.startsWith(PARTIAL)) continue;
        const path = join(this.#root, name);
        if ((await fs.stat(path)).mtimeMs >= beforeMs) continue;
        await fs.rm(path, { force: true });
        count++;
      }
      return count;
    });
  }

  /** There is nothing to let go of. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Gives what is whole its name. */
  async #adopt(
    name: string,
    partial: string,
    replaces: string | undefined,
  ): Promise<StoredObject> {
    const path = join(this.#root, name);
    await fs.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    if (replaces === undefined) {
      // Unlike a rename it fails where there is a file.
      try {
        await fs.link(partial, path);
      } catch (error) {
        throw await isTaken(error, path) ? present(name) : error;
      }
    } else {
      const present = await this.#stat(name);
      if (present?.etag !== replaces) throw changedMeanwhile(name);
      await fs.rename(partial, path);
    }
    for (
      let folder = dirname(path);
      folder.length >= this.#root.length;
      folder = dirname(folder)
    ) await syncPathLater(folder);
    await syncPathLater(dirname(this.#root));
    return (await this.#stat(name))!;
  }

  async #stat(name: string): Promise<StoredObject | null> {
    try {
      const file = await fs.stat(join(this.#root, name));
      if (!file.isFile()) return null;
      const { size, mtimeMs, ino } = file;
      return {
        name,
        size,
        modifiedMs: mtimeMs,
        etag: `${ino}-${mtimeMs}-${size}`,
      };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Names of all files below a folder whose names can begin with `prefix`. */
  async #names(folder: string, prefix: string): Promise<string[]> {
    const names: string[] = [];
    for (const entry of await entriesOf(join(this.#root, folder), true)) {
      if (entry.startsWith(".")) continue;
      const name = folder + entry;
      if (!entry.endsWith("/")) names.push(name);
      else if (name.startsWith(prefix) || prefix.startsWith(name)) {
        names.push(...await this.#names(name, prefix));
      }
    }
    return names;
  }
}

/** Names in a folder, those of folders with a slash at their end if that is `marked`; none if there is no folder. */
async function entriesOf(path: string, marked = false): Promise<string[]> {
  try {
    const entries = await fs.readdir(path, { withFileTypes: true });
    return entries.map((entry) =>
      marked && entry.isDirectory() ? `${entry.name}/` : entry.name
    );
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** Writes a new file, and makes it durable. What the source fails with is thrown as it is. */
async function writeFile(
  path: string,
  source: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const file = await told(() => fs.open(path, "wx", 0o600));
  try {
    const guarded = signal === undefined
      ? source
      : source.pipeThrough(new TransformStream(), { signal });
    for await (const bytes of guarded) await told(() => writeAll(file, bytes));
    await told(() => file.sync());
  } finally {
    await file.close();
  }
}

async function writeAll(
  file: fs.FileHandle,
  bytes: Uint8Array,
): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    at += bytesWritten;
  }
}

function readFile(
  file: fs.FileHandle,
  from: number,
  end: number,
): ReadableStream<Uint8Array> {
  let at = from;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= end) {
        await file.close();
        return controller.close();
      }
      const buffer = new Uint8Array(Math.min(READ_BYTES, end - at));
      try {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) throw new Error("the file became shorter");
        at += bytesRead;
        controller.enqueue(buffer.subarray(0, bytesRead));
      } catch (error) {
        await file.close();
        throw failure(error);
      }
    },
    cancel: () => file.close(),
  }, { highWaterMark: 0 });
}

/** Runs `work`; what the file system says becomes an error of a store. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw failure(error);
  }
}

function failure(error: unknown): unknown {
  if (error instanceof HiqliteError || !(error instanceof Error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  const [kind, message] = foundNoRoom(error)
    ? ["disk_full", "There is no room for a backup"] as const
    : isMissing(error)
    ? ["not_found", "There is no backup of that name"] as const
    : code === "EACCES" || code === "EPERM" || code === "EROFS"
    ? ["forbidden", "The folder of backups does not allow this"] as const
    : ["storage", "The folder of backups failed"] as const;
  return new HiqliteError(kind, `${message}: ${error.message}`, {
    cause: error,
  });
}

/** Where something else has the name nobody stored anything: that is no conflict. */
async function isTaken(error: unknown, path: string): Promise<boolean> {
  if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
  return (await fs.stat(path)).isFile();
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}

function present(name: string): HiqliteError {
  return new HiqliteError(
    "conflict",
    `There is a backup named ${name} already`,
  );
}

function changedMeanwhile(name: string): HiqliteError {
  return new HiqliteError(
    "conflict",
    `${name} is not what was to be replaced: it changed, or is gone`,
  );
}
