import { crc32 } from "node:zlib";
import { assert } from "../util/assert.ts";

/** Bytes before a frame's body. */
export const LOG_FRAME_HEADER_BYTES = 64;
/** Bytes before each entry inside a frame: kind (2 bits) and payload length (30 bits). */
export const ENTRY_HEADER_BYTES = 4;
/** Payload bytes of one entry. */
export const ENTRY_BYTES_MAX = 64 * 1024 * 1024;

const MAGIC = 0x464c_5148;
const CHECKSUM_AT = 60;
const TWO_32 = 2 ** 32;

/** What a frame records. */
export const LogFrameKind = {
  /** Entries of one term, from `index` on. */
  entries: 1,
  /** Term in `term`, vote in the body. */
  hardState: 2,
  /** Everything above `index` is gone; `term` is the term at `index`. */
  truncate: 3,
  /** Everything up to (`term`, `index`) is gone. */
  purge: 4,
  /** Everything is gone; the log goes on after (`term`, `index`). */
  reset: 5,
} as const;

/** One of {@linkcode LogFrameKind}. */
export type LogFrameKind = typeof LogFrameKind[keyof typeof LogFrameKind];

/** The fields of a frame header that its writer chooses. */
export interface FrameFields {
  readonly kind: LogFrameKind;
  /** Entries in the body. */
  readonly count: number;
  /** Position in the log, in bytes since its creation; never used twice for different durable bytes. */
  readonly lsn: number;
  /** Everything below this position was durable when the frame was written. */
  readonly durable: number;
  readonly term: number;
  readonly index: number;
  readonly bodyBytes: number;
  /** Checksum of the frame before this one: the chain. */
  readonly previous: number;
}

/** A frame header that was read and verified. */
export interface LogFrame extends FrameFields {
  readonly bodyChecksum: number;
  /** The header's own checksum, which covers the body's and the chain's. */
  readonly checksum: number;
}

/** Bytes a frame with this body takes, padded so that frames start at multiples of eight. */
export function frameBytes(bodyBytes: number): number {
  return LOG_FRAME_HEADER_BYTES + Math.ceil(bodyBytes / 8) * 8;
}

/** Writes the header of the frame whose body already stands behind it, and returns the header's checksum. */
export function sealFrame(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
  fields: FrameFields,
): number {
  const body = at + LOG_FRAME_HEADER_BYTES;
  view.setUint32(at, MAGIC, true);
  view.setUint32(
    at + 4,
    crc32(bytes.subarray(body, body + fields.bodyBytes)),
    true,
  );
  view.setUint32(at + 8, fields.bodyBytes, true);
  view.setUint32(at + 12, fields.previous, true);
  view.setUint32(at + 16, fields.kind, true);
  view.setUint32(at + 20, fields.count, true);
  setU53(view, at + 24, fields.lsn);
  setU53(view, at + 32, fields.durable);
  setU53(view, at + 40, fields.term);
  setU53(view, at + 48, fields.index);
  view.setUint32(at + 56, 0, true);
  const checksum = crc32(bytes.subarray(at, at + CHECKSUM_AT), salt);
  view.setUint32(at + CHECKSUM_AT, checksum, true);
  return checksum;
}

/** The frame header at `at`, or null if there is no intact one of this log. */
export function readFrame(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  salt: number,
): LogFrame | null {
  if (at + LOG_FRAME_HEADER_BYTES > bytes.length) return null;
  if (view.getUint32(at, true) !== MAGIC) return null;
  const checksum = view.getUint32(at + CHECKSUM_AT, true);
  if (crc32(bytes.subarray(at, at + CHECKSUM_AT), salt) !== checksum) {
    return null;
  }
  return {
    bodyChecksum: view.getUint32(at + 4, true),
    bodyBytes: view.getUint32(at + 8, true),
    previous: view.getUint32(at + 12, true),
    kind: view.getUint32(at + 16, true) as LogFrameKind,
    count: view.getUint32(at + 20, true),
    lsn: getU53(view, at + 24),
    durable: getU53(view, at + 32),
    term: getU53(view, at + 40),
    index: getU53(view, at + 48),
    checksum,
  };
}

/** The body of a frame whose header stands at `at`, or null if it is cut short or damaged. */
export function readBody(
  bytes: Uint8Array,
  at: number,
  frame: LogFrame,
): Uint8Array | null {
  const start = at + LOG_FRAME_HEADER_BYTES;
  const end = start + frame.bodyBytes;
  if (end > bytes.length) return null;
  const body = bytes.subarray(start, end);
  return crc32(body) === frame.bodyChecksum ? body : null;
}

/** A view of the same bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function setU53(view: DataView, at: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, `not a u53: ${value}`);
  view.setUint32(at, value >>> 0, true);
  view.setUint32(at + 4, Math.floor(value / TWO_32), true);
}

function getU53(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * TWO_32;
}
