import type { Entry, HardState, LogId, LogIndex } from "../raft/types.ts";
import { assert, fail } from "../util/assert.ts";
import { NO_BYTES } from "../util/bytes.ts";
import { type Random, SystemRandom } from "../util/random.ts";
import { type Disk, DiskError } from "./disk.ts";
import type { MarkFile } from "./durable_mark.ts";
import { EntryWindow } from "./entry_window.ts";
import { LogFrameKind } from "./frame.ts";
import { GroupSync, type SyncRound } from "./group_sync.ts";
import { type EntriesDone, LogReader } from "./log_reader.ts";
import { LogWriter } from "./log_writer.ts";
import {
  type Done,
  LogError,
  type LogRecovery,
  type LogStore,
} from "./port.ts";
import { type RecoveredLog, recoverLog } from "./recovery.ts";
import { writeVote } from "./replay.ts";
import { Scrubber, type ScrubDone } from "./scrubber.ts";
import { type Segment, VOTE_BYTES_MAX } from "./segment.ts";
import { Spares } from "./spares.ts";

/** Tunables of a {@linkcode SegmentLog}. */
export interface SegmentLogOptions {
  /** Bytes of an ordinary segment file, at least 8 KiB; a multiple of 4 KiB. @default {16 MiB} */
  readonly segmentBytes?: number;
  /** Payload bytes of the newest entries kept in memory. @default {32 MiB} */
  readonly cacheBytes?: number;
  /** Draws the mark that tells this log's files from another's. @default {the platform's generator} */
  readonly random?: Random;
}

/** A log and what it held. */
export interface OpenedLog {
  readonly log: SegmentLog;
  readonly recovery: LogRecovery;
  /** What was cut from the end because it was never acknowledged, for the operator; null if nothing. */
  readonly cut: string | null;
}

/**
 * Opens the log in a folder, or creates it. Blocks while it reads.
 *
 * @throws {LogError} `corrupt` if something durable is missing or damaged: the
 * member has forgotten promises and must come back as a new incarnation. `io` if
 * the folder cannot be used at all or belongs to a newer release.
 */
export function openSegmentLog(
  disk: Disk,
  options: SegmentLogOptions = {},
): OpenedLog {
  const segmentBytes = options.segmentBytes ?? 16 * 1024 * 1024;
  assert(
    segmentBytes >= 8192 && segmentBytes % 4096 === 0,
    `segmentBytes must be a multiple of 4096 from 8192 on: ${segmentBytes}`,
  );
  let log: SegmentLog | null = null;
  const spares = new Spares(
    disk,
    segmentBytes,
    (error) => log?.fail(error),
  );
  let recovered: RecoveredLog;
  try {
    recovered = recoverLog(disk, spares, options.random ?? new SystemRandom());
  } catch (error) {
    spares.close();
    throw error instanceof DiskError ? ioError(error) : error;
  }
  const { entries, configs, state } = recovered.replay;
  const cacheBytes = options.cacheBytes ?? 32 * 1024 * 1024;
  log = new SegmentLog(disk, spares, recovered, cacheBytes);
  spares.prepare();
  const { hardState, base } = state;
  return {
    log,
    recovery: { hardState, base, entries, configs },
    cut: recovered.cut,
  };
}

function ioError(error: DiskError): LogError {
  return new LogError("io", error.message, { cause: error });
}

/**
 * A {@linkcode LogStore} in preallocated segment files.
 *
 * Everything is a checksummed frame in one chain: entries, term and vote,
 * truncation, purge, reset. So what was done first is durable first, and a crash
 * leaves a prefix. Every segment's header sums up what came before it, so old
 * segments can go. See {@linkcode recoverLog} for what a start makes of it.
 *
 * A full disk only refuses reservations: term, vote, truncation and purge have room
 * of their own in the current segment (thousands of them). Any other failure makes
 * the log unusable: it is never retried. `done` callbacks may be called
 * before the method returns if there is nothing to wait for.
 */
export class SegmentLog implements LogStore {
  readonly #disk: Disk;
  readonly #spares: Spares;
  readonly #writer: LogWriter;
  readonly #mark: MarkFile;
  readonly #sync: GroupSync;
  readonly #reader: LogReader;
  readonly #scrubber: Scrubber;
  readonly #cache: EntryWindow;
  readonly #cacheBytes: number;
  #failure: LogError | null = null;
  #closed = false;
  /** Start of the newest segment that the durable mark is known to cover. */
  #markedSegment: number;

