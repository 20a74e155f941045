import * as fs from "node:fs";
import { join } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import { foundNoRoom } from "../../../util/no_room.ts";
import type { SnapshotBytes, SnapshotSpace } from "./bytes.ts";

const SNAPSHOT_FILE = /^snapshot-\d+$/;
const NO_CHUNK = new Uint8Array(0);

/** Snapshots in files of a folder, until they are released. None outlives the process: whoever needs one builds it again. */
export class FileSpace implements SnapshotSpace {
  readonly #dir: string;
  #opened = 0;

  /**
   * Uses a folder, which is made if it is missing; what an earlier process left there is removed.
   * @throws {Error} if it cannot be used.
   */
  constructor(dir: string) {
    this.#dir = dir;
    fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
    for (const name of fs.readdirSync(dir)) {
      if (SNAPSHOT_FILE.test(name)) fs.unlinkSync(join(dir, name));
    }
  }

  /**
   * See {@linkcode SnapshotSpace.open}.
   * @throws {HiqliteError} `disk_full` if there is no room.
   */
  open(): SnapshotBytes {
    return new FileBytes(join(this.#dir, `snapshot-${++this.#opened}`));
  }
}

/** The bytes of a snapshot in a file. */
class FileBytes implements SnapshotBytes {
  readonly #path: string;
  readonly #file: number;
  #size = 0;
  /** Reads under way: the file is closed after them. */
  #reading = 0;
  #released = false;

  constructor(path: string) {
    this.#path = path;
    this.#file = attempt(path, () => fs.openSync(path, "wx+", 0o600));
  }

  get size(): number {
    return this.#size;
  }

  /** Writes into the page cache: nothing waits for the disk. */
  append(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const left = chunk.length - at;
      const written = attempt(
        this.#path,
        () => fs.writeSync(this.#file, chunk, at, left, this.#size),
      );
      at += written;
      this.#size += written;
    }
  }

  read(
    offset: number,
    length: number,
    done: (error: Error | null, chunk: Uint8Array) => void,
  ): void {
    const wanted = Math.max(0, Math.min(length, this.#size - offset));
    if (this.#released || wanted === 0) {
      return queueMicrotask(() => done(null, NO_CHUNK));
    }
    const chunk = new Uint8Array(wanted);
    this.#reading++;
    fs.read(this.#file, chunk, 0, wanted, offset, (error, count) => {
      this.#reading--;
      this.#closeIfUnused();
      if (error !== null) return done(error, NO_CHUNK);
      if (count === wanted) return done(null, chunk);
      const cut = `The snapshot ${this.#path} was cut off at ${offset + count}`;
      done(new HiqliteError("storage", cut), NO_CHUNK);
    });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#size = 0;
    fs.rmSync(this.#path, { force: true });
    this.#closeIfUnused();
  }

  #closeIfUnused(): void {
    if (this.#released && this.#reading === 0) fs.closeSync(this.#file);
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!foundNoRoom(error)) throw error;
    throw new HiqliteError(
      "disk_full",
      `The snapshot ${path} has no room: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
