import {
  archivedName,
  encodeSegment,
  type LogSegment,
} from "../../backup/log_segment.ts";
import type { BackupStore } from "../../backup/object_store.ts";
import { HiqliteError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import { type Entry, EntryKind, type LogIndex } from "../../raft/types.ts";
import type { ArchivedLog } from "../../state/backups/types.ts";
import { decodeEnvelope, isClock, peekTime } from "../../state/envelope.ts";
import { decodeCommand } from "../../state/sql/command.ts";
import type { BackupPorts } from "./ports.ts";
import type { BackupRecords } from "./records.ts";

/** A segment ends after so many bytes of entries; one entry may have more. */
const SEGMENT_BYTES = 8 * 1024 * 1024;
/** So many bytes that are not archived are archived before it is time to. */
const BACKLOG_BYTES = 16 * 1024 * 1024;
/** Between two looks, ms. */
const LOOK_MS = 1_000;
/** While nobody writes, so much time is between two segments at least, ms. */
const REST_MS = 60_000;

/**
 * Archives the log in the store while this member leads: what is committed and applied here, in segments that follow on
 * one another. How far that is stands in the state, so whoever leads next goes on from there, and nobody has to list the
 * store. Two that archive the same entries archive equal ones.
 */
export class LogArchiver {
  readonly #ports: BackupPorts;
  readonly #records: BackupRecords;
  readonly #abort = new AbortController();
  #lookMs = 0;
  /** When the last attempt began, ms; the first one is due at once. */
  #lastMs = -Infinity;
  #job: Promise<void> | null = null;
  /** Up to here there is nothing but what says nothing. */
  #quiet: LogIndex = 0;
  /** Whether the last segment said nothing. */
  #resting = false;

  /** Does nothing until {@linkcode tick} is called. */
  constructor(ports: BackupPorts, records: BackupRecords) {
    this.#ports = ports;
    this.#records = records;
  }

  /** Looks whether there is something to archive; resolves when what it began has ended. */
  tick(): Promise<void> {
    this.#mayBegin();
    return this.#job ?? Promise.resolve();
  }

  #mayBegin(): void {
    const { store, logIntervalMs, clock, logger } = this.#ports;
    const now = clock.monotonic();
    const group = this.#ports.group();
    if (store === null || logIntervalMs === 0 || group === null) return;
    if (
      this.#job !== null || now < this.#lookMs || this.#abort.signal.aborted
    ) {
      return;
    }
    if (group.core.role !== "leader") return;
    this.#lookMs = now + Math.min(LOOK_MS, logIntervalMs);
    this.#job = this.#look(group, store, now).catch((error) => {
      // Entries are kept until they are archived; the next look tries again.
      this.#lastMs = now;
      logger.warn(`the log could not be archived: ${(error as Error).message}`);
    }).finally(() => {
      this.#job = null;
    });
  }

  /** Gives up what is under way. */
  async close(): Promise<void> {
    this.#abort.abort(
      new HiqliteError("shutting_down", "This member is stopping"),
    );
    await this.#job;
  }

  async #look(
    group: RaftGroup,
    store: BackupStore,
    now: number,
  ): Promise<void> {
    const { applied: { index }, hash } = this.#ports.machine().position;
    const archived = this.#records.archived();
    if (archived === null || archived.through < group.log.base.index) {
      return await this.#beginAnew(group, archived, index);
    }
    let { through } = archived;
    if (index <= through) return;
    const rested = this.#hasRested(now);
    if (index <= this.#quiet && !rested) return;
    if (!this.#isDue(group, through, now)) return;
    const first = await read(group, through + 1, index);
    const quiet = first.at(-1)?.index === index && saysNothing(first);
    if (quiet && !rested) {
      this.#quiet = index;
      return;
    }
    this.#resting = quiet;
    this.#lastMs = now;
    for (let entries = first; entries.length > 0;) {
      const last = entries.at(-1)!.index;
      await this.#store(store, {
        clusterId: this.#ports.clusterId(),
        termBefore: group.log.termAt(through)!,
        entries,
        timeMs: newest(entries),
        hash: last === index ? hash : null,
      });
      ({ through } = await this.#records.noteArchived(through, last));
      if (through >= index) return;
      entries = await read(group, through + 1, index);
    }
    throw new Error(`the entries after ${through} were purged meanwhile`);
  }

  /** Whether it is time to archive even what says nothing: an interval after a write, and then once a minute. */
  #hasRested(now: number): boolean {
    const { logIntervalMs } = this.#ports;
    return now - this.#lastMs >=
      (this.#resting ? Math.max(REST_MS, logIntervalMs) : logIntervalMs);
  }

  /** Whether it is time to, or so much has gathered that it cannot wait. */
  #isDue({ log }: RaftGroup, through: LogIndex, now: number): boolean {
    if (now - this.#lastMs >= this.#ports.logIntervalMs) return true;
    // As if all entries were equally large.
    const share = (log.last.index - through) /
      Math.max(1, log.last.index - log.base.index);
    return log.bytes * share >= BACKLOG_BYTES;
  }

  /** Nothing is archived, or what follows is gone: a backup that is taken from here on is what the next segments follow on. */
  async #beginAnew(
    { log }: RaftGroup,
    archived: ArchivedLog | null,
    index: LogIndex,
  ): Promise<void> {
    if (archived !== null) {
      this.#ports.logger.error(
        "the archived log has a gap: entries were gone before they were archived. No moment between them and the next backup, which begins now, can be restored",
        { first: archived.through + 1, last: log.base.index },
      );
    }
    await this.#records.noteArchived(index, index);
  }

  async #store(store: BackupStore, segment: LogSegment): Promise<void> {
    const bytes = await encodeSegment(segment);
    const name = archivedName(segment);
    try {
      await store.put(name, new Blob([bytes]).stream(), {
        size: bytes.length,
        signal: this.#abort.signal,
      });
    } catch (error) {
      // Equal entries have one name: whoever could not tell of it any more has stored them.
      const there = error instanceof HiqliteError && error.code === "conflict";
      // Stores refuse so for other reasons, too: a file in the place of a folder, requests that cross.
      if (!there || await store.head(name) === null) throw error;
    }
  }
}

function read(
  { log }: RaftGroup,
  from: LogIndex,
  to: LogIndex,
): Promise<readonly Entry[]> {
  const cached = log.readCached(from, to, SEGMENT_BYTES);
  if (cached !== undefined) return Promise.resolve(cached);
  return new Promise((resolve, reject) =>
    log.read(
      from,
      to,
      SEGMENT_BYTES,
      (error, entries) => error === null ? resolve(entries) : reject(error),
    )
  );
}

/** When the newest of the entries was written, ms since 1970; 0 if none says. */
function newest(entries: readonly Entry[]): number {
  return entries.reduce(
    (latest, { kind, payload }) =>
      kind === EntryKind.command ? Math.max(latest, peekTime(payload)) : latest,
    0,
  );
}

/** Whether nothing was written: else an idle cluster would archive in each interval that it has archived. */
function saysNothing(entries: readonly Entry[]): boolean {
  return entries.every(({ kind, payload }) => {
    if (kind !== EntryKind.command) return kind === EntryKind.noop;
    if (isClock(payload)) return true;
    const envelope = decodeEnvelope(payload);
    if (envelope.kind !== "command") return false;
    const command = decodeCommand(envelope.body);
    return command.kind === "backup" && command.operation.kind === "archived";
  });
}
