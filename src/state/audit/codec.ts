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
  type OperationFields,
  operationIn,
} from "../json_fields.ts";
import {
  type AuditNote,
  type AuditOperation,
  type AuditRun,
  DETAIL_CHARS_MAX,
  FILE_CHARS_MAX,
} from "./types.ts";

/** How the answer to an operation begins; those of SQL begin with 0 or 1, of locks with 2, of tokens with 3, of backups with 4. */
const AUDIT_ANSWER = 5;
const SESSION = /^[A-Za-z0-9_-]{1,64}$/;

const isSession: FieldCheck = (value) =>
  typeof value === "string" && SESSION.test(value);

const isMaybeCount: FieldCheck = (value) => value === null || isCount(value);

const RUN: Readonly<Record<keyof AuditRun, FieldCheck>> = {
  id: isSession,
  file: (value) => isTextOf(value, FILE_CHARS_MAX),
  count: isCount,
};

const NOTE: Readonly<Record<Exclude<keyof AuditNote, "run">, FieldCheck>> = {
  role: (value) => value === "viewer" || value === "admin",
  address: (value) => isTextOf(value, 100),
  nodeId: isCount,
  action: (value) =>
    typeof value === "string" && /^[A-Za-z]{1,40}$/.test(value),
  detail: (value) => isTextOf(value, DETAIL_CHARS_MAX),
  outcome: (value) => isTextOf(value, 40),
  rows: isMaybeCount,
  did: isMaybeCount,
};

const PART = { ...NOTE, run: (value: unknown) => hasFields(value, RUN) };

/** The fields of each kind of operation. */
const FIELDS: OperationFields<AuditOperation["kind"]> = {
  note: { note: (value) => hasFields(value, NOTE) || hasFields(value, PART) },
  end: {
    session: isSession,
    untilMs: isCount,
    note: (value) => hasFields(value, NOTE),
  },
  spend: {
    nonce: isSession,
    untilMs: isCount,
    note: (value) => hasFields(value, NOTE),
  },
};

/** Appends what an entry asks of the audit trail: as often as people click, so it is JSON. */
export function writeAuditOperation(
  writer: ByteWriter,
  operation: AuditOperation,
): void {
  writer.text(JSON.stringify(operation));
}

/**
 * Reads what {@linkcode writeAuditOperation} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readAuditOperation(reader: ByteReader): AuditOperation {
  return operationIn<AuditOperation>(
    reader.text(),
    FIELDS,
    "an operation on the audit trail that is none",
  );
}

/** Appends the answer to an operation: whether it was done; what is spent already is not spent again. */
export function writeAuditAnswer(writer: ByteWriter, isDone: boolean): void {
  writer.u8(AUDIT_ANSWER).u8(isDone ? 1 : 0);
}

/**
 * Decodes what {@linkcode writeAuditAnswer} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeAuditAnswer(bytes: Uint8Array): boolean {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== AUDIT_ANSWER) {
    throw new MalformedBytesError("not an answer about the audit trail");
  }
  const isDone = reader.u8() === 1;
  reader.end();
  return isDone;
}

/** A note as it is kept. */
export function noteText(note: AuditNote): string {
  return JSON.stringify(note);
}

/** Reads what {@linkcode noteText} gave. */
export function noteOf(text: string): AuditNote {
  return JSON.parse(text) as AuditNote;
}
