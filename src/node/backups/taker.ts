import * as fs from "node:fs";
import { fileStream } from "../../backup/file_stream.ts";
import { type SavedStream, saveStream } from "../../backup/save_stream.ts";
import type { BackupStore } from "../../backup/object_store.ts";
import { HiqliteError } from "../../errors.ts";
import type { RaftGroup } from "../../group/group.ts";
import {
  type BackupContents,
  type BackupRecord,
  ERROR_CHARS_MAX,
} from "../../state/backups/types.ts";
import { LocalBackups } from "./local_folder.ts";
import type { BackupPorts } from "./ports.ts";
import { noteBase } from "./base_note.ts";
import type { BackupRecords } from "./records.ts";
import { retainStored } from "./stored_retention.ts";

/** Between two looks, ms. */
const LOOK_MS = 1_000;
/** With every so manieth look it is looked whether a backup is to be checked. */
const LOOKS_PER_CHECK = 10;

/** A copy that is being made here. */
interface CopyJob {
  /** Whether it is for all, not only for this member. */
  readonly mine: boolean;
  readonly id: string;
  readonly attempt: number;
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/**
 * What a member does for a backup: takes it if it is named for that, and makes a copy of its own if it shall keep some. It
 * looks at the records only, so it goes on after a restart.
 */
export class BackupTaker {
  readonly #ports: BackupPorts;
  readonly #records: BackupRecords;
  readonly #local: LocalBackups;
  #lookMs = 0;
  #job: CopyJob | null = null;
  /** What was begun here last, by its id, and the attempt if it was for all: nothing is begun twice. Null before the first look. */
  #begun: string | null = null;
  #closed = false;
  #looks = 0;

  /** Does nothing until {@linkcode tick} is called. */
  constructor(ports: BackupPorts, records: BackupRecords) {
    this.#ports = ports;
    this.#records = records;
    this.#local = new LocalBackups(ports.folder);
  }

  /** Looks what is to be done, once a second at most. */
  tick(): void {
    const now = this.#ports.clock.monotonic();
    const group = this.#ports.group();
    if (this.#closed || now < this.#lookMs || group === null) return;
    this.#lookMs = now + LOOK_MS;
    try {
      this.#look(group);
    } catch (error) {
      // While a snapshot takes the place of the state; the next look shows more.
      this.#ports.logger.debug(`backups: ${(error as Error).message}`);
    }
  }

  #look(group: RaftGroup): void {
    const record = this.#records.latest();
    // What was taken before this start is nothing to copy now.
    this.#begun ??= record?.state === "running" ? "" : record?.id ?? "";
    if (this.#job !== null) return this.#mayGiveUp(this.#job, record);
    if (record !== null) this.#mayBegin(group, record);
    if (this.#job === null && ++this.#looks % LOOKS_PER_CHECK === 0) {
      this.#mayCheck();
    }
  }

  /** Looks at a backup that was taken, if it was named for that. */
  #mayCheck(): void {
    const self = this.#ports.self();
    const record = this.#records.own().find(({ check }) => check?.by === self);
    if (record === undefined) return;
    this.#begin(record, false, () => this.#check(record));
  }

