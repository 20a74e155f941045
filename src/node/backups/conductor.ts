import { backupName } from "../../backup/names.ts";
import type { RaftGroup } from "../../group/group.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { BackupRecord } from "../../state/backups/types.ts";
import type { BackupPorts } from "./ports.ts";
import type { BackupRecords } from "./records.ts";
import { uploaderOf } from "./uploader.ts";

/** A member without a link for so long is gone, ms. */
const GONE_MS = 30_000;
/** Whoever takes a backup has so long for it, ms, and one more second for every {@linkcode BYTES_PER_SECOND} of the database. */
const PATIENCE_MS = 15 * 60_000;
const BYTES_PER_SECOND = 2 * 1024 * 1024;
/** After a failed attempt the next one waits so long, ms, times the attempts so far. */
const RETRY_MS = 10_000;
const ATTEMPTS_MAX = 5;
/** A backup of the schedule that failed is tried again after so long, ms. */
const FAILED_MS = 60 * 60_000;
/** Without a backup nothing that is archived can be restored, so that it is tried again after so long, ms. */
const BASE_RETRY_MS = 60_000;
/** Between two looks, ms. */
const LOOK_MS = 1_000;
const OPERATION_MS = 10_000;

/** What a leader has seen of the backup that is being taken. */
interface WatchedBackup {
  readonly id: string;
  readonly attempt: number;
  readonly sinceMs: number;
  /** Since when whoever takes it is out of reach; null while it is not. */
  goneMs: number | null;
  /** Since when it has failed; null while it has not. */
  failedMs: number | null;
}

/**
 * What a leader does for backups: begins those of the schedule, and finds somebody else where one does not come to its
 * end. What it decides are entries, so whoever leads next goes on from them.
 */
export class BackupConductor {
  readonly #ports: BackupPorts;
  readonly #records: BackupRecords;
  readonly #startedMs: number;
  #lookMs = 0;
  #busy = false;
  #watched: WatchedBackup | null = null;
  /** When whoever looks at a backup was last seen. */
  #checkMs = 0;

  /** Does nothing until {@linkcode tick} is called. */
  constructor(ports: BackupPorts, records: BackupRecords) {
    this.#ports = ports;
    this.#records = records;
    this.#startedMs = ports.clock.wall();
  }

  /** Looks what is to be done, once a second at most. */
  tick(): void {
    const now = this.#ports.clock.monotonic();
    const group = this.#ports.group();
    if (this.#busy || now < this.#lookMs || group === null) return;
    if (group.core.role !== "leader") return void (this.#watched = null);
    this.#lookMs = now + LOOK_MS;
    this.#busy = true;
    this.#act(group, now).catch((error) => {
      // Whoever leads looks again.
      this.#ports.logger.debug(`backups: ${(error as Error).message}`);
    }).finally(() => {
      this.#busy = false;
    });
  }

  async #act(group: RaftGroup, now: number): Promise<void> {
    const record = this.#records.latest();
    if (record?.state === "running") {
      return await this.#mind(group, record, now);
    }
    this.#watched = null;
    if (await this.#mayBeginBase(group)) return;
    await this.#mayBegin(group);
    await this.#mayCheck(group, now);
  }

