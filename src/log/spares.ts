import { type Disk, DiskError, type DiskFile } from "./disk.ts";
import { SEGMENT_HEADER_BYTES, segmentName, writeZeroes } from "./segment.ts";

/** Files kept for later use; further ones that purging frees are removed. */
const SPARES_MAX = 2;
/** A segment made in haste is small: zeroing blocks the thread for about 2 ms per MiB. */
const SMALL_BYTES = 1024 * 1024;

/**
 * Preallocated files with a blank header, made ahead of need and without blocking,
 * so that starting a segment is one write.
 */
export class Spares {
  /** Bytes of an ordinary segment. */
  readonly segmentBytes: number;
  readonly #disk: Disk;
  readonly #onFailure: (error: DiskError) => void;
  readonly #ready: DiskFile[] = [];
  #underWay: DiskFile | null = null;
  #nextNumber = 1;
  #directoryDirty = false;
  #closed = false;
  #bytes = 0;

  /** `onFailure` gets every failure but a full disk. */
  constructor(
    disk: Disk,
    segmentBytes: number,
    onFailure: (error: DiskError) => void,
  ) {
    this.#disk = disk;
    this.segmentBytes = segmentBytes;
    this.#onFailure = onFailure;
  }

  /** Bytes of a segment made in haste, if that is enough. */
  get smallBytes(): number {
    return Math.min(this.segmentBytes, SMALL_BYTES);
  }

  /** Bytes of disk in use. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A file was created and the folder not synced since; asking clears it. */
  takeDirectoryDirty(): boolean {
    const dirty = this.#directoryDirty;
    this.#directoryDirty = false;
    return dirty;
  }

  /**
   * Makes created names durable, and waits. Only while a log is opened.
   * @throws {DiskError}
   */
  syncDirectoryNow(): void {
    this.#directoryDirty = false;
    this.#disk.syncDirectoryNow();
  }

  /** A file with this number exists. */
  nameTaken(number: number): void {
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
  }

  /** A blank file of `segmentBytes`, or null. */
  take(): DiskFile | null {
    const file = this.#ready.pop() ?? null;
    if (file !== null) this.#bytes -= this.segmentBytes;
    return file;
  }

  /** Starts making a file unless there is one. */
  prepare(): void {
    if (this.#ready.length > 0 || this.#underWay || this.#closed) return;
    let file: DiskFile;
    try {
      file = this.#disk.create(this.#newName());
    } catch (error) {
      return this.#failed(error as DiskError);
    }
    this.#underWay = file;
    file.allocate(this.segmentBytes, (error) => {
      if (error !== null || this.#closed) return this.#end(file, error, false);
      this.#disk.syncDirectory((error) => {
        this.#end(file, error, error === null);
      });
    });
  }

  /**
   * A new blank file of `capacity` bytes whose name is not durable yet.
   * @throws {DiskError}
   */
  createNow(capacity: number): DiskFile {
    const file = this.#disk.create(this.#newName());
    this.#directoryDirty = true;
    try {
      writeZeroes(file, 0, capacity);
      return file;
    } catch (error) {
      this.discard(file);
      throw error;
    }
  }

  /** Keeps a file whose header is durably blank if it fits, else removes it. */
  adopt(file: DiskFile): void {
    if (
      this.#closed || this.#ready.length >= SPARES_MAX ||
      file.size() !== this.segmentBytes
    ) return this.discard(file);
    this.#ready.push(file);
    this.#bytes += this.segmentBytes;
  }

  /** Takes back the file of a segment that is no longer needed. */
  recycle(file: DiskFile, capacity: number): void {
    if (
      this.#closed || this.#ready.length >= SPARES_MAX ||
      capacity !== this.segmentBytes
    ) return this.discard(file);
    // Blank before it is used again: an old header above new frames would look like damage.
    file.write(new Uint8Array(SEGMENT_HEADER_BYTES), 0);
    file.sync((error) => {
      if (error !== null) this.#failed(error);
      else this.adopt(file);
    });
  }

  /**
   * The same, and waits. Only while a log is opened.
   * @throws {DiskError}
   */
  recycleNow(file: DiskFile): void {
    file.write(new Uint8Array(SEGMENT_HEADER_BYTES), 0);
    file.syncNow();
    this.adopt(file);
  }

  /** Removes a file. */
  discard(file: DiskFile): void {
    file.close();
    try {
      this.#disk.remove(file.name);
    } catch (error) {
      this.#failed(error as DiskError);
    }
  }

  /** Closes files. */
  close(): void {
    this.#closed = true;
    for (const file of this.#ready.splice(0)) file.close();
  }

  #end(file: DiskFile, error: DiskError | null, usable: boolean): void {
    this.#underWay = null;
    if (usable && !this.#closed) {
      this.adopt(file);
    } else if (this.#closed) {
      file.close();
    } else {
      this.discard(file);
    }
    if (error !== null) this.#failed(error);
  }

  #failed(error: DiskError): void {
    if (error.failure !== "full" && !this.#closed) this.#onFailure(error);
  }

  #newName(): string {
    return segmentName(this.#nextNumber++);
  }
}

/** Runs `create`, which may find no room: null then. */
export function unlessFull<T>(create: () => T): T | null {
  try {
    return create();
  } catch (error) {
    if (error instanceof DiskError && error.failure === "full") return null;
    throw error;
  }
}
