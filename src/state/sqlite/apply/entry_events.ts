import type { LogIndex } from "../../../raft/types.ts";
import type { ByteWriter } from "../../../util/bytes.ts";
import { TopicEvents } from "../topics/topic_events.ts";
import type { StateEvent } from "../../port.ts";
import { NO_TABLES, TableSets } from "./table_sets.ts";

/** Added to a {@linkcode changeOf} by a change of the schema. */
export const SCHEMA_CHANGED = 1;

/** What an entry changed, as one number: which tables' rows, and (in the lowest bit) whether the schema. 0: nothing. */
export function changeOf(tables: number, schema: boolean): number {
  return 2 * tables + (schema ? SCHEMA_CHANGED : 0);
}

/** The number of the set of tables in a {@linkcode changeOf}. */
export function tablesOf(change: number): number {
  return change >>> 1;
}

/** How many events tell of a {@linkcode changeOf}. */
export function eventsOf(change: number): number {
  return (tablesOf(change) === NO_TABLES ? 0 : 1) + (change & SCHEMA_CHANGED);
}

/** An event that is no change of tables. */
export type OwnEvent = Pick<StateEvent, "index" | "kind" | "bytes">;

/** Numbers that make a run: the index of its first entry, how many follow one another, what each of them changed. */
const RUN = 3;

/** Collects what entries changed, and hands over what is committed. */
export class EntryEvents {
  /** Which tables entries write. */
  readonly tables: TableSets = new TableSets();
  /** What entries publish. */
  readonly topics: TopicEvents = new TopicEvents();
  /** Runs of entries that changed the same, {@linkcode RUN} numbers each. */
  readonly #runs: number[] = [];
  /** How many of these numbers tell of committed entries. */
  #committed = 0;
  /** What is told in words of its own, in the order of entries. */
  readonly #told: OwnEvent[] = [];
  /** How many of these are of committed entries. */
  #toldCommitted = 0;

  /** An entry of the open transaction is done. */
  note(index: LogIndex, change: number): void {
    if (change === 0) return;
    const runs = this.#runs;
    const last = runs.length - RUN;
    if (
      last >= this.#committed && runs[last + 2] === change &&
      runs[last]! + runs[last + 1]! === index
    ) runs[last + 1]!++;
    else runs.push(index, 1, change);
  }

  /** An entry of the open transaction did something that has an event of its own; it comes after those of tables. */
  add(index: LogIndex, kind: string, bytes: Uint8Array): void {
    this.#told.push({ index, kind, bytes });
  }

  /** The transaction was committed. */
  commit(): void {
    this.#toldCommitted = this.#told.length;
    this.#committed = this.#runs.length;
    this.topics.commit();
  }

  /** The transaction was rolled back. */
  undo(): void {
    this.#runs.length = this.#committed;
    this.topics.undo();
    this.#told.length = this.#toldCommitted;
  }

  /** Begins the numbers of tables' sets anew if there are too many; true: none given before may be used. */
  renumber(): boolean {
    if (!this.tables.full || this.#runs.length > 0) return false;
    this.tables.reset();
    return true;
  }

  /** Appends what was committed since the last call. */
  write(writer: ByteWriter): void {
    this.tables.tell(writer);
    let count = 0;
    for (let i = 0; i < this.#committed; i += RUN) {
      count += this.#runs[i + 1]! * eventsOf(this.#runs[i + 2]!);
    }
    writer.u32(count).u32(this.#committed / RUN);
    for (let i = 0; i < this.#committed; i += RUN) {
      writer.u53(this.#runs[i]!).u32(this.#runs[i + 1]!)
        .u32(this.#runs[i + 2]!);
    }
    writer.u32(this.#toldCommitted);
    for (const { index, kind, bytes } of this.#told) {
      writer.u53(index).text(kind).bytes(bytes);
    }
    this.topics.write(writer);
    // Between two batches no transaction is open.
    this.#runs.length = 0;
    this.#committed = 0;
    this.#told.length = 0;
    this.#toldCommitted = 0;
  }
}
