import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { TextMemo } from "../../util/text_memo.ts";
import { HiqliteError } from "../../errors.ts";
import { FIRST_FREE_TAG, readCount, readTagged, writeValue } from "./values.ts";
import {
  COMMAND_LIMITS,
  type CommandBody,
  type Migration,
  type SqlParameter,
  type SqlParameters,
  type Statement,
} from "./types.ts";

const Kind = {
  execute: 1,
  txn: 2,
  batch: 3,
  migrate: 4,
} as const;

const Shape = { none: 0, positional: 1, named: 2 } as const;

/** Applications run few different statements, again and again. */
const sqlTexts = new TextMemo();

const REFERENCE_BY_POSITION = FIRST_FREE_TAG;
const REFERENCE_BY_NAME = FIRST_FREE_TAG + 1;

/**
 * Appends a command: its kind (a byte), then what it asks for.
 * @throws {HiqliteError} `too_large` above `COMMAND_LIMITS.commandBytes`; `invalid` for values that SQLite cannot store.
 */
export function writeCommand(writer: ByteWriter, body: CommandBody): void {
  const start = writer.length;
  writer.u8(Kind[body.kind]);
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
export function decodeCommand(bytes: Uint8Array): CommandBody {
  const reader = new ByteReader(bytes);
  const body = readBody(reader, reader.u8());
  reader.end();
  return body;
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
