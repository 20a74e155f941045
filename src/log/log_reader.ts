import type { Entry, LogIndex } from "../raft/types.ts";
import type { DiskError } from "./disk.ts";
import { decodeEntries } from "./entries_body.ts";
import { LogFrameKind, readBody, readFrame, viewOf } from "./frame.ts";
import type { LogWriter } from "./log_writer.ts";
import { LogError } from "./port.ts";
import type { Segment } from "./segment.ts";

/** Receives entries, or why there are none. */
export type EntriesDone = (error: LogError | null, entries: Entry[]) => void;

interface ReadProgress {
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly maxBytes: number;
  readonly done: EntriesDone;
  readonly entries: Entry[];
  payloadBytes: number;
}

/** Frames of one segment, read with one call. */
interface Chunk {
  readonly segment: Segment;
  readonly lsns: readonly number[];
  readonly bytes: number;
}

/** Reads entries back from disk and verifies them. */
export class LogReader {
  readonly #log: LogWriter;
  readonly #fail: (error: DiskError | LogError) => LogError;

  /** `fail` makes the log unusable. */
  constructor(
    log: LogWriter,
    fail: (error: DiskError | LogError) => LogError,
  ) {
    this.#log = log;
    this.#fail = fail;
  }

  /** See {@linkcode LogStore.read}. */
  read(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
    done: EntriesDone,
  ): void {
    const entries: Entry[] = [];
    this.#step({ from, to, maxBytes, done, entries, payloadBytes: 0 });
  }

  #step(progress: ReadProgress): void {
    const next = progress.from + progress.entries.length;
    const chunk = this.#plan(next, progress);
    if (chunk === null) return progress.done(null, progress.entries);
    const { segment, lsns } = chunk;
    const bytes = new Uint8Array(chunk.bytes);
    segment.file.read(bytes, segment.offsetOf(lsns[0]!), (error, count) => {
      // Bytes that were purged or replaced meanwhile may hold anything.
      if (this.#log.state.base.index >= progress.from) {
        return progress.done(null, []);
      }
      if (error !== null) return progress.done(this.#fail(error), []);
      this.#take(chunk, bytes.subarray(0, count), progress);
    });
  }

  /** The frames to read next, or null if there are no more entries to give. */
  #plan(next: LogIndex, { from, to, maxBytes, payloadBytes }: ReadProgress):
    | Chunk
    | null {
    const { state, segments } = this.#log;
    if (next > Math.min(to, state.last.index)) return null;
    if (from <= state.base.index) return null;
    const budget = maxBytes - payloadBytes;
    if (budget <= 0 && next > from) return null;
    const { frames } = state;
    let slot = frames.find(next);
    const start = frames.lsn(slot);
    const segment = segments.findLast(({ header }) => header.start <= start)!;
    const lsns: number[] = [];
    let end = start;
    for (; slot < frames.end && frames.first(slot) <= to; slot++) {
      const lsn = frames.lsn(slot);
      const frameEnd = lsn + frames.bytes(slot);
      if (lsn >= segment.end) break;
      if (lsns.length > 0 && frameEnd - start > budget) break;
      lsns.push(lsn);
      end = frameEnd;
    }
    return { segment, lsns, bytes: end - start };
  }

  #take(chunk: Chunk, bytes: Uint8Array, progress: ReadProgress): void {
    const { lsns, segment } = chunk;
    const { state, salt } = this.#log;
    const view = viewOf(bytes);
    for (const lsn of lsns) {
      const next = progress.from + progress.entries.length;
      if (next > state.last.index) return progress.done(null, progress.entries);
      const slot = state.frames.find(next);
      if (state.frames.lsn(slot) !== lsn) break;
      const at = lsn - lsns[0]!;
      const frame = readFrame(bytes, view, at, salt);
      const intact = frame !== null && frame.lsn === lsn &&
        frame.kind === LogFrameKind.entries;
      const body = intact ? readBody(bytes, at, frame) : null;
      const entries = body && decodeEntries(body, {
        first: frame!.index,
        count: frame!.count,
        term: frame!.term,
      });
      if (!entries) return this.#damaged(segment, lsn, progress);
      const until = slot + 1 < state.frames.end
        ? state.frames.first(slot + 1) - 1
        : state.last.index;
      if (!this.#give(entries, Math.min(until, progress.to), progress)) {
        return progress.done(null, progress.entries);
      }
    }
    this.#step(progress);
  }

  /** Hands over entries up to `until`; false once the limit is reached. */
  #give(entries: readonly Entry[], until: LogIndex, progress: ReadProgress) {
    for (const entry of entries) {
      const next = progress.from + progress.entries.length;
      if (entry.index < next) continue;
      if (entry.index > until) break;
      const bytes = progress.payloadBytes + entry.payload.length;
      if (bytes > progress.maxBytes && progress.entries.length > 0) {
        return false;
      }
      progress.entries.push(entry);
      progress.payloadBytes = bytes;
    }
    return true;
  }

  #damaged(segment: Segment, lsn: number, progress: ReadProgress): void {
    const error = new LogError(
      "corrupt",
      `${segment.file.name}: the frame at byte ${
        segment.offsetOf(lsn)
      } is damaged`,
    );
    progress.done(this.#fail(error), []);
  }
}
