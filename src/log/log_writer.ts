import type { Entry, LogId } from "../raft/types.ts";
import type { DiskFile } from "./disk.ts";
import { entriesBytesMax, frameEnd, writeEntries } from "./entries_body.ts";
import {
  frameBytes,
  LOG_FRAME_HEADER_BYTES,
  LogFrameKind,
  sealFrame,
  viewOf,
} from "./frame.ts";
import { LogError } from "./port.ts";
import type { RecoveredLog } from "./recovery.ts";
import { writeVote } from "./replay.ts";
import { Segment, SEGMENT_HEADER_BYTES } from "./segment.ts";
import { type Spares, unlessFull } from "./spares.ts";
import type { LogState } from "./log_state.ts";

/** A buffer that a big batch grew beyond this many bytes is released. */
const BUFFER_KEPT_BYTES = 4 * 1024 * 1024;

/** Adds frames at the end of the log and starts new segments. Every call is one write. */
export class LogWriter {
  /** Oldest first; the last one is written to. */
  readonly segments: Segment[];
  readonly state: LogState;
  readonly salt: number;
  /** Everything below this position is durable. */
  durable: number;
  readonly #spares: Spares;
  /** Kept free for term, vote, truncation and purge when the disk is full. */
  readonly #emergencyBytes: number;
  #chain: number;
  #reserved = 0;
  #buffer = new Uint8Array(64 * 1024);
  #view = viewOf(this.#buffer);

  /** Goes on where recovery ended. */
  constructor(recovered: RecoveredLog, spares: Spares) {
    const { replay, segments, salt } = recovered;
    this.segments = segments;
    this.state = replay.state;
    this.salt = salt;
    this.durable = replay.end;
    this.#chain = replay.chain;
    this.#spares = spares;
    this.#emergencyBytes = Math.min(
      256 * 1024,
      Math.max(1024, Math.floor(spares.segmentBytes / 16)),
    );
  }

  /** Position behind the last frame. */
  get end(): number {
    return this.#active.end;
  }

  /** Below this position nothing is needed once everything so far is durable. */
  get needed(): number {
    const { frames } = this.state;
    return frames.begin < frames.end ? frames.lsn(frames.begin) : this.end;
  }

  /**
   * Makes room for entries beside those reserved before; false if the disk is
   * full. A reservation ends with {@linkcode append} or {@linkcode unreserve}.
   * @throws {DiskError} other than `full`.
   */
  reserve(count: number, payloadBytes: number): boolean {
    const bytes = this.#reserved + entriesBytesMax(count, payloadBytes);
    if (!this.#makeRoom(bytes + this.#emergencyBytes)) return false;
    this.#reserved = bytes;
    return true;
  }

  /** Gives up what was reserved and not appended. */
  unreserve(): void {
    this.#reserved = 0;
  }

  /**
   * Adds entries after the last one.
   * @throws {DiskError}
   * @throws {LogError} if there is no room, which a reservation prevents.
   */
  append(entries: readonly Entry[]): void {
    let payloadBytes = 0;
    for (const { payload } of entries) payloadBytes += payload.length;
    const most = entriesBytesMax(entries.length, payloadBytes);
    this.#demandRoom(most, this.#emergencyBytes / 2);
    this.#reserved = Math.max(0, this.#reserved - most);
    this.#grow(most);
    let at = 0;
    for (let from = 0; from < entries.length;) {
      const { end, bodyBytes } = frameEnd(entries, from);
      const { term, index: first } = entries[from]!;
      const body = at + LOG_FRAME_HEADER_BYTES;
      writeEntries(this.#buffer, this.#view, body, entries, from, end);
      const lsn = this.end + at;
      const count = end - from;
      at = this.#seal(at, LogFrameKind.entries, { term, index: first }, {
        count,
        bodyBytes,
      });
      const bytes = frameBytes(bodyBytes);
      this.state.addEntries({ first, count, term, lsn, bytes });
      from = end;
    }
    this.#flush(at);
  }

  /**
   * Adds a frame without entries.
   * @throws {DiskError}
   * @throws {LogError} if even the room kept for this is used up.
   */
  note(kind: LogFrameKind, id: LogId, body: Uint8Array): void {
    this.#demandRoom(frameBytes(body.length), 0);
    this.#put(kind, id, body);
  }

  #put(kind: LogFrameKind, id: LogId, body: Uint8Array): void {
    this.#buffer.set(body, LOG_FRAME_HEADER_BYTES);
    this.#flush(
      this.#seal(0, kind, id, { count: 0, bodyBytes: body.length }),
    );
  }

  get #active(): Segment {
    return this.segments.at(-1)!;
  }

  #seal(
    at: number,
    kind: LogFrameKind,
    { term, index }: LogId,
    { count, bodyBytes }: { count: number; bodyBytes: number },
  ): number {
    const next = at + frameBytes(bodyBytes);
    this.#buffer.fill(0, at + LOG_FRAME_HEADER_BYTES + bodyBytes, next);
    this.#chain = sealFrame(this.#buffer, this.#view, at, this.salt, {
      kind,
      count,
      lsn: this.end + at,
      durable: this.durable,
      term,
      index,
      bodyBytes,
      previous: this.#chain,
    });
    return next;
  }

  #flush(bytes: number): void {
    this.#active.append(this.#buffer.subarray(0, bytes));
    if (this.#buffer.length <= BUFFER_KEPT_BYTES) return;
    this.#buffer = new Uint8Array(64 * 1024);
    this.#view = viewOf(this.#buffer);
  }

  #grow(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    this.#buffer = new Uint8Array(Math.max(bytes, this.#buffer.length * 2));
    this.#view = viewOf(this.#buffer);
  }

  /** Room for `bytes`, in the next segment if need be; without one, what is kept down to `keep` is used. */
  #demandRoom(bytes: number, keep: number): void {
    if (this.#active.room >= bytes + this.#emergencyBytes) return;
    if (keep === 0 && this.#active.room >= bytes) return;
    if (this.#makeRoom(bytes + this.#emergencyBytes)) return;
    if (this.#active.room >= bytes + keep) return;
    throw new LogError(
      "io",
      `no room on the disk for ${bytes} more bytes of log`,
    );
  }

  #makeRoom(bytes: number): boolean {
    if (this.#active.room >= bytes) return true;
    const needed = SEGMENT_HEADER_BYTES + bytes;
    const { segmentBytes, smallBytes } = this.#spares;
    let capacity = segmentBytes;
    let file: DiskFile | null = null;
    if (needed <= capacity) file = this.#spares.take();
    if (file === null) {
      capacity = Math.max(smallBytes, Math.ceil(needed / 4096) * 4096);
      file = unlessFull(() => this.#spares.createNow(capacity));
    }
    if (file === null) {
      this.#spares.prepare();
      return false;
    }
    this.#begin(file, capacity);
    this.#spares.prepare();
    return true;
  }

  #begin(file: DiskFile, capacity: number): void {
    const before = this.#active;
    // Two segments never start at the same position.
    if (before.end === before.header.start) {
      const { term, vote } = this.state.hardState;
      this.#put(LogFrameKind.hardState, { term, index: 0 }, writeVote(vote));
    }
    this.segments.push(Segment.begin(file, {
      salt: this.salt,
      capacity,
      start: before.end,
      previousStart: before.header.start,
      chain: this.#chain,
      durable: this.durable,
      summary: this.state.summary(),
    }));
  }
}
