import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { readValueKind, VALUE_KINDS } from "../stored_value.ts";
import {
  ENTRY_EVENT_BYTES_MAX,
  ENTRY_EVENTS_MAX,
  EVENT_DATA_BYTES_MAX,
} from "../topics/limits.ts";
import { validateTopic } from "../topics/notice.ts";
import { invalidInput, tooLarge, typeNameOf } from "../wrong_input.ts";
import type { StatementReference, WriteNotice } from "./types.ts";
import { validateReference } from "./validate_reference.ts";
import { readCount } from "./values.ts";

const Shape = { data: 0, byPosition: 1, byName: 2 } as const;

/** Bytes of a notice: two lengths, a shape, a kind. */
const SHORTEST_NOTICE = 10;

/** Appends what a write publishes. */
export function writeNotices(
  writer: ByteWriter,
  notices: readonly WriteNotice[],
): void {
  writer.u32(notices.length);
  for (const { topic, data } of notices) {
    writer.text(topic);
    if ("$ref" in data) writeReference(writer, data.$ref);
    else {
      writer.u8(Shape.data).u8(VALUE_KINDS.indexOf(data.kind));
      writer.bytes(data.bytes);
    }
  }
}

function writeReference(
  writer: ByteWriter,
  { statement, column }: StatementReference,
): void {
  if (typeof column === "number") {
    writer.u8(Shape.byPosition).u32(statement).u32(column);
  } else {
    writer.u8(Shape.byName).u32(statement).text(column);
  }
}

/**
 * Reads what {@linkcode writeNotices} wrote; the data are views into the input.
 * @throws {MalformedBytesError} for anything else.
 */
export function readNotices(reader: ByteReader): WriteNotice[] {
  return Array.from(
    { length: readCount(reader, SHORTEST_NOTICE) },
    () => ({ topic: reader.text(), data: readData(reader) }),
  );
}

function readData(reader: ByteReader): WriteNotice["data"] {
  const shape = reader.u8();
  switch (shape) {
    case Shape.data:
      return { kind: readValueKind(reader), bytes: reader.bytes() };
    case Shape.byPosition:
      return { $ref: { statement: reader.u32(), column: reader.u32() } };
    case Shape.byName:
      return { $ref: { statement: reader.u32(), column: reader.text() } };
    default:
      throw new MalformedBytesError(`unknown shape of an event ${shape}`);
  }
}

/**
 * Checks what a write publishes after `statements` statements: what can be known before it runs.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateNotices(
  notices: readonly WriteNotice[],
  statements: number,
): void {
  if (!Array.isArray(notices)) throw invalidInput("notify: expected a list");
  if (notices.length > ENTRY_EVENTS_MAX) {
    throw tooLarge("notify", `${notices.length} events`, ENTRY_EVENTS_MAX);
  }
  let bytes = 0;
  for (const [at, notice] of notices.entries()) {
    bytes += validateNotice(notice as WriteNotice, statements, at);
  }
  if (bytes > ENTRY_EVENT_BYTES_MAX) {
    throw tooLarge("notify", `${bytes} bytes`, ENTRY_EVENT_BYTES_MAX);
  }
}

/** How many bytes it carries, as far as that is known. */
function validateNotice(
  notice: WriteNotice,
  statements: number,
  at: number,
): number {
  const where = `notify[${at}]: `;
  if (notice === null || typeof notice !== "object") {
    throw invalidInput(`${where}not an event: ${typeNameOf(notice)}`);
  }
  const { topic, data } = notice;
  validateTopic(topic, where);
  if (data === null || typeof data !== "object") {
    throw invalidInput(`${where}no data to publish: ${typeNameOf(data)}`);
  }
  if ("$ref" in data) {
    validateReference(data.$ref, statements, `${where}the data`);
    return 0;
  }
  const { kind, bytes } = data;
  if (!VALUE_KINDS.includes(kind) || !(bytes instanceof Uint8Array)) {
    throw invalidInput(`${where}no data to publish: ${typeNameOf(data)}`);
  }
  if (bytes.length > EVENT_DATA_BYTES_MAX) {
    throw tooLarge(
      `${where}the data`,
      `${bytes.length} bytes`,
      EVENT_DATA_BYTES_MAX,
    );
  }
  return bytes.length;
}
