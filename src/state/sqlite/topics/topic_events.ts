import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { StateEvent, StateEvents } from "../../port.ts";
import {
  type Published,
  TOPIC_EVENT,
  writeToldEvent,
} from "../../topics/event.ts";

/** Bytes of data that one batch tells; of the events after that only that they are there. */
const TOLD_BYTES = 2 * 1024 * 1024;

/** Collects what entries publish, and hands over what is committed. */
export class TopicEvents {
  readonly #list: Published[] = [];
  /** How many of them are committed. */
  #committed = 0;

  /** An entry of the open transaction publishes this. */
  add(event: Published): void {
    this.#list.push(event);
  }

  /** The transaction was committed. */
  commit(): void {
    this.#committed = this.#list.length;
  }

  /** The transaction was rolled back. */
  undo(): void {
    this.#list.length = this.#committed;
  }

  /** Appends what was committed since the last call. */
  write(writer: ByteWriter): void {
    if (this.#list.length === 0) {
      writer.u32(0).u32(0);
      return;
    }
    let bytes = 0;
    const event = new ByteWriter();
    const all = new ByteWriter();
    for (const { index, number, topic, data } of this.#list) {
      bytes += data.bytes.length;
      const told = { number, topic, data: bytes > TOLD_BYTES ? null : data };
      writeToldEvent(event.reset(), told);
      all.u53(index).bytes(event.view());
    }
    writer.u32(this.#committed).bytes(all.view());
    // Between two batches no transaction is open.
    this.#list.length = 0;
    this.#committed = 0;
  }
}

/** What {@linkcode TopicEvents.write} wrote, in memory of its own; decoded when it is iterated. */
export interface TopicBatch {
  readonly count: number;
  readonly bytes: Uint8Array;
}

/** Reads what {@linkcode TopicEvents.write} wrote. */
export function readTopicEvents(reader: ByteReader): TopicBatch {
  const count = reader.u32();
  return { count, bytes: reader.bytes().slice() };
}

/** Adds topics' events to a batch: in each entry after what else it did. */
export function withTopics(
  others: StateEvents,
  topics: TopicBatch,
): StateEvents {
  if (topics.count === 0) return others;
  return {
    count: others.count + topics.count,
    byteLength: others.byteLength + topics.bytes.length,
    [Symbol.iterator]: () => merged(others, topics),
  };
}

function* decoded({ bytes }: TopicBatch): Generator<StateEvent> {
  const reader = new ByteReader(bytes);
  while (reader.remaining > 0) {
    const index = reader.u53();
    yield { index, seq: 0, kind: TOPIC_EVENT, bytes: reader.bytes() };
  }
}

function* merged(
  others: StateEvents,
  topics: TopicBatch,
): Generator<StateEvent> {
  let last = { index: 0, seq: -1 };
  const numbered = (event: StateEvent): StateEvent => {
    const seq = event.index === last.index ? last.seq + 1 : 0;
    last = { index: event.index, seq };
    return { ...event, seq };
  };
  const published = decoded(topics);
  let next = published.next();
  for (const other of others) {
    for (
      ;
      !next.done && next.value.index < other.index;
      next = published.next()
    ) yield numbered(next.value);
    yield numbered(other);
  }
  for (; !next.done; next = published.next()) yield numbered(next.value);
}
