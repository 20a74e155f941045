import {
  ByteReader,
  type ByteWriter,
  encodeShared,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { assert } from "../../util/assert.ts";
import { TextMemo } from "../../util/text_memo.ts";
import { HiqliteError } from "../../errors.ts";
import { FIRST_FREE_TAG, readCount, readTagged, writeValue } from "./values.ts";
import {
  type Command,
  COMMAND_LIMITS,
  type CommandBody,
  type Migration,
  type SqlParameter,
  type SqlParameters,
  type Statement,
} from "./types.ts";

export { decodeResult, encodeResult } from "./result.ts";
export type { AppliedResult } from "./result.ts";
export { validateCommand, validateQuery } from "./validate.ts";

/** The first byte of an encoded command. */
export const COMMAND_VERSION = 1;

const TIME_OFFSET = 2;
const SEED_A_OFFSET = 10;
const SEED_B_OFFSET = 14;
const HEADER_BYTES = 18;
const IDENTITY_BYTES = 24;

const Kind = {
  execute: 1,
  txn: 2,
  batch: 3,
  migrate: 4,
  openSession: 5,
  closeSession: 6,
} as const;

const Shape = { none: 0, positional: 1, named: 2 } as const;

/** Applications run few different statements, again and again. */
const sqlTexts = new TextMemo();

const REFERENCE_BY_POSITION = FIRST_FREE_TAG;
const REFERENCE_BY_NAME = FIRST_FREE_TAG + 1;

/** The command was written by a newer version of this software; this member must be upgraded before it can go on. */
export class UnknownCommandVersionError extends Error {
  override readonly name = "UnknownCommandVersionError";
}

/**
 * Encodes a command: version and kind (a byte each), time (8 bytes), seed (2 × 4
 * bytes), all at fixed offsets for {@linkcode stampCommand}, then the identity and the body.
 * @throws {HiqliteError} `too_large` above `COMMAND_LIMITS.commandBytes`; `invalid` for values that SQLite cannot store.
 */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  return encodeShared((writer) => writeCommand(writer, command));
}

function writeCommand(writer: ByteWriter, command: Command): void {
  writer.u8(COMMAND_VERSION).u8(Kind[command.body.kind]);
  writer.u53(command.timeMs).u32(command.seed[0]).u32(command.seed[1]);
  writer.u53(command.session).u53(command.sequence);
  writer.u53(command.answeredBelow).text(command.idempotencyKey);
  writeBody(writer, command.body);
  if (writer.length > COMMAND_LIMITS.commandBytes) {
    throw new HiqliteError(
      "too_large",
      `The command has ${writer.length} bytes, the limit is ${COMMAND_LIMITS.commandBytes}`,
    );
  }
}

/** Sets time and seed of an encoded command in place: what the leader does just before it proposes. */
export function stampCommand(
  bytes: Uint8Array,
  timeMs: number,
  seedA: number,
  seedB: number,
): void {
  assert(
    bytes.length >= HEADER_BYTES && bytes[0] === COMMAND_VERSION,
    "only an encoded command can be stamped",
  );
  assert(Number.isSafeInteger(timeMs) && timeMs >= 0, `not a time: ${timeMs}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(TIME_OFFSET, timeMs >>> 0, true);
  view.setUint32(TIME_OFFSET + 4, Math.floor(timeMs / 2 ** 32), true);
  view.setUint32(SEED_A_OFFSET, seedA, true);
  view.setUint32(SEED_B_OFFSET, seedB, true);
}

/** What a command asks for, without time, seed and identity: equal bytes ask for the same. */
export function bodyBytes(bytes: Uint8Array): Uint8Array {
  const reader = new ByteReader(bytes, HEADER_BYTES + IDENTITY_BYTES);
  reader.bytes();
  return reader.raw(reader.remaining);
}

/**
 * Decodes what {@linkcode encodeCommand} wrote.
 * @throws {UnknownCommandVersionError} if the version is not {@linkcode COMMAND_VERSION}.
 * @throws {MalformedBytesError} for anything else that was not written by it.
 */
export function decodeCommand(bytes: Uint8Array): Command {
  const reader = new ByteReader(bytes);
  const version = reader.u8();
  if (version !== COMMAND_VERSION) {
    throw new UnknownCommandVersionError(
      `Command version ${version}, this member knows ${COMMAND_VERSION}; upgrade it`,
    );
  }
  const kind = reader.u8();
  const timeMs = reader.u53();
  const seed: [number, number] = [reader.u32(), reader.u32()];
  const session = reader.u53();
  const sequence = reader.u53();
  const answeredBelow = reader.u53();
  const idempotencyKey = reader.text();
  const body = readBody(reader, kind);
  reader.end();
  return {
    timeMs,
    seed,
    session,
    sequence,
    answeredBelow,
    idempotencyKey,
    body,
  };
}

function writeBody(writer: ByteWriter, body: CommandBody): void {
  switch (body.kind) {
    case "execute":
      return writeStatement(writer, body.statement);
    case "txn":
      writer.u32(body.statements.length);
      for (const statement of body.statements) {
        writeStatement(writer, statement);
      }
      return;
    case "batch":
      writer.text(body.sql);
      return;
    case "migrate":
      writer.u32(body.migrations.length);
      for (const { id, name, sql } of body.migrations) {
        writer.u32(id).text(name).text(sql);
      }
      return;
    case "openSession":
    case "closeSession":
      return;
  }
}

function readBody(reader: ByteReader, kind: number): CommandBody {
  switch (kind) {
    case Kind.execute:
      return { kind: "execute", statement: readStatement(reader) };
    case Kind.txn:
      return {
        kind: "txn",
        statements: readList(reader, 5, () => readStatement(reader)),
      };
    case Kind.batch:
      return { kind: "batch", sql: reader.text() };
    case Kind.migrate:
      return {
        kind: "migrate",
        migrations: readList(reader, 12, () => readMigration(reader)),
      };
    case Kind.openSession:
      return { kind: "openSession" };
    case Kind.closeSession:
      return { kind: "closeSession" };
    default:
      throw new MalformedBytesError(`unknown kind of command ${kind}`);
  }
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
