import { decodeConfiguration } from "../raft/configuration.ts";
import type { EntryMeta } from "../raft/io.ts";
import { type Configuration, EntryKind, type LogIndex } from "../raft/types.ts";
import { MalformedBytesError } from "../util/bytes.ts";
import { visitEntries } from "./entries_body.ts";
import {
  frameBytes,
  LOG_FRAME_HEADER_BYTES,
  type LogFrame,
  LogFrameKind,
  readBody,
  readFrame,
  viewOf,
} from "./frame.ts";
import { LogState, type LogSummary } from "./log_state.ts";
import { LogError } from "./port.ts";
import { SEGMENT_HEADER_BYTES, type SegmentHeader } from "./segment.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Reads a log from frames, in order, as {@linkcode LogState} and what the core needs to know. */
export class Replay {
  readonly state: LogState;
  readonly #metas: EntryMeta[] = [];
  readonly #configs: { index: LogIndex; config: Configuration }[] = [];
  /** Position behind the last good frame. */
  end: number;
  /** Checksum of the last good frame. */
  chain: number;

  /** Starts where a segment starts. */
  constructor(header: SegmentHeader) {
    this.state = new LogState(header.summary);
    this.end = header.start;
    this.chain = header.chain;
  }

  /** Live entries, without payloads. */
  get entries(): EntryMeta[] {
    return this.#live(this.#metas);
  }

  /** Live configurations. */
  get configs(): { index: LogIndex; config: Configuration }[] {
    return this.#live(this.#configs);
  }

  /**
   * Takes frames from a segment until one is not good. Returns what was wrong
   * there, or null at the end of the file.
   * @throws {LogError} `corrupt` if an intact frame contradicts the ones before it.
   */
  read(bytes: Uint8Array, header: SegmentHeader, name: string): string | null {
    const view = viewOf(bytes);
    let at = SEGMENT_HEADER_BYTES;
    while (at < header.capacity) {
      if (at + LOG_FRAME_HEADER_BYTES > bytes.length) {
        return bytes.length < header.capacity
          ? `the file has ${bytes.length} of ${header.capacity} bytes`
          : null;
      }
      const frame = readFrame(bytes, view, at, header.salt);
      if (frame === null) return "no intact frame";
      if (frame.lsn !== this.end) return "a frame of another place";
      if (frame.previous !== this.chain) return "a frame out of the chain";
      const body = readBody(bytes, at, frame);
      if (body === null) return "a damaged frame";
      if (!this.#takeOrRefuse(frame, body)) {
        throw new LogError(
          "corrupt",
          `${name}: the frame at byte ${at} contradicts the log before it`,
        );
      }
      const size = frameBytes(frame.bodyBytes);
      this.chain = frame.checksum;
      this.end += size;
      at += size;
    }
    return null;
  }

  #takeOrRefuse(frame: LogFrame, body: Uint8Array): boolean {
    try {
      return this.#take(frame, body);
    } catch (error) {
      if (error instanceof MalformedBytesError) return false;
      throw error;
    }
  }

  #take(frame: LogFrame, body: Uint8Array): boolean {
    const { state } = this;
    const { term, index } = frame;
    switch (frame.kind) {
      case LogFrameKind.entries:
        return this.#takeEntries(frame, body);
      case LogFrameKind.hardState:
        if (term < state.hardState.term) return false;
        state.hardState = { term, vote: readVote(body) };
        return true;
      case LogFrameKind.truncate:
        if (index < state.base.index || index > state.last.index) return false;
        state.truncateAfter({ term, index });
        this.#forgetAfter(index);
        return true;
      case LogFrameKind.purge:
        if (index < state.base.index || index > state.last.index) return false;
        state.purge({ term, index });
        return true;
      case LogFrameKind.reset:
        state.reset({ term, index });
        this.#forgetAfter(0);
        return true;
      default:
        return false;
    }
  }

  #takeEntries(frame: LogFrame, body: Uint8Array): boolean {
    const { state } = this;
    const { term, count, lsn, index: first } = frame;
    if (first !== state.last.index + 1 || term < state.last.term) return false;
    let index = first;
    const ok = visitEntries(body, count, (kind, payload) => {
      if (kind === EntryKind.config) {
        this.#configs.push({ index, config: decodeConfiguration(payload) });
      }
      this.#metas.push({ index: index++, term, bytes: payload.length });
    });
    const bytes = frameBytes(frame.bodyBytes);
    if (ok) state.addEntries({ first, count, term, lsn, bytes });
    return ok;
  }

  #forgetAfter(index: LogIndex): void {
    for (const list of [this.#metas, this.#configs]) {
      while (list.length > 0 && list.at(-1)!.index > index) list.pop();
    }
  }

  #live<T extends { index: LogIndex }>(list: readonly T[]): T[] {
    return list.filter(({ index }) => index > this.state.base.index);
  }
}

/** The highest positions that the frames of a file name, wherever they stand and whether or not they belong to the chain; 0 without frames. */
export function surveyFrames(
  bytes: Uint8Array,
  salt: number,
): { durable: number; lsn: number } {
  const view = viewOf(bytes);
  let durable = 0;
  let lsn = 0;
  for (
    let at = SEGMENT_HEADER_BYTES;
    at + LOG_FRAME_HEADER_BYTES <= bytes.length;
    at += 8
  ) {
    const frame = readFrame(bytes, view, at, salt);
    if (frame === null) continue;
    durable = Math.max(durable, frame.durable);
    lsn = Math.max(lsn, frame.lsn);
  }
  return { durable, lsn };
}

/** A vote as the body of a hard state frame. */
export function writeVote(vote: string | null): Uint8Array {
  return vote === null ? new Uint8Array(0) : new TextEncoder().encode(vote);
}

function readVote(body: Uint8Array): LogSummary["hardState"]["vote"] {
  return body.length === 0 ? null : decoder.decode(body);
}
