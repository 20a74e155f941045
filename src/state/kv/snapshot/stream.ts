import { createHash } from "node:crypto";
import { ByteWriter } from "../../../util/bytes.ts";
import type { SnapshotBytes } from "./bytes.ts";
import { type SnapshotRecord, writeRecord } from "./records.ts";

/** The first byte of a snapshot. */
export const SNAPSHOT_FORMAT = 1;
/** Bytes before a block: its length. */
export const BLOCK_HEAD_BYTES = 4;
/** A block ends with the record that reaches this; so it is read and applied within one turn. */
const BLOCK_BYTES = 48 * 1024;

/** Writes records as blocks, with the checksum of them all: so nothing has to be read twice. */
export class SnapshotStream {
  readonly #bytes: SnapshotBytes;
  readonly #hash = createHash("sha256");
  readonly #block = new ByteWriter(64 * 1024);

  /** Begins a snapshot. */
  constructor(bytes: SnapshotBytes) {
    this.#bytes = bytes;
    this.#block.u32(0);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#bytes.size + this.#block.length;
  }

  /** Adds a record. */
  write(record: SnapshotRecord): void {
    writeRecord(this.#block, record);
    if (this.#block.length >= BLOCK_BYTES) this.#flush();
  }

  /** Adds records that were written by {@linkcode writeRecord}. */
  raw(records: Uint8Array): void {
    this.#block.raw(records);
    if (this.#block.length >= BLOCK_BYTES) this.#flush();
  }

  /** Ends it; the SHA-256 of its bytes, hex. */
  finish(): string {
    this.#flush();
    return this.#hash.digest("hex");
  }

  #flush(): void {
    const length = this.#block.length - BLOCK_HEAD_BYTES;
    if (length === 0) return;
    if (this.#bytes.size === 0) this.#append(Uint8Array.of(SNAPSHOT_FORMAT));
    this.#block.patchU32(0, length);
    this.#append(this.#block.view());
    this.#block.reset().u32(0);
  }

  #append(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#bytes.append(bytes);
  }
}