  /** Has somebody look at the newest backup when it is time to, and somebody else if that one is gone. */
  async #mayCheck(group: RaftGroup, now: number): Promise<void> {
    const { verify, clock, connected, self } = this.#ports;
    const slot = verify?.previous(clock.wall() + 1) ?? null;
    if (slot === null) return;
    const records = this.#records.own();
    const newest = records.findLast(({ state }) => state === "done");
    if (newest === undefined) return;
    const slots = records.map(({ checked }) => checked?.slot ?? -1);
    const last = Math.max(...slots);
    if (last >= slot || last < 0 && slot < this.#startedMs) return;
    const asked = records.find(({ check }) => check !== undefined) ?? newest;
    const by = asked.check?.by;
    const there = by !== undefined && (by === self() || connected(by));
    this.#checkMs = there ? now : this.#checkMs;
    if (by !== undefined && now - this.#checkMs < GONE_MS) return;
    this.#checkMs = now;
    await this.#records.change({
      kind: "check",
      id: asked.id,
      slot: asked.check?.slot ?? slot,
      // A copy in a folder is there and nowhere else.
      by: asked.place === "folder"
        ? asked.uploader
        : uploaderOf(group.core.status(), connected, by ?? null),
    }, OPERATION_MS);
  }

  /** Begins a backup if the archived log follows on none; whether it did. */
  async #mayBeginBase(group: RaftGroup): Promise<boolean> {
    const { logIntervalMs, clock, logger } = this.#ports;
    const archived = logIntervalMs === 0 ? null : this.#records.archived();
    if (archived === null) return false;
    const records = this.#records.own();
    const follows = records.some(({ contents, place }) =>
      place === "store" && contents!.index >= archived.after
    );
    if (follows) return false;
    const id = `archive-${archived.after}`;
    const failed = records.filter((record) =>
      record.id.startsWith(id) && record.state === "failed"
    );
    if (clock.wall() - (failed.at(-1)?.ended ?? 0) < BASE_RETRY_MS) {
      return false;
    }
    logger.info("beginning a backup for the archived log to follow on", {
      after: archived.after,
    });
    await this.#records.change({
      kind: "begin",
      id: `${id}-${failed.length + 1}`,
      slot: null,
      ...beginning(group, this.#ports, records),
    }, OPERATION_MS);
    return true;
  }

  /** Begins the last backup of the schedule that is due, if nobody has. */
  async #mayBegin(group: RaftGroup): Promise<void> {
    const { schedule, clock, logger } = this.#ports;
    if (schedule === null) return;
    const at = clock.wall();
    const slot = schedule.previous(at + 1);
    if (slot === null) return;
    const records = this.#records.own();
    const dated = records.filter((record) => record.slot !== null);
    // Of a cluster without any, what was before this start was not missed.
    if (dated.length === 0 && slot < this.#startedMs) return;
    const counts = dated.filter(({ state }) => state !== "failed");
    if (counts.some((record) => record.slot! >= slot)) return;
    const failed = dated.filter((record) => record.slot === slot);
    if (failed.some(({ ended = 0 }) => at - ended < FAILED_MS)) return;
    logger.info("beginning the backup of the schedule", {
      of: new Date(slot).toISOString(),
    });
    const suffix = failed.length === 0 ? "" : `-${failed.length + 1}`;
    await this.#records.change({
      kind: "begin",
      id: `schedule-${Math.floor(slot / 1000)}${suffix}`,
      slot,
      ...beginning(group, this.#ports, records),
    }, OPERATION_MS);
  }

  async #mind(
    group: RaftGroup,
    record: BackupRecord,
    now: number,
  ): Promise<void> {
    const reason = this.#whyAgain(record, this.#watch(record, now), now);
    if (reason === null) return;
    const { id, uploader } = record;
    const { clock, logger } = this.#ports;
    if (record.attempt >= ATTEMPTS_MAX) {
      logger.error(`the backup failed: ${reason}`, { id });
      await this.#records.change({
        kind: "failed",
        id,
        attempt: record.attempt,
        at: clock.wall(),
        error: reason,
        last: true,
      }, OPERATION_MS);
      return;
    }
    const next = uploaderOf(
      group.core.status(),
      this.#ports.connected,
      uploader,
    );
    logger.warn(`another attempt at a backup: ${reason}`, { id, by: next });
    await this.#records.change({
      kind: "assign",
      id,
      attempt: record.attempt + 1,
      uploader: next,
    }, OPERATION_MS);
  }

  #watch(record: BackupRecord, now: number): WatchedBackup {
    const { id, attempt, uploader, error } = record;
    const known = this.#watched;
    const watched: WatchedBackup = known?.id === id && known.attempt === attempt
      ? known
      : { id, attempt, sinceMs: now, goneMs: null, failedMs: null };
    const there = uploader === this.#ports.self() ||
      this.#ports.connected(uploader);
    watched.goneMs = there ? null : watched.goneMs ?? now;
    watched.failedMs = error === undefined ? null : watched.failedMs ?? now;
    this.#watched = watched;
    return watched;
  }

  /** Why somebody else shall take it; null as long as nobody need. */
  #whyAgain(
    { uploader, error, attempt }: BackupRecord,
    { sinceMs, goneMs, failedMs }: WatchedBackup,
    now: number,
  ): string | null {
    if (failedMs !== null) {
      return now - failedMs < RETRY_MS * attempt ? null : error!;
    }
    if (goneMs !== null && now - goneMs >= GONE_MS) {
      return `${uploader}, which was taking it, is gone`;
    }
    const patienceMs = PATIENCE_MS +
      1000 * this.#records.databaseBytes() / BYTES_PER_SECOND;
    if (now - sinceMs < patienceMs) return null;
    return `${uploader} did not come to an end within ${
      Math.round(patienceMs / 60_000)
    } minutes`;
  }
}

/** What every backup begins with that is begun now; `records` are those of the cluster. */
export function beginning(
  group: RaftGroup,
  { clock, clusterId, connected }: BackupPorts,
  records: readonly BackupRecord[],
): Pick<BackupRecord, "cluster" | "at" | "name" | "uploader"> {
  const uploader = uploaderOf(group.core.status(), connected, null);
  const nodeId = nodeIdOf(uploader);
  const at = clock.wall();
  const taken = new Set(records.map(({ name }) => name));
  let unixSec = Math.floor(at / 1000);
  while (taken.has(backupName({ nodeId, unixSec }))) unixSec++;
  const name = backupName({ nodeId, unixSec });
  return { cluster: clusterId(), at, name, uploader };
}
