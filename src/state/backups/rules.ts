import type { LogIndex } from "../../raft/types.ts";
import {
  type ArchivedLog,
  type BackupRecord,
  type RecordAnswer,
  type RecordOperation,
  RECORDS_KEPT,
} from "./types.ts";

/** What an operation does to the records. */
export interface BackupChange {
  readonly answer: RecordAnswer;
  /** New or changed. */
  readonly saved: readonly BackupRecord[];
  /** Ids of those that are forgotten. */
  readonly dropped: readonly string[];
}

/**
 * What the entry at `index` does; `records` are all there are, in the order in which they began. Only what
 * entries say counts, so every member answers the same.
 */
export function changedBackups(
  records: readonly BackupRecord[],
  operation: RecordOperation,
  index: LogIndex,
): BackupChange {
  if (operation.kind === "begin") return begun(records, operation, index);
  const record = records.find(({ id }) => id === operation.id);
  if (record === undefined) {
    return refused(`There is no backup ${operation.id}`);
  }
  if (operation.kind === "check" || operation.kind === "checked") {
    return looked(record, operation);
  }
  if (record.state !== "running") {
    return refused(`The backup ${record.id} has ended: it is ${record.state}`);
  }
  switch (operation.kind) {
    case "assign": {
      const { attempt, uploader } = operation;
      if (attempt !== record.attempt + 1) {
        return refused(
          `Attempt ${attempt} of backup ${record.id} cannot follow attempt ${record.attempt}`,
        );
      }
      const { error: _, ...rest } = record;
      return saved({ ...rest, attempt, uploader });
    }
    case "done": {
      const { error: _, ...rest } = record;
      const { contents, place, at } = operation;
      return saved({ ...rest, state: "done", contents, place, ended: at });
    }
    case "failed": {
      const { attempt, error, last, at } = operation;
      if (attempt !== record.attempt) {
        return refused(
          `Attempt ${attempt} of backup ${record.id} counts no more: it is at ${record.attempt}`,
        );
      }
      return saved(
        last
          ? { ...record, state: "failed", error, ended: at }
          : { ...record, error },
      );
    }
  }
}

/**
 * What is archived once `more` is, too. What comes late from a leader that leads no more tells of entries that are
 * archived indeed, so it is never less than before.
 */
export function extendedArchive(
  known: ArchivedLog | null,
  { cluster, after, through }: ArchivedLog,
): ArchivedLog {
  const follows = known !== null && known.cluster === cluster &&
    after <= known.through;
  return follows
    ? { ...known, through: Math.max(known.through, through) }
    : { cluster, after, through };
}

function looked(
  record: BackupRecord,
  operation: Extract<RecordOperation, { kind: "check" | "checked" }>,
): BackupChange {
  const { check, checked, ...rest } = record;
  const { slot } = operation;
  if (record.state !== "done") {
    return refused(`The backup ${record.id} is ${record.state}, not taken`);
  }
  if (operation.kind === "checked") {
    if (check?.slot !== slot) {
      return refused(`Nobody was to look at the backup ${record.id} for then`);
    }
    const { at, problem } = operation;
    return saved({ ...rest, checked: { slot, at, problem } });
  }
  if (checked !== undefined && checked.slot >= slot) {
    return refused(`The backup ${record.id} was looked at`);
  }
  return saved({ ...record, check: { slot, by: operation.by } });
}

function begun(
  records: readonly BackupRecord[],
  operation: Extract<RecordOperation, { kind: "begin" }>,
  index: LogIndex,
): BackupChange {
  const { kind: _, ...asked } = operation;
  const known = records.find(({ id }) => id === asked.id);
  if (known !== undefined) return saved(known);
  const own = records.filter(({ cluster }) => cluster === asked.cluster);
  const running = own.find(({ state }) => state === "running");
  if (running !== undefined) {
    return refused(`The backup ${running.id} is still being taken`);
  }
  const { slot } = asked;
  // Of one time of the schedule there is one backup, whichever clock told of it; after a failure it may be tried again.
  const later = slot === null
    ? undefined
    : own.find((record) =>
      record.slot !== null && record.slot >= slot && record.state !== "failed"
    );
  if (later !== undefined) {
    return refused(
      `The backup of ${new Date(slot!).toISOString()} was begun as ${later.id}`,
    );
  }
  // What a cluster was taking whose data went on as this one is taken by nobody.
  const orphaned = records.filter((record) =>
    record.state === "running" && record.cluster !== asked.cluster
  ).map((record) => ({
    ...record,
    state: "failed" as const,
    error: "The cluster went on as another one",
    ended: asked.at,
  }));
  const record: BackupRecord = {
    ...asked,
    began: index,
    attempt: 1,
    state: "running",
  };
  return {
    answer: { ok: true, record },
    saved: [...orphaned, record],
    dropped: records.slice(0, Math.max(0, records.length + 1 - RECORDS_KEPT))
      .map(({ id }) => id),
  };
}

function saved(record: BackupRecord): BackupChange {
  return { answer: { ok: true, record }, saved: [record], dropped: [] };
}

function refused(detail: string): BackupChange {
  return { answer: { ok: false, detail }, saved: [], dropped: [] };
}