  /** Use {@linkcode openSegmentLog}. */
  constructor(
    disk: Disk,
    spares: Spares,
    recovered: RecoveredLog,
    cacheBytes: number,
  ) {
    this.#disk = disk;
    this.#spares = spares;
    this.#writer = new LogWriter(recovered, spares);
    this.#mark = recovered.mark;
    this.#cacheBytes = cacheBytes;
    this.#cache = new EntryWindow(this.last.index + 1);
    this.#markedSegment = recovered.segments.at(-1)!.header.start;
    const fail = (error: DiskError | LogError): LogError => this.fail(error);
    this.#reader = new LogReader(this.#writer, fail);
    this.#scrubber = new Scrubber(this.#writer, fail);
    this.#sync = new GroupSync({
      begin: () => this.#beginRound(),
      syncDirectory: (done) => this.#disk.syncDirectory(done),
      fail,
    });
  }

  get base(): LogId {
    return this.#writer.state.base;
  }

  get last(): LogId {
    return this.#writer.state.last;
  }

  get bytes(): number {
    return this.#writer.segments.reduce(
      (sum, { header }) => sum + header.capacity,
      this.#spares.bytes,
    );
  }

  /** Why the log is unusable, or null. */
  get failure(): LogError | null {
    return this.#failure;
  }

  reserve(count: number, payloadBytes: number): boolean {
    return this.#mutate(() => this.#writer.reserve(count, payloadBytes));
  }

  unreserve(): void {
    this.#writer.unreserve();
  }

  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    this.#mutate(() => {
      this.#checkOrder(entries);
      this.#writer.append(entries);
    });
    for (const entry of entries) this.#cache.push(entry);
    this.#cache.shrinkTo(this.#cacheBytes);
  }

  truncateAfter(index: LogIndex): void {
    const { base, last } = this;
    assert(index >= base.index, `truncate at ${index} below ${base.index}`);
    if (index >= last.index) return;
    const to = { term: this.termAt(index)!, index };
    this.#mutate(() => {
      this.#writer.note(LogFrameKind.truncate, to, NO_BYTES);
      this.#writer.state.truncateAfter(to);
    });
    this.#cache.truncateAfter(index);
  }

  saveHardState({ term, vote }: HardState): void {
    const { state } = this.#writer;
    assert(term >= state.hardState.term, `term ${term} goes backwards`);
    const body = writeVote(vote);
    assert(body.length <= VOTE_BYTES_MAX, `the vote is too long: ${vote}`);
    this.#mutate(() => {
      this.#writer.note(LogFrameKind.hardState, { term, index: 0 }, body);
      state.hardState = { term, vote };
    });
  }

  /**
   * See {@linkcode LogStore.sync}. With nothing new to write it makes the durable
   * mark itself durable: worth doing when the member falls idle.
   */
  sync(done: Done): void {
    const failure = this.#unusable();
    if (failure !== null) return done(failure);
    this.#sync.request(done);
  }

  termAt(index: LogIndex): number | undefined {
    return this.#writer.state.termAt(index);
  }

  readCached(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
  ): Entry[] | undefined {
    if (from <= this.base.index) return undefined;
    return this.#cache.slice(from, to, maxBytes);
  }

  read(
    from: LogIndex,
    to: LogIndex,
    maxBytes: number,
    done: EntriesDone,
  ): void {
    const failure = this.#unusable();
    if (failure !== null) return done(failure, []);
    this.#reader.read(
      from,
      to,
      maxBytes,
      (error, entries) =>
        this.#closed ? done(CLOSED, []) : done(error, entries),
    );
  }

  /**
   * Verifies the next slice of what is stored, about `budgetBytes`. Call it
   * repeatedly and slowly, one call at a time. Damage makes the log unusable and is passed to `done`.
   */
  scrub(budgetBytes: number, done: ScrubDone): void {
    const failure = this.#unusable();
    if (failure !== null) return done(failure, false);
    this.#scrubber.scrub(
      budgetBytes,
      (error, finished) =>
        this.#closed ? done(CLOSED, false) : done(error, finished),
    );
  }

  purge(to: LogId): void {
    const { base, last } = this;
    if (to.index <= base.index) return;
    assert(to.index <= last.index, `purge to ${to.index} > ${last.index}`);
    this.#mutate(() => {
      this.#writer.note(LogFrameKind.purge, to, NO_BYTES);
      this.#writer.state.purge(to);
    });
    this.#cache.dropThrough(to.index);
  }

  reset(base: LogId): void {
    this.#mutate(() => {
      this.#writer.note(LogFrameKind.reset, base, NO_BYTES);
      this.#writer.state.reset(base);
    });
    this.#cache.restart(base.index + 1);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#failure === null) this.#closeMark();
    this.#sync.abandon(CLOSED);
    this.#spares.close();
    this.#mark.close();
    for (const { file } of this.#writer.segments) file.close();
  }

  /** Makes the log unusable; the first reason stays. */
  fail(error: DiskError | LogError): LogError {
    this.#failure ??= error instanceof LogError ? error : ioError(error);
    return this.#failure;
  }

  #closeMark(): void {
    const { syncing } = this.#mark;
    try {
      if (syncing) this.#mark.write(this.#writer.durable);
      else this.#mark.writeNow(this.#writer.durable);
    } catch (error) {
      this.fail(error as DiskError);
    }
  }

  #unusable(): LogError | null {
    return this.#closed ? CLOSED : this.#failure;
  }

  #mutate<T>(write: () => T): T {
    const failure = this.#unusable();
    if (failure !== null) throw failure;
    try {
      return write();
    } catch (error) {
      if (error instanceof DiskError || error instanceof LogError) {
        throw this.fail(error);
      }
      throw error;
    }
  }

  #checkOrder(entries: readonly Entry[]): void {
    let { term, index } = this.last;
    for (const entry of entries) {
      if (entry.index !== index + 1 || entry.term < term) {
        fail(
          `entry (${entry.term}, ${entry.index}) does not follow (${term}, ${index})`,
        );
      }
      ({ term, index } = entry);
    }
  }

  #beginRound(): SyncRound {
    const writer = this.#writer;
    const { end, needed } = writer;
    const newest = writer.segments.at(-1)!;
    const files: SyncRound["files"][number][] = [];
    const finish = () => this.#finishRound({ end, needed, newest });
    if (this.#failure !== null) return { files, directory: false, finish };
    for (const segment of writer.segments) {
      if (!segment.dirty) continue;
      segment.dirty = false;
      files.push(segment.file);
    }
    if (files.length === 0 && this.#refreshMark()) files.push(this.#mark);
    return { files, directory: this.#spares.takeDirectoryDirty(), finish };
  }

  /** Brings the mark file up to date; whether it has to be synced then. */
  #refreshMark(): boolean {
    try {
      this.#mark.write(this.#writer.durable);
    } catch (error) {
      this.fail(error as DiskError);
      return false;
    }
    return !this.#mark.durable && !this.#mark.syncing;
  }

  #finishRound(
    { end, needed, newest }: { end: number; needed: number; newest: Segment },
  ): LogError | null {
    const writer = this.#writer;
    if (this.#closed) return CLOSED;
    if (this.#failure !== null) return this.#failure;
    writer.durable = end;
    try {
      this.#advanceMark(end);
      // A segment begun during the round is not durable: what leads to it stays.
      while (
        writer.segments[0] !== newest && writer.segments[0]!.end <= needed
      ) {
        const { file, header } = writer.segments.shift()!;
        this.#spares.recycle(file, header.capacity);
      }
      return null;
    } catch (error) {
      return this.fail(error as DiskError);
    }
  }

  /** Frames written later carry the mark too, so the file is synced with each new segment only. */
  #advanceMark(end: number): void {
    const { start } = this.#writer.segments.at(-1)!.header;
    const isNew = start > this.#markedSegment && start < end;
    this.#mark.write(end);
    if (!isNew || this.#mark.durable || this.#mark.syncing) return;
    this.#markedSegment = start;
    this.#mark.sync((error) => {
      if (error !== null) this.fail(error);
    });
  }
}

const CLOSED = new LogError("io", "the log is closed");
