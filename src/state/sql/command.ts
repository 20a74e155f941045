import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { TextMemo } from "../../util/text_memo.ts";
import { HiqliteError } from "../../errors.ts";
import {
  readFence,
  readLockOperation,
  writeFence,
  writeLockOperation,
} from "../locks/codec.ts";
import type { LockOperation } from "../locks/types.ts";
import { readTokenOperation, writeTokenOperation } from "../tokens/codec.ts";
import type { TokenOperation } from "../tokens/types.ts";
import { readBackupOperation, writeBackupOperation } from "../backups/codec.ts";
import type { BackupOperation } from "../backups/types.ts";
import { readAuditOperation, writeAuditOperation } from "../audit/codec.ts";
import type { AuditOperation } from "../audit/types.ts";
import { FIRST_FREE_TAG, readCount, readTagged, writeValue } from "./values.ts";
import { readNotices, writeNotices } from "./notices.ts";
import type { Notice } from "../topics/notice.ts";
import {
  COMMAND_LIMITS,
  type CommandBody,
  type Migration,
  type SqlParameter,
  type SqlParameters,
  type Statement,
  type WriteNotice,
} from "./types.ts";

const Kind = {
  execute: 1,
  txn: 2,
  batch: 3,
  migrate: 4,
  notify: 5,
  lock: 8,
  token: 9,
  backup: 10,
  audit: 11,
} as const;

/** Added to a kind whose fence comes next. */
const FENCED = 0x80;

/** What an entry of the durable group can ask for. */
export type EntryCommand =
  | CommandBody
  | { readonly kind: "lock"; readonly operation: LockOperation }
  | { readonly kind: "token"; readonly operation: TokenOperation }
  | { readonly kind: "backup"; readonly operation: BackupOperation }
  | { readonly kind: "audit"; readonly operation: AuditOperation };

const Shape = { none: 0, positional: 1, named: 2 } as const;

/** Applications run few different statements, again and again. */
const sqlTexts = new TextMemo();

const REFERENCE_BY_POSITION = FIRST_FREE_TAG;
const REFERENCE_BY_NAME = FIRST_FREE_TAG + 1;

/**
 * Appends a command: its kind (a byte), then what it asks for.
 * @throws {HiqliteError} `too_large` above `COMMAND_LIMITS.commandBytes`; `invalid` for values that SQLite cannot store.
 */
export function writeCommand(writer: ByteWriter, body: EntryCommand): void {
  const start = writer.length;
  const fence = "fence" in body ? body.fence : undefined;
  writer.u8(Kind[body.kind] + (fence === undefined ? 0 : FENCED));
  if (fence !== undefined) writeFence(writer, fence);
  writeBody(writer, body);
  const bytes = writer.length - start;
  if (bytes > COMMAND_LIMITS.commandBytes) {
    throw new HiqliteError(
      "too_large",
      `The command has ${bytes} bytes, the limit is ${COMMAND_LIMITS.commandBytes}`,
    );
  }
}

/**
 * Decodes what {@linkcode writeCommand} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeCommand(bytes: Uint8Array): EntryCommand {
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  const fence = kind >= FENCED ? readFence(reader) : undefined;
  const body = readBody(reader, kind % FENCED);
  reader.end();
  if (fence === undefined) return body;
  switch (body.kind) {
    case "execute":
    case "txn":
    case "batch":
      return { ...body, fence };
    default:
  }
  throw new MalformedBytesError(`a fence before a command ${body.kind}`);
}

function writeBody(writer: ByteWriter, body: EntryCommand): void {
  switch (body.kind) {
    case "execute":
      writeStatement(writer, body.statement);
      return writeNotices(writer, body.notify ?? []);
    case "txn":
      writer.u32(body.statements.length);
      for (const statement of body.statements) {
        writeStatement(writer, statement);
      }
      return writeNotices(writer, body.notify ?? []);
    case "notify":
      return writeNotices(writer, body.notices);
    case "batch":
      writer.text(body.sql);
      return;
    case "migrate":
      writer.u32(body.migrations.length);
      for (const { id, name, sql } of body.migrations) {
        writer.u32(id).text(name).text(sql);
      }
      return;
    case "lock":
      return writeLockOperation(writer, body.operation);
    case "token":
      return writeTokenOperation(writer, body.operation);
    case "backup":
      return writeBackupOperation(writer, body.operation);
    case "audit":
      return writeAuditOperation(writer, body.operation);
  }
}

function readBody(reader: ByteReader, kind: number): EntryCommand {
  switch (kind) {
    case Kind.execute:
      return readExecute(reader);
    case Kind.txn:
      return {
        kind: "txn",
        statements: readList(reader, 5, () => readStatement(reader)),
        ...readNotify(reader),
      };
    case Kind.notify:
      return { kind: "notify", notices: readOwnNotices(reader) };
    case Kind.batch:
      return { kind: "batch", sql: reader.text() };
    case Kind.migrate:
      return {
        kind: "migrate",
        migrations: readList(reader, 12, () => readMigration(reader)),
      };
    case Kind.lock:
      return { kind: "lock", operation: readLockOperation(reader) };
    case Kind.token:
      return { kind: "token", operation: readTokenOperation(reader) };
    case Kind.backup:
      return { kind: "backup", operation: readBackupOperation(reader) };
    case Kind.audit:
      return { kind: "audit", operation: readAuditOperation(reader) };
    default:
      throw new MalformedBytesError(`unknown kind of command ${kind}`);
  }
}

/** Nearly every command is one, and publishes nothing. */
function readExecute(reader: ByteReader): CommandBody {
  const statement = readStatement(reader);
  const notify = readNotices(reader);
  return notify.length === 0
    ? { kind: "execute", statement }
    : { kind: "execute", statement, notify };
}

