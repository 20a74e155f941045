import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../../util/bytes.ts";
import type { SavedAnswers, SavedSession } from "../../session_store.ts";
import { readKey, writeKey } from "../keys.ts";
import { readInteger, writeInteger } from "../numbers.ts";
import {
  readStoredCache,
  readStoredPosition,
  writeStoredCache,
  writeStoredPosition,
} from "../records.ts";
import type {
  KvPosition,
  StoredCache,
  StoredCounter,
  StoredEntry,
} from "../store.ts";
import type { ByteKey } from "../types.ts";
import { readKvValue, writeKvValue } from "../values.ts";

const Tag = {
  cache: 1,
  entry: 2,
  counter: 3,
  deleteEntry: 4,
  deleteCounter: 5,
  forget: 6,
  session: 7,
  answers: 8,
  position: 9,
} as const;

/** What a snapshot says, one after the other: it is applied in its order, the position last. */
export type SnapshotRecord =
  | { readonly kind: "cache"; readonly cache: StoredCache }
  | {
    readonly kind: "entry";
    readonly number: number;
    readonly key: ByteKey;
    readonly entry: StoredEntry;
  }
  | {
    readonly kind: "counter";
    readonly number: number;
    readonly key: ByteKey;
    readonly counter: StoredCounter;
  }
  | {
    readonly kind: "deleteEntry" | "deleteCounter";
    readonly number: number;
    readonly key: ByteKey;
  }
  | { readonly kind: "forget"; readonly number: number }
  | { readonly kind: "session"; readonly session: SavedSession }
  | { readonly kind: "answers"; readonly answers: SavedAnswers }
  | { readonly kind: "position"; readonly position: KvPosition };

/** Appends a record. */
export function writeRecord(writer: ByteWriter, record: SnapshotRecord): void {
  writer.u8(Tag[record.kind]);
  switch (record.kind) {
    case "cache":
      return writeStoredCache(writer, record.cache);
    case "entry":
      writer.natural(record.number);
      writeKey(writer, record.key);
      writeKvValue(writer, record.entry);
      writer.natural(record.entry.version);
      writer.natural(record.entry.deadlineMs);
      return;
    case "counter":
      writer.natural(record.number);
      writeKey(writer, record.key);
      writeInteger(writer, record.counter.value);
      writer.natural(record.counter.deadlineMs);
      return;
    case "deleteEntry":
    case "deleteCounter":
      writer.natural(record.number);
      return writeKey(writer, record.key);
    case "forget":
      writer.natural(record.number);
      return;
    case "session":
      writer.u53(record.session.id).u53(record.session.used);
      writer.u53(record.session.clockMs).u53(record.session.below);
      return;
    case "answers":
      writer.u53(record.answers.first).bytes(record.answers.data);
      return;
    case "position":
      return writeStoredPosition(writer, record.position);
  }
}

/**
 * Reads what {@linkcode writeRecord} wrote; bytes are views into the input.
 * @throws {MalformedBytesError} for anything else.
 */
export function readRecord(reader: ByteReader): SnapshotRecord {
  const tag = reader.u8();
  switch (tag) {
    case Tag.cache:
      return { kind: "cache", cache: readStoredCache(reader) };
    case Tag.entry:
    case Tag.counter:
    case Tag.deleteEntry:
    case Tag.deleteCounter:
      return readKeyed(reader, tag);
    case Tag.forget:
      return { kind: "forget", number: reader.natural() };
    case Tag.session:
      return {
        kind: "session",
        session: {
          id: reader.u53(),
          used: reader.u53(),
          clockMs: reader.u53(),
          below: reader.u53(),
        },
      };
    case Tag.answers:
      return {
        kind: "answers",
        answers: { first: reader.u53(), data: reader.bytes() },
      };
    case Tag.position:
      return { kind: "position", position: readStoredPosition(reader) };
    default:
      throw new MalformedBytesError(`unknown record of a snapshot ${tag}`);
  }
}

function readKeyed(
  reader: ByteReader,
  tag:
    | typeof Tag.entry
    | typeof Tag.counter
    | typeof Tag.deleteEntry
    | typeof Tag.deleteCounter,
): SnapshotRecord {
  const number = reader.natural();
  const key = readKey(reader);
  switch (tag) {
    case Tag.entry: {
      const { kind, bytes } = readKvValue(reader);
      const version = reader.natural();
      const deadlineMs = reader.natural();
      const entry = { kind, bytes, version, deadlineMs };
      return { kind: "entry", number, key, entry };
    }
    case Tag.counter: {
      const value = readInteger(reader);
      const counter = { value, deadlineMs: reader.natural() };
      return { kind: "counter", number, key, counter };
    }
    case Tag.deleteEntry:
      return { kind: "deleteEntry", number, key };
    case Tag.deleteCounter:
      return { kind: "deleteCounter", number, key };
  }
}
