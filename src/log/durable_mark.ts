import { assert } from "../util/assert.ts";
import { type Block, BLOCK_BYTES, decodeBlock, encodeBlock } from "./block.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";

/** The file's name in the log's folder. */
export const MARK_NAME = "durable-mark";

const MAGIC = "HQL_MARK";
const VERSION = 1;

/** What a mark file says. */
export interface Mark {
  /** Tells files of different logs apart. */
  readonly salt: number;
  /** Everything below this position of the log was durable; 0 while the log is being created. */
  readonly durable: number;
}

/** What was found of a mark file. */
export type FoundMark =
  | { readonly kind: "none" | "blank" | "damaged" }
  | { readonly kind: "foreign"; readonly version: number }
  | { readonly kind: "intact"; readonly mark: Mark; readonly file: MarkFile };

/**
 * Remembers how far the log is durable, beside it, so that losing the log's end
 * is noticed. It is written after a sync and not synced itself in the write path:
 * it may lag behind after a power cut, never run ahead.
 *
 * Two slots. The one synced last is left alone until the other one is synced, so
 * one of them is always intact.
 */
export class MarkFile {
  readonly #file: DiskFile;
  readonly #salt: number;
  #sequence: number;
  #safeSlot: number;
  #written: number;
  #durable: number;
  #syncing = false;

  private constructor(
    file: DiskFile,
    { salt, sequence, slot, durable }: {
      salt: number;
      sequence: number;
      slot: number;
      durable: number;
    },
  ) {
    this.#file = file;
    this.#salt = salt;
    this.#sequence = sequence;
    this.#safeSlot = slot;
    this.#written = durable;
    this.#durable = -1;
  }

  /**
   * Creates the file of a new log, durably.
   * @throws {DiskError}
   */
  static create(disk: Disk, salt: number): MarkFile {
    const file = disk.create(MARK_NAME);
    file.write(new Uint8Array(2 * BLOCK_BYTES), 0);
    const mark = new MarkFile(file, { salt, sequence: 0, slot: 1, durable: 0 });
    mark.writeNow(0);
    disk.syncDirectoryNow();
    return mark;
  }

  /**
   * Reads the file.
   * @throws {DiskError}
   */
  static find(disk: Disk): FoundMark {
    let file: DiskFile;
    try {
      file = disk.open(MARK_NAME);
    } catch (error) {
      if (error instanceof DiskError && error.failure === "missing") {
        return { kind: "none" };
      }
      throw error;
    }
    const blocks = [0, 1].map((slot) => readSlot(file, slot));
    let best: { mark: Mark; sequence: number; slot: number } | null = null;
    for (const [slot, block] of blocks.entries()) {
      if (block.kind !== "intact") continue;
      const { content } = block;
      const sequence = content.u53();
      const mark = { salt: content.u32(), durable: content.u53() };
      if (best === null || sequence > best.sequence) {
        best = { mark, sequence, slot };
      }
    }
    if (best !== null) {
      const { mark, sequence, slot } = best;
      // It may come from the cache of a process that died; before the other slot is overwritten it must be safe.
      file.syncNow();
      const found = new MarkFile(file, { ...mark, sequence, slot });
      return { kind: "intact", mark, file: found };
    }
    file.close();
    return blocks.find(({ kind }) => kind === "foreign") as
      | { kind: "foreign"; version: number }
      | undefined ??
      {
        kind: blocks.every(({ kind }) => kind === "blank")
          ? "blank"
          : "damaged",
      };
  }

  /** Whether the newest mark is known to be durable. */
  get durable(): boolean {
    return this.#durable === this.#written;
  }

  /** Whether a sync of it is under way. */
  get syncing(): boolean {
    return this.#syncing;
  }

  /**
   * Notes that everything below `durable` is; put off while the file is being synced.
   * @throws {DiskError}
   */
  write(durable: number): void {
    if (this.#syncing || durable <= this.#written) return;
    this.#put(durable);
  }

  /**
   * The same, and waits until the mark is durable itself. Only while a log is opened or closed.
   * @throws {DiskError}
   */
  writeNow(durable: number): void {
    this.#put(durable);
    this.#file.syncNow();
    this.#synced(durable);
  }

  /** Makes the newest mark durable. */
  sync(done: (error: DiskError | null) => void): void {
    assert(!this.durable && !this.#syncing, "nothing to sync");
    this.#syncing = true;
    const written = this.#written;
    this.#file.sync((error) => {
      this.#syncing = false;
      if (error === null) this.#synced(written);
      done(error);
    });
  }

  /** Closes the file. */
  close(): void {
    this.#file.close();
  }

  #put(durable: number): void {
    this.#sequence++;
    const bytes = encodeBlock(MAGIC, VERSION, (writer) => {
      writer.u53(this.#sequence).u32(this.#salt).u53(durable);
    });
    this.#file.write(bytes, (1 - this.#safeSlot) * BLOCK_BYTES);
    this.#written = durable;
  }

  #synced(written: number): void {
    this.#durable = written;
    this.#safeSlot = 1 - this.#safeSlot;
  }
}

function readSlot(file: DiskFile, slot: number): Block {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const count = file.readNow(bytes, slot * BLOCK_BYTES);
  return decodeBlock(bytes.subarray(0, count), MAGIC, VERSION);
}
