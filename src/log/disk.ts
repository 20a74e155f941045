/** Why a {@linkcode Disk} refused or failed. */
export type DiskFailure =
  /** No room, no quota or no inodes left (ENOSPC, EDQUOT, EFBIG). */
  | "full"
  /** The file or folder does not exist (ENOENT). */
  | "missing"
  /** Not allowed (EACCES, EPERM, EROFS). */
  | "denied"
  /** Anything else, EIO first of all: what the file now holds is unknown. */
  | "io";

/** Thrown by, or passed to callbacks of, a {@linkcode Disk}. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  /** Why it failed. */
  readonly failure: DiskFailure;
  /** `message` names the operation, the file and the system's error code. */
  constructor(failure: DiskFailure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** Receives the outcome of a disk operation; `null` is success. Never called before the operation returned. */
export type DiskDone = (error: DiskError | null) => void;

/**
 * One flat folder that belongs to one log; the only way {@linkcode SegmentLog}
 * touches the world. Everything it needs and nothing more, so that a simulator
 * can put faults behind it.
 *
 * What a crash (of the process: nothing; of the machine: everything here) may do
 * to operations that were not made durable:
 * - of unsynced writes to one file, any subset survives, each of them wholly, in
 *   part (sectors of 512 bytes) or not at all, in any order;
 * - a created or removed name survives or not, until {@linkcode syncDirectory};
 * - bytes past the durable size of a file may read as zeroes, or the file may be
 *   shorter.
 *
 * What was made durable survives unless the medium damages it.
 */
export interface Disk {
  /** For messages: where this is. */
  readonly path: string;
  /**
   * The names of the files in the folder, in any order; folders are left out.
   * @throws {DiskError}
   */
  list(): string[];
  /**
   * Opens an existing file for reading and writing.
   * @throws {DiskError} `missing` if there is none.
   */
  open(name: string): DiskFile;
  /**
   * Creates an empty file, opened for reading and writing, replacing one of that name.
   * @throws {DiskError}
   */
  create(name: string): DiskFile;
  /**
   * Removes a file, which may be open still: its handle stays usable until it is closed.
   * @throws {DiskError}
   */
  remove(name: string): void;
  /** Makes created and removed names durable. */
  syncDirectory(done: DiskDone): void;
  /**
   * The same, and waits. Only while a log is opened, never in the write path.
   * @throws {DiskError}
   */
  syncDirectoryNow(): void;
}

/** An open file of a {@linkcode Disk}. Positions and counts are in bytes. */
export interface DiskFile {
  /** Its name in the folder. */
  readonly name: string;
  /**
   * Its present size.
   * @throws {DiskError}
   */
  size(): number;
  /**
   * Writes all of `bytes` at `position`, growing the file if needed. Takes effect
   * for reads at once, is durable after the next sync that starts later. `bytes`
   * may be reused when it returns.
   * @throws {DiskError} `full`: any part of `bytes` may have been written; `io`: unknown.
   */
  write(bytes: Uint8Array, position: number): void;
  /**
   * Reads into `target` from `position` and returns how many bytes there were:
   * fewer than asked for only at the end of the file. Blocks: only while a log is opened.
   * @throws {DiskError}
   */
  readNow(target: Uint8Array, position: number): number;
  /** The same without blocking. `target` must not be touched until `done` is called. */
  read(
    target: Uint8Array,
    position: number,
    done: (error: DiskError | null, count: number) => void,
  ): void;
  /**
   * Makes the file `size` bytes long with every block in place, durably: bytes it
   * did not have are zeroes. Later writes and syncs inside that size need no room
   * and no metadata. After a failure the file's size is unknown.
   */
  allocate(size: number, done: DiskDone): void;
  /** fdatasync: makes every write that returned before this call durable, also the size needed to read it. */
  sync(done: DiskDone): void;
  /**
   * The same, and waits. Only while a log is opened or closed.
   * @throws {DiskError}
   */
  syncNow(): void;
  /** Closes the file once operations under way have ended; their callbacks are still called. Idempotent. */
  close(): void;
}
