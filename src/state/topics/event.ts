import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import type { LogIndex } from "../../raft/types.ts";
import {
  readValueKind,
  type StoredValue,
  VALUE_KINDS,
} from "../stored_value.ts";
import type { Notice } from "./notice.ts";

/** The kind of the events of a state machine that tell what was published. */
export const TOPIC_EVENT = "topic";

/** What was published, and where it stands. */
export interface Published extends Notice {
  /** The entry that published it. */
  readonly index: LogIndex;
  /** Counts all events of the cluster's history, from 1. */
  readonly number: number;
}

/** What is kept of a cluster's events; part of the state. */
export interface RetainedEvents {
  /** The number of the oldest event that is kept; `last + 1` if none is. */
  readonly first: number;
  /** The number of the event published last; 0 before the first. */
  readonly last: number;
  /** Bytes of all events ever published before `first`, as retention counts them. */
  readonly before: number;
  /** Bytes of all events ever published. */
  readonly total: number;
}

/** Before the first event. */
export const NOTHING_RETAINED: RetainedEvents = Object.freeze({
  first: 1,
  last: 0,
  before: 0,
  total: 0,
});

/** What a state machine's event of the kind {@linkcode TOPIC_EVENT} says. */
export interface ToldEvent {
  readonly number: number;
  readonly topic: string;
  /** Null where it was left out: it stands in the table of events. */
  readonly data: StoredValue | null;
}

const LEFT_OUT = 0;
const DATA_FOLLOWS = 1;

/** Appends what is told of an event, with its data or without. */
export function writeToldEvent(
  writer: ByteWriter,
  { number, topic, data }: ToldEvent,
): void {
  writer.u53(number).text(topic);
  if (data === null) writer.u8(LEFT_OUT);
  else {
    writer.u8(DATA_FOLLOWS).u8(VALUE_KINDS.indexOf(data.kind));
    writer.raw(data.bytes);
  }
}

/** Reads what {@linkcode writeToldEvent} wrote, up to the end. */
export function readToldEvent(reader: ByteReader): ToldEvent {
  const number = reader.u53();
  const topic = reader.text();
  if (reader.u8() === LEFT_OUT) return { number, topic, data: null };
  const kind = readValueKind(reader);
  return { number, topic, data: { kind, bytes: reader.raw(reader.remaining) } };
}

/** Appends {@linkcode RetainedEvents}. */
export function writeRetained(
  writer: ByteWriter,
  { first, last, before, total }: RetainedEvents,
): void {
  writer.u53(first).u53(last).u53(before).u53(total);
}

/** Reads what {@linkcode writeRetained} wrote. */
export function readRetained(reader: ByteReader): RetainedEvents {
  return {
    first: reader.u53(),
    last: reader.u53(),
    before: reader.u53(),
    total: reader.u53(),
  };
}
