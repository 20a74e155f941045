import { assert } from "../util/assert.ts";
import type { ByteReader } from "../util/bytes.ts";
import { type Block, BLOCK_BYTES, decodeBlock, encodeBlock } from "./block.ts";
import type { DiskFile } from "./disk.ts";
import type { LogSummary } from "./log_state.ts";

/** Frames start behind the header, at a multiple of eight. */
export const SEGMENT_HEADER_BYTES = BLOCK_BYTES;
/** Bytes of UTF-8 of the longest member id that a vote may name. */
export const VOTE_BYTES_MAX = 512;

const MAGIC = "HQL_SEGM";
const VERSION = 1;
const NAME = /^segment-([0-9]{6,15})$/;

/** A segment's header. It sums up all that came before, so that older segments can be removed. */
export interface SegmentHeader {
  /** Tells files of different logs apart. */
  readonly salt: number;
  /** Bytes of the file. */
  readonly capacity: number;
  /** Position of its first frame. */
  readonly start: number;
  /** `start` of the segment before it; 0 if it was the first. */
  readonly previousStart: number;
  /** Checksum of the last frame before it: the chain. */
  readonly chain: number;
  /** Everything below this position was durable when the header was written. */
  readonly durable: number;
  /** What the frames before it add up to. */
  readonly summary: LogSummary;
}

/** The name of the file with this number; numbers only tell files apart. */
export function segmentName(number: number): string {
  return `segment-${String(number).padStart(6, "0")}`;
}

/** The number in a segment's name, or null if it is another file's. */
export function segmentNumber(name: string): number | null {
  const match = NAME.exec(name);
  return match ? Number(match[1]) : null;
}

/** What stands at the beginning of a segment file. */
export function decodeSegmentHeader(bytes: Uint8Array): Block {
  return decodeBlock(bytes.subarray(0, BLOCK_BYTES), MAGIC, VERSION);
}

/** The fields of an intact header. */
export function readSegmentHeader(content: ByteReader): SegmentHeader {
  const salt = content.u32();
  const chain = content.u32();
  const capacity = content.u53();
  const start = content.u53();
  const previousStart = content.u53();
  const durable = content.u53();
  const term = content.u53();
  const vote = content.u8() === 1 ? content.text() : null;
  const base = { term: content.u53(), index: content.u53() };
  const last = { term: content.u53(), index: content.u53() };
  content.end();
  const summary = { hardState: { term, vote }, base, last };
  return { salt, capacity, start, previousStart, chain, durable, summary };
}

function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const { hardState, base, last } = header.summary;
  return encodeBlock(MAGIC, VERSION, (writer) => {
    writer.u32(header.salt).u32(header.chain).u53(header.capacity);
    writer.u53(header.start).u53(header.previousStart).u53(header.durable);
    writer.u53(hardState.term).u8(hardState.vote === null ? 0 : 1);
    if (hardState.vote !== null) writer.text(hardState.vote);
    writer.u53(base.term).u53(base.index).u53(last.term).u53(last.index);
  });
}

const ZEROES = new Uint8Array(256 * 1024);

/**
 * Overwrites `from … to - 1` of a file with zeroes, which also gives new bytes their room.
 * @throws {DiskError}
 */
export function writeZeroes(file: DiskFile, from: number, to: number): void {
  for (let at = from; at < to; at += ZEROES.length) {
    file.write(ZEROES.subarray(0, Math.min(ZEROES.length, to - at)), at);
  }
}

/** A preallocated file with a part of the log in it. */
export class Segment {
  /** Where it is stored. */
  readonly file: DiskFile;
  readonly header: SegmentHeader;
  /** Position behind its last frame. */
  end: number;
  /** Something was written since the last sync started. */
  dirty = true;

  /** A segment whose header is on the disk and whose frames reach to `end`. */
  constructor(file: DiskFile, header: SegmentHeader, end: number) {
    this.file = file;
    this.header = header;
    this.end = end;
  }

  /**
   * Turns a blank file into a segment without frames.
   * @throws {DiskError}
   */
  static begin(file: DiskFile, header: SegmentHeader): Segment {
    const bytes = encodeSegmentHeader(header);
    assert(bytes.length <= SEGMENT_HEADER_BYTES, "segment header too long");
    file.write(bytes, 0);
    return new Segment(file, header, header.start);
  }

  /** Bytes behind its last frame. */
  get room(): number {
    const { capacity, start } = this.header;
    return capacity - SEGMENT_HEADER_BYTES - (this.end - start);
  }

  /** Where in the file a position of the log is. */
  offsetOf(lsn: number): number {
    return SEGMENT_HEADER_BYTES + lsn - this.header.start;
  }

  /**
   * Adds frames behind the last one.
   * @throws {DiskError}
   */
  append(frames: Uint8Array): void {
    assert(frames.length <= this.room, `segment ${this.file.name} is full`);
    this.file.write(frames, this.offsetOf(this.end));
    this.end += frames.length;
    this.dirty = true;
  }
}