function readNotify(reader: ByteReader): { notify?: WriteNotice[] } {
  const notify = readNotices(reader);
  return notify.length === 0 ? {} : { notify };
}

/** Without statements there is nothing to refer to. */
function readOwnNotices(reader: ByteReader): Notice[] {
  return readNotices(reader).map(({ topic, data }) => {
    if (!("$ref" in data)) return { topic, data };
    throw new MalformedBytesError("an event that refers to no statement");
  });
}

function readMigration(reader: ByteReader): Migration {
  return { id: reader.u32(), name: reader.text(), sql: reader.text() };
}

function readList<T>(
  reader: ByteReader,
  minimum: number,
  read: () => T,
): T[] {
  const count = readCount(reader, minimum);
  const list: T[] = [];
  for (let i = 0; i < count; i++) list.push(read());
  return list;
}

/** Appends a statement: its text and its parameters. */
export function writeStatement(
  writer: ByteWriter,
  { sql, params }: Statement,
): void {
  writer.text(sql);
  writeParameters(writer, params);
}

/** Reads what {@linkcode writeStatement} wrote. */
export function readStatement(reader: ByteReader): Statement {
  const sql = reader.text(sqlTexts);
  const params = readParameters(reader);
  return params === undefined ? { sql } : { sql, params };
}

function writeParameters(
  writer: ByteWriter,
  params: SqlParameters | undefined,
): void {
  if (params === undefined) {
    writer.u8(Shape.none);
  } else if (Array.isArray(params)) {
    writer.u8(Shape.positional).u32(params.length);
    for (const value of params) writeParameter(writer, value);
  } else {
    const named = Object.entries(params as Record<string, SqlParameter>);
    writer.u8(Shape.named).u32(named.length);
    for (const [name, value] of named) {
      writer.text(name);
      writeParameter(writer, value);
    }
  }
}

function readParameters(reader: ByteReader): SqlParameters | undefined {
  const shape = reader.u8();
  switch (shape) {
    case Shape.none:
      return undefined;
    case Shape.positional:
      return readList(reader, 1, () => readParameter(reader));
    case Shape.named:
      return Object.fromEntries(
        readList(reader, 5, () => [reader.text(), readParameter(reader)]),
      );
    default:
      throw new MalformedBytesError(`unknown shape of parameters ${shape}`);
  }
}

function writeParameter(writer: ByteWriter, value: SqlParameter): void {
  if (typeof value === "boolean") return writeValue(writer, value ? 1 : 0);
  if (
    value === null || typeof value !== "object" || value instanceof Uint8Array
  ) {
    return writeValue(writer, value);
  }
  const { statement, column } = value.$ref;
  if (typeof column === "number") {
    writer.u8(REFERENCE_BY_POSITION).u32(statement).u32(column);
  } else {
    writer.u8(REFERENCE_BY_NAME).u32(statement).text(column);
  }
}

function readParameter(reader: ByteReader): SqlParameter {
  const tag = reader.u8();
  switch (tag) {
    case REFERENCE_BY_POSITION:
      return { $ref: { statement: reader.u32(), column: reader.u32() } };
    case REFERENCE_BY_NAME:
      return { $ref: { statement: reader.u32(), column: reader.text() } };
    default:
      return readTagged(reader, tag);
  }
}
