import { ByteReader, NO_BYTES } from "../../../util/bytes.ts";
import { NO_EVENTS, type StateEvent, type StateEvents } from "../../port.ts";
import { SqlEvent } from "../../sql/events.ts";
import { SCHEMA_CHANGED, tablesOf } from "./entry_events.ts";
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
    return count === 0
      ? NO_EVENTS
      : new BatchOfEvents(count, runs.slice(), this.#sets);
  }
}

class BatchOfEvents implements StateEvents {
  readonly count: number;
  readonly #runs: Uint8Array;
  readonly #sets: readonly Uint8Array[];

  constructor(
    count: number,
    runs: Uint8Array,
    sets: readonly Uint8Array[],
  ) {
    this.count = count;
    this.#runs = runs;
    this.#sets = sets;
  }

  get byteLength(): number {
    return this.#runs.length;
  }

  *[Symbol.iterator](): Iterator<StateEvent> {
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
