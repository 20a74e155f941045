import { assert } from "../util/assert.ts";
import { type Block, BLOCK_BYTES, decodeBlock, encodeBlock } from "./block.ts";
import { type Disk, DiskError, type DiskFile } from "./disk.ts";

/** The file's name in the log's folder. */
export const MARK_NAME = "durable-mark";

const MAGIC = "HQL_MARK";
const VERSION = 1;
const SLOTS = 3;

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
 * There are three slots. The slot synced last is not overwritten until another one
 * is synced, so one is always intact. A mark written during a sync goes into the third.
 */
export class MarkFile {
  readonly #file: DiskFile;
  readonly #salt: number;
  #sequence: number;
  #safeSlot: number;
  #openSlot: number;
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
    this.#openSlot = (slot + 1) % SLOTS;
    this.#written = durable;
    this.#durable = -1;
  }

  /**
   * Creates the file of a new log, durably.
   * @throws {DiskError}
   */
  static create(disk: Disk, salt: number): MarkFile {
    const file = disk.create(MARK_NAME);
    file.write(new Uint8Array(SLOTS * BLOCK_BYTES), 0);
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
    const blocks = Array.from(
      { length: SLOTS },
      (_, slot) => readSlot(file, slot),
    );
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
      // The mark may stand only in the cache, written by a process that died. It must be durable before another slot is overwritten.
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
   * Notes that everything below the position `durable` is durable.
   * @throws {DiskError}
   */
  write(durable: number): void {
    if (durable > this.#written) this.#put(durable);
  }

  /**
   * The same, and waits until the mark is durable itself. Only while a log is opened or closed.
   * @throws {DiskError}
   */
  writeNow(durable: number): void {
    this.#put(durable);
    this.#file.syncNow();
    this.#synced(this.#openSlot, durable);
    this.#openSlot = (this.#openSlot + 1) % SLOTS;
  }

  /** Makes the newest mark durable. */
  sync(done: (error: DiskError | null) => void): void {
    assert(!this.durable && !this.#syncing, "nothing to sync");
    this.#syncing = true;
    const written = this.#written;
    const slot = this.#openSlot;
    this.#openSlot = 3 - slot - this.#safeSlot; // The third of 0, 1 and 2.
    this.#file.sync((error) => {
      this.#syncing = false;
      if (error === null) this.#synced(slot, written);
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
    this.#file.write(bytes, this.#openSlot * BLOCK_BYTES);
    this.#written = durable;
  }

  #synced(slot: number, written: number): void {
    this.#durable = written;
    this.#safeSlot = slot;
  }
}

function readSlot(file: DiskFile, slot: number): Block {
  const bytes = new Uint8Array(BLOCK_BYTES);
  const count = file.readNow(bytes, slot * BLOCK_BYTES);
  return decodeBlock(bytes.subarray(0, count), MAGIC, VERSION);
}