  async #check(record: BackupRecord): Promise<void> {
    const { clock, logger } = this.#ports;
    const { id, name, check } = record;
    let problem: string | null = null;
    try {
      const found = await this.#identify(record);
      problem = differenceOf(found, record.contents!);
    } catch (error) {
      problem = (error as Error).message.slice(0, ERROR_CHARS_MAX);
    }
    await this.#records.change({
      kind: "checked",
      id,
      slot: check!.slot,
      at: clock.wall(),
      problem,
    });
    if (problem === null) logger.info("the backup is good", { name });
    else logger.error(`the backup is not good: ${problem}`, { name });
  }

  /** Gives up what is under way, and the store. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#job?.abort.abort(
      new HiqliteError("shutting_down", "This member is stopping"),
    );
    await this.#job?.done;
  }

  #mayGiveUp(
    { mine, id, attempt, abort }: CopyJob,
    record: BackupRecord | null,
  ): void {
    const counts = record?.state === "running" && record.id === id &&
      record.attempt === attempt;
    if (mine && !counts) abort.abort(superseded());
  }

  #mayBegin(group: RaftGroup, record: BackupRecord): void {
    const { self, keepDaysLocal } = this.#ports;
    const { id, attempt, state, uploader } = record;
    const mine = uploader === self();
    if (
      mine ? state !== "running" : keepDaysLocal === 0 || state === "failed"
    ) {
      return;
    }
    const key = mine ? `${id}/${attempt}` : id;
    if (this.#begun === key) return;
    this.#begun = key;
    this.#begin(
      record,
      mine,
      (signal) =>
        mine
          ? this.#take(group, record, signal)
          : this.#keepCopy(group, record),
    );
  }

  #begin(
    { id, attempt }: BackupRecord,
    mine: boolean,
    work: (signal: AbortSignal) => Promise<void>,
  ): void {
    const abort = new AbortController();
    const done = work(abort.signal).catch((error) => {
      this.#ports.logger.warn(`backup: ${(error as Error).message}`, { id });
    }).finally(() => {
      this.#job = null;
    });
    this.#job = { mine, id, attempt, abort, done };
  }

  async #take(
    group: RaftGroup,
    record: BackupRecord,
    signal: AbortSignal,
  ): Promise<void> {
    const { logger, clock, store, keepDaysLocal } = this.#ports;
    const { id, attempt, name } = record;
    logger.info("taking a backup", { id, attempt, name });
    try {
      const copied = await this.#copy(group, record);
      signal.throwIfAborted();
      const contents = store === null
        ? copied
        : await this.#send(store, record, copied, signal);
      const place = store === null ? "folder" : "store";
      await this.#records.change({
        kind: "done",
        id,
        place,
        at: clock.wall(),
        contents,
      });
      logger.info("the backup is taken", {
        id,
        name,
        index: contents.index,
        bytes: contents.size,
      });
    } catch (error) {
      if (signal.aborted) throw error;
      await this.#tellFailed(record, error as Error);
      throw error;
    } finally {
      if (store !== null && keepDaysLocal === 0) await this.#local.remove(name);
    }
    await this.#retain();
  }

  async #tellFailed(
    { id, attempt }: BackupRecord,
    { message }: Error,
  ): Promise<void> {
    await this.#records.change({
      kind: "failed",
      id,
      attempt,
      at: this.#ports.clock.wall(),
      error: message.slice(0, ERROR_CHARS_MAX),
      last: false,
    });
  }

  /** Stores it; what an earlier attempt has stored under its name, and could not tell of, is it. */
  async #send(
    store: BackupStore,
    record: BackupRecord,
    copied: BackupContents,
    signal: AbortSignal,
  ): Promise<BackupContents> {
    const contents = await this.#put(store, record, copied, signal);
    if (this.#ports.logIntervalMs > 0) {
      await noteBase(store, record, contents);
    }
    return contents;
  }

  async #put(
    store: BackupStore,
    record: BackupRecord,
    copied: BackupContents,
    signal: AbortSignal,
  ): Promise<BackupContents> {
    const { name } = record;
    try {
      const source = fileStream(this.#local.path(name));
      await store.put(name, source, { size: copied.size, signal });
      return copied;
    } catch (error) {
      const there = error instanceof HiqliteError && error.code === "conflict";
      if (!there) throw error;
      return await this.#identify(record);
    }
  }

  /** What is stored under the name of a backup, if it is that one. */
  async #identify({ id, name }: BackupRecord): Promise<BackupContents> {
    const { store } = this.#ports;
    this.#local.open();
    const path = this.#local.partial(name);
    try {
      const source = store === null
        ? fileStream(this.#local.path(name))
        : await store.get(name);
      const { size, sha256 } = await save(source, path);
      const { applied, timeMs, hash, record } = await this.#ports.inspect(path);
      if (record?.id !== id) {
        throw new HiqliteError(
          "conflict",
          `What is called ${name} is another backup`,
        );
      }
      return { ...applied, timeMs, hash, size, sha256 };
    } finally {
      await fs.promises.rm(path, { force: true });
    }
  }

  #copy(group: RaftGroup, record: BackupRecord): Promise<BackupContents> {
    return this.#local.copy(group, record, this.#records.databaseBytes());
  }

  async #keepCopy(group: RaftGroup, record: BackupRecord): Promise<void> {
    if (this.#local.has(record.name)) return;
    await this.#copy(group, record);
    await this.#retainLocal();
  }

  async #retain(): Promise<void> {
    await this.#retainLocal();
    const { store } = this.#ports;
    if (store === null) return;
    await retainStored(store, this.#records.all(), this.#ports);
  }

  async #retainLocal(): Promise<void> {
    const { keepDays, keepDaysLocal, clock, logger } = this.#ports;
    const days = keepDaysLocal === 0 ? keepDays : keepDaysLocal;
    for (const name of await this.#local.retain(days, clock.wall())) {
      logger.info("an old copy was deleted", { name });
    }
  }
}

/** In what two backups differ that should be one; null if in nothing. */
function differenceOf(
  found: BackupContents,
  expected: BackupContents,
): string | null {
  for (const field of Object.keys(expected) as (keyof BackupContents)[]) {
    if (found[field] === expected[field]) continue;
    return `its ${field} is ${found[field]}, not ${expected[field]}`;
  }
  return null;
}

function superseded(): HiqliteError {
  return new HiqliteError(
    "conflict",
    "This attempt counts no more: another one has begun, or the backup has ended",
  );
}

/** Writes what comes to a file, durably; its size and SHA-256. */
async function save(
  source: ReadableStream<Uint8Array>,
  path: string,
): Promise<SavedStream> {
  const file = await fs.promises.open(path, "w", 0o600);
  try {
    return await saveStream(source, file);
  } finally {
    await file.close();
  }
}
