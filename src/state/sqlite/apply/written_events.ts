import { ByteReader, NO_BYTES } from "../../../util/bytes.ts";
import { NO_EVENTS, type StateEvent, type StateEvents } from "../../port.ts";
import { SqlEvent } from "../../sql/events.ts";
import { readTopicEvents, withTopics } from "../topics/topic_events.ts";
import { type OwnEvent, SCHEMA_CHANGED, tablesOf } from "./entry_events.ts";
import { NO_TABLES } from "./table_sets.ts";

/** Bytes of a run. */
const RUN_BYTES = 16;

/** Reads on the event loop what `EntryEvents.write` wrote in the writer's thread. */
export class WrittenEvents {
  /** Encoded sets of tables, by number. */
  #sets: Uint8Array[] = [NO_BYTES];

  /** The events of the next batch. */
  read(reader: ByteReader): StateEvents {
    if (reader.u8() === 1) this.#sets = [NO_BYTES];
    // Copies: the rest of the message shall not be kept.
    for (let i = reader.u32(); i > 0; i--) {
      this.#sets.push(reader.bytes().slice());
    }
    const count = reader.u32();
    const runs = reader.raw(reader.u32() * RUN_BYTES);
    const told = Array.from({ length: reader.u32() }, () => ({
      index: reader.u53(),
      kind: reader.text(),
      bytes: reader.bytes().slice(),
    }));
    const others = count + told.length === 0
      ? NO_EVENTS
      : new BatchOfEvents(count, runs.slice(), this.#sets, told);
    return withTopics(others, readTopicEvents(reader));
  }
}

class BatchOfEvents implements StateEvents {
  readonly count: number;
  readonly #runs: Uint8Array;
  readonly #sets: readonly Uint8Array[];
  readonly #told: readonly OwnEvent[];

  constructor(
    count: number,
    runs: Uint8Array,
    sets: readonly Uint8Array[],
    told: readonly OwnEvent[],
  ) {
    this.count = count + told.length;
    this.#runs = runs;
    this.#sets = sets;
    this.#told = told;
  }

  get byteLength(): number {
    return this.#told.reduce(
      (sum, { bytes }) => sum + bytes.length,
      this.#runs.length,
    );
  }

  *[Symbol.iterator](): Iterator<StateEvent> {
    if (this.#told.length === 0) return yield* this.#changes();
    const changes = this.#changes();
    let change = changes.next();
    let [last, seq] = [0, 0];
    for (const told of this.#told) {
      while (!change.done && change.value.index <= told.index) {
        yield change.value;
        [last, seq] = [change.value.index, change.value.seq + 1];
        change = changes.next();
      }
      if (told.index !== last) [last, seq] = [told.index, 0];
      yield { ...told, seq: seq++ };
    }
    if (!change.done) yield change.value;
    yield* changes;
  }

  *#changes(): Generator<StateEvent, undefined> {
    const reader = new ByteReader(this.#runs);
    while (reader.remaining > 0) {
      const first = reader.u53();
      const end = first + reader.u32();
      const change = reader.u32();
      const tables = tablesOf(change);
      for (let index = first; index < end; index++) {
        let seq = 0;
        if ((change & SCHEMA_CHANGED) !== 0) {
          yield { index, seq: seq++, kind: SqlEvent.schema, bytes: NO_BYTES };
        }
        if (tables !== NO_TABLES) {
          const bytes = this.#sets[tables]!;
          yield { index, seq, kind: SqlEvent.tables, bytes };
        }
      }
    }
  }
}
