import type { DiskError } from "./disk.ts";
import {
  frameBytes,
  LOG_FRAME_HEADER_BYTES,
  readBody,
  readFrame,
  viewOf,
} from "./frame.ts";
import type { LogWriter } from "./log_writer.ts";
import { LogError } from "./port.ts";
import {
  decodeSegmentHeader,
  type Segment,
  SEGMENT_HEADER_BYTES,
} from "./segment.ts";

/** `finished` is true when the slice reached the end of what is durable; the next one starts over. */
export type ScrubDone = (error: LogError | null, finished: boolean) => void;

/** Reads the stored log again, slice by slice, and verifies every checksum and the chain. */
export class Scrubber {
  readonly #log: LogWriter;
  readonly #fail: (error: DiskError | LogError) => LogError;
  /** Where the next slice starts; null for the beginning. */
  #cursor: { lsn: number; chain: number } | null = null;

  /** `fail` makes the log unusable. */
  constructor(
    log: LogWriter,
    fail: (error: DiskError | LogError) => LogError,
  ) {
    this.#log = log;
    this.#fail = fail;
  }

  /** Verifies about `budgetBytes` more: at least one frame, at most the rest of a segment. */
  scrub(budgetBytes: number, done: ScrubDone): void {
    const { segments } = this.#log;
    const first = segments[0]!;
    let cursor = this.#cursor;
    if (cursor === null || cursor.lsn < first.header.start) {
      cursor = { lsn: first.header.start, chain: first.header.chain };
    }
    this.#cursor = cursor;
    const { lsn } = cursor;
    const segment = segments.findLast(({ header }) => header.start <= lsn)!;
    this.#read(segment, Math.max(budgetBytes, LOG_FRAME_HEADER_BYTES), done);
  }

  #read(segment: Segment, budgetBytes: number, done: ScrubDone): void {
    const { lsn } = this.#cursor!;
    const until = Math.min(segment.end, this.#log.durable);
    const atStart = lsn === segment.header.start;
    const from = atStart ? 0 : segment.offsetOf(lsn);
    const frames = Math.min(budgetBytes, until - lsn);
    const bytes = new Uint8Array(
      frames + (atStart ? SEGMENT_HEADER_BYTES : 0),
    );
    segment.file.read(bytes, from, (error, count) => {
      if (!this.#log.segments.includes(segment)) {
        this.#cursor = null;
        return done(null, false);
      }
      if (error !== null) return done(this.#fail(error), false);
      if (count < bytes.length) {
        return this.#damaged(segment, from + count, done);
      }
      if (atStart && decodeSegmentHeader(bytes).kind !== "intact") {
        return this.#damaged(segment, 0, done);
      }
      const rest = bytes.subarray(bytes.length - frames);
      this.#verify(segment, rest, until, done);
    });
  }

  #verify(
    segment: Segment,
    bytes: Uint8Array,
    until: number,
    done: ScrubDone,
  ): void {
    const view = viewOf(bytes);
    const start = this.#cursor!.lsn;
    let { lsn, chain } = this.#cursor!;
    while (lsn < until) {
      const at = lsn - start;
      if (at + LOG_FRAME_HEADER_BYTES > bytes.length) break;
      const frame = readFrame(bytes, view, at, this.#log.salt);
      if (frame === null || frame.lsn !== lsn || frame.previous !== chain) {
        return this.#damaged(segment, segment.offsetOf(lsn), done);
      }
      const size = frameBytes(frame.bodyBytes);
      if (lsn + size > until) {
        return this.#damaged(segment, segment.offsetOf(lsn), done);
      }
      if (at + size > bytes.length) {
        if (at === 0) return this.#read(segment, size, done);
        break;
      }
      if (readBody(bytes, at, frame) === null) {
        return this.#damaged(segment, segment.offsetOf(lsn), done);
      }
      chain = frame.checksum;
      lsn += size;
    }
    const finished = lsn >= this.#log.durable;
    this.#cursor = finished ? null : { lsn, chain };
    done(null, finished);
  }

  #damaged(segment: Segment, offset: number, done: ScrubDone): void {
    const error = new LogError(
      "corrupt",
      `${segment.file.name} is damaged at byte ${offset}`,
    );
    done(this.#fail(error), false);
  }
}
