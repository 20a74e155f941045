import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import {
  type FieldCheck,
  hasFields,
  isCount,
  isTextOf,
  objectIn,
  type OperationFields,
  operationIn,
} from "../json_fields.ts";
import {
  type ArchivedLog,
  type BackupAnswer,
  type BackupContents,
  type BackupOperation,
  type BackupRecord,
  ERROR_CHARS_MAX,
} from "./types.ts";

/** The first byte of an answer; those of SQL begin with 0 or 1, those of locks with 2, of tokens with 3. */
const BACKUP_ANSWER = 4;
const ID = /^[a-z0-9-]{1,64}$/;
const NAME = /^(?!\.)[A-Za-z0-9._-]{1,200}$/;
const SHA256 = /^[0-9a-f]{64}$/;
const TEXT_MAX = 100;

const isText: FieldCheck = (value) => isTextOf(value, TEXT_MAX);
const isError: FieldCheck = (value) => isTextOf(value, ERROR_CHARS_MAX);
const isId: FieldCheck = (value) => typeof value === "string" && ID.test(value);

const CONTENTS: Readonly<Record<keyof BackupContents, FieldCheck>> = {
  index: isCount,
  term: isCount,
  timeMs: isCount,
  hash: isCount,
  size: isCount,
  sha256: (value) => typeof value === "string" && SHA256.test(value),
};

/** The fields of each kind of operation. */
const FIELDS: OperationFields<BackupOperation["kind"]> = {
  begin: {
    id: isId,
    cluster: isText,
    at: isCount,
    slot: (value) => value === null || isCount(value),
    name: (value) => typeof value === "string" && NAME.test(value),
    uploader: isText,
  },
  assign: { id: isId, attempt: isCount, uploader: isText },
  done: {
    id: isId,
    place: (value) => value === "store" || value === "folder",
    at: isCount,
    contents: (value) => hasFields(value, CONTENTS),
  },
  failed: {
    id: isId,
    attempt: isCount,
    at: isCount,
    error: isError,
    last: (value) => typeof value === "boolean",
  },
  archived: { cluster: isText, after: isCount, through: isCount },
  check: { id: isId, slot: isCount, by: isText },
  checked: {
    id: isId,
    slot: isCount,
    at: isCount,
    problem: (value) => value === null || isError(value),
  },
};

/** Appends what an entry asks of the backups: a few a day, so it is JSON. */
export function writeBackupOperation(
  writer: ByteWriter,
  operation: BackupOperation,
): void {
  writer.text(JSON.stringify(operation));
}

/**
 * Reads what {@linkcode writeBackupOperation} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readBackupOperation(reader: ByteReader): BackupOperation {
  return operationIn<BackupOperation>(
    reader.text(),
    FIELDS,
    "an operation on backups that is none",
  );
}

/** Appends the answer to an operation. */
export function writeBackupAnswer(
  writer: ByteWriter,
  answer: BackupAnswer,
): void {
  writer.u8(BACKUP_ANSWER).text(JSON.stringify(answer));
}

/**
 * Reads what {@linkcode writeBackupAnswer} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeBackupAnswer(bytes: Uint8Array): BackupAnswer {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== BACKUP_ANSWER) {
    throw new MalformedBytesError("not an answer about backups");
  }
  const answer = objectIn(reader.text()) as BackupAnswer;
  reader.end();
  return answer;
}

/** A record as it is kept. */
export function recordText(record: BackupRecord): string {
  return JSON.stringify(record);
}

/** Reads what {@linkcode recordText} gave. */
export function recordOf(text: string): BackupRecord {
  return JSON.parse(text) as BackupRecord;
}

/** Reads a row of `SELECT_ARCHIVED`. */
export function archivedOf(row: readonly unknown[]): ArchivedLog {
  const [cluster, after, through] = row as [string, number, number];
  return { cluster, after, through };
}
