import type { BackupRecord } from "../state/backups/types.ts";
import { INTEGER, type NamedSchemas, object, TEXT } from "./json_schema.ts";

const REQUIRED = {
  id: TEXT,
  cluster_id: TEXT,
  name: TEXT,
  state: { enum: ["running", "done", "failed"] },
  began_index: INTEGER,
  asked_ms: INTEGER,
  slot_ms: { type: ["integer", "null"] },
  taken_by: TEXT,
  attempt: INTEGER,
};

/** The schema of a backup. */
export const BACKUP_SCHEMAS: NamedSchemas = {
  Backup: object({
    ...REQUIRED,
    ended_ms: INTEGER,
    error: TEXT,
    place: { enum: ["store", "folder"] },
    index: INTEGER,
    term: INTEGER,
    time_ms: INTEGER,
    state_hash: INTEGER,
    size: INTEGER,
    sha256: TEXT,
    checked_ms: INTEGER,
    check_slot_ms: INTEGER,
    check_problem: { type: ["string", "null"] },
  }, Object.keys(REQUIRED)),
};

/** A backup in JSON. */
export interface JsonBackup {
  readonly id: string;
  readonly cluster_id: string;
  readonly name: string;
  readonly state: BackupRecord["state"];
  readonly began_index: number;
  readonly asked_ms: number;
  readonly slot_ms: number | null;
  readonly taken_by: string;
  readonly attempt: number;
  readonly ended_ms?: number;
  readonly error?: string;
  readonly place?: NonNullable<BackupRecord["place"]>;
  readonly index?: number;
  readonly term?: number;
  readonly time_ms?: number;
  readonly state_hash?: number;
  readonly size?: number;
  readonly sha256?: string;
  /** When it was looked at last, if it was (`backup_verify`). */
  readonly checked_ms?: number;
  readonly check_slot_ms?: number;
  /** What was wrong with it then; null: it was good. */
  readonly check_problem?: string | null;
}

/** The JSON form of a backup. */
export function backupToJson(record: BackupRecord): JsonBackup {
  const { contents, ended, error, place, checked } = record;
  return {
    id: record.id,
    cluster_id: record.cluster,
    name: record.name,
    state: record.state,
    began_index: record.began,
    asked_ms: record.at,
    slot_ms: record.slot,
    taken_by: record.uploader,
    attempt: record.attempt,
    ...(ended === undefined ? {} : { ended_ms: ended }),
    ...(error === undefined ? {} : { error }),
    ...(place === undefined ? {} : { place }),
    ...(contents === undefined ? {} : {
      index: contents.index,
      term: contents.term,
      time_ms: contents.timeMs,
      state_hash: contents.hash,
      size: contents.size,
      sha256: contents.sha256,
    }),
    ...(checked === undefined ? {} : {
      checked_ms: checked.at,
      check_slot_ms: checked.slot,
      check_problem: checked.problem,
    }),
  };
}

/** A backup from JSON. */
export function backupFromJson(json: JsonBackup): BackupRecord {
  const { ended_ms: ended, error, place, index } = json;
  return {
    id: json.id,
    cluster: json.cluster_id,
    name: json.name,
    state: json.state,
    began: json.began_index,
    at: json.asked_ms,
    slot: json.slot_ms,
    uploader: json.taken_by,
    attempt: json.attempt,
    ...(ended === undefined ? {} : { ended }),
    ...(error === undefined ? {} : { error }),
    ...(place === undefined ? {} : { place }),
    ...(index === undefined ? {} : {
      contents: {
        index,
        term: json.term!,
        timeMs: json.time_ms!,
        hash: json.state_hash!,
        size: json.size!,
        sha256: json.sha256!,
      },
    }),
    ...(json.checked_ms === undefined ? {} : {
      checked: {
        at: json.checked_ms,
        slot: json.check_slot_ms!,
        problem: json.check_problem ?? null,
      },
    }),
  };
}
