import { crc32 } from "node:zlib";
import type { LogIndex } from "../../../raft/types.ts";
import { VALUE_KINDS } from "../../stored_value.ts";
import type { RetainedEvents } from "../../topics/event.ts";
import { EVENT_BYTES, RETENTION } from "../../topics/limits.ts";
import type { Notice } from "../../topics/notice.ts";
import type { SqliteConnection, SqliteStatement } from "../driver/driver.ts";
import type { TopicEvents } from "./topic_events.ts";

/** The table of events; `total` counts the bytes of all events up to this one. */
export const EVENTS_TABLE = `
CREATE TABLE main._hql_events (
  n INTEGER PRIMARY KEY,
  idx INTEGER NOT NULL,
  clock INTEGER NOT NULL,
  total INTEGER NOT NULL,
  topic TEXT NOT NULL,
  kind INTEGER NOT NULL,
  data BLOB NOT NULL
);`;

/** Events that one entry may give up for their age or for bytes: what is left goes with the next ones. */
const GIVEN_UP_MAX = 2_000;

/** What is remembered of the oldest event. */
interface Oldest {
  readonly number: number;
  readonly clockMs: number;
  readonly total: number;
}

/**
 * Keeps what entries publish in their own transaction, and gives up the oldest. What is kept follows
 * from the entries alone, so every member keeps the same.
 */
export class TopicStore {
  readonly #insert: SqliteStatement;
  readonly #read: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #events: TopicEvents;
  #retained: RetainedEvents;
  /** Rows before this number are deleted. */
  #deletedBefore: number;
  #oldest: Oldest | null = null;
  /** Whether the last entry published, or gave up, something. */
  changed = false;
  /** A checksum over what the last entry published; 0 if it published nothing. */
  published = 0;

  /** In a database that has {@linkcode EVENTS_TABLE}; tells `events` what is published. */
  constructor(
    connection: SqliteConnection,
    retained: RetainedEvents,
    events: TopicEvents,
  ) {
    this.#insert = connection.prepare(
      "INSERT INTO main._hql_events VALUES (?, ?, ?, ?, ?, ?, ?)",
    )!;
    this.#read = connection.prepare(
      "SELECT clock, total FROM main._hql_events WHERE n = ?",
    )!;
    this.#delete = connection.prepare(
      "DELETE FROM main._hql_events WHERE n < ?",
    )!;
    this.#events = events;
    this.#retained = retained;
    this.#deletedBefore = retained.first;
  }

  /** What is kept as of the last entry. */
  get retained(): RetainedEvents {
    return this.#retained;
  }

  /** An entry begins. */
  begin(): void {
    this.changed = false;
    this.published = 0;
  }

  /** Publishes what the entry at `index` has to say, in this order. */
  publish(
    index: LogIndex,
    clockMs: number,
    notices: readonly Notice[],
  ): void {
    this.changed = true;
    let { last, total } = this.#retained;
    for (const notice of notices) {
      const { topic, data: { kind, bytes } } = notice;
      last++;
      total += EVENT_BYTES + topic.length + bytes.length;
      const code = VALUE_KINDS.indexOf(kind);
      this.#insert.run({
        anonymous: [
          BigInt(last),
          BigInt(index),
          BigInt(clockMs),
          BigInt(total),
          topic,
          BigInt(code),
          bytes,
        ],
        named: null,
      });
      this.published = crc32(bytes, crc32(`${topic} ${code}`, this.published));
      this.#events.add({ ...notice, index, number: last });
    }
    this.#retained = { ...this.#retained, last, total };
  }

  /** Gives up what is too much or too old at this time of the cluster clock. */
  trim(clockMs: number): void {
    const { events, bytes, ageMs } = RETENTION;
    const { last, total } = this.#retained;
    let { first, before } = this.#retained;
    if (last - first + 1 > events) {
      first = last - events + 1;
      before = this.#row(first - 1).total;
    }
    for (let left = GIVEN_UP_MAX; first <= last && left > 0; left--) {
      const { clockMs: since, total: after } = this.#row(first);
      if (total - before <= bytes && clockMs - since < ageMs) break;
      before = after;
      first++;
    }
    if (first === this.#retained.first) return;
    this.changed = true;
    this.#retained = { first, last, before, total };
  }

  /** Deletes what was given up, in the transaction that is about to be committed. */
  save(): void {
    const { first } = this.#retained;
    if (first === this.#deletedBefore) return;
    this.#delete.run({ anonymous: [BigInt(first)], named: null });
    this.#deletedBefore = first;
  }

  /** The transaction was undone: goes on from what is committed. */
  reload(retained: RetainedEvents): void {
    this.#retained = retained;
    this.#deletedBefore = retained.first;
    this.#oldest = null;
  }

  #row(number: number): Oldest {
    if (this.#oldest?.number === number) return this.#oldest;
    const [row] = this.#read.all({ anonymous: [BigInt(number)], named: null });
    const [clockMs, total] = row as [number, number];
    return this.#oldest = { number, clockMs, total };
  }
}
