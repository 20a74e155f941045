import type { EventCursor } from "../../../group/event_feed.ts";
import type { LogIndex } from "../../../raft/types.ts";
import { SqlEvent, tablesIn } from "../../../state/sql/events.ts";
import { foldName } from "../../../state/sql/names.ts";

/** Tables that are remembered; of more, those that changed longest ago are forgotten. */
const TABLES_MAX = 4096;

/** A table and when it changed last. */
interface Latest {
  /** As the schema spells it. */
  name: string;
  index: LogIndex;
  /** The last of these entries that changed the schema, too. */
  schema: LogIndex;
}

/** What changed after an index; see `TableChange`. */
export interface Changed {
  readonly index: LogIndex;
  readonly tables: readonly string[];
  readonly schema: boolean;
  readonly reset: boolean;
}

/** What an event names: each table with its folded name. */
type Names = readonly (readonly [folded: string, name: string])[];

/** Names of events that were decoded: entries that write the same tables share the bytes. */
const decoded = new WeakMap<Uint8Array, Names>();

/** When each table changed last: all that anybody needs who reads the present state, however slowly. */
export class LatestChanges {
  readonly #tables = new Map<string, Latest>();
  /** What changed up to here is not known. */
  #from: LogIndex;
  #schema: LogIndex = 0;
  #index: LogIndex = 0;

  /** Knows nothing of what changed up to `from`. */
  constructor(from: LogIndex) {
    this.#from = from;
  }

  /** What changed up to here is not known. */
  get from(): LogIndex {
    return this.#from;
  }

  /** Reads all that a cursor has; answers the folded names of the tables that changed, or null: any may have. */
  read(cursor: EventCursor): ReadonlySet<string> | null {
    const names = new Set<string>();
    let all = false;
    for (let event = cursor.next(); event !== null; event = cursor.next()) {
      if ("gap" in event) {
        this.#lose(event.to);
        all = true;
      } else if (event.kind === SqlEvent.schema) {
        this.#schema = this.#index = event.index;
        all = true;
      } else if (event.kind === SqlEvent.tables) {
        this.#note(event.index, namesOf(event.bytes), names);
      }
    }
    if (this.#tables.size > TABLES_MAX) this.#forget();
    return all ? null : names;
  }

  /** What changed after an index, of the `wanted` tables (folded; null: of all); null if nothing did. */
  after(
    index: LogIndex,
    wanted: ReadonlySet<string> | null,
  ): Changed | null {
    if (index < this.#from) {
      const last = Math.max(this.#from, this.#index);
      return { index: last, tables: [], schema: true, reset: true };
    }
    const changed = [...this.#candidates(wanted)].filter((table) =>
      table !== undefined && table.index > index
    ) as Latest[];
    const alone = wanted === null && this.#schema > index;
    if (changed.length === 0 && !alone) return null;
    return {
      index: Math.max(
        ...changed.map((table) => table.index),
        alone ? this.#schema : 0,
      ),
      tables: changed.map(({ name }) => name).sort(),
      schema: alone || changed.some(({ schema }) => schema > index),
      reset: false,
    };
  }

  /** The last entry after `index` upon which what depends on these tables (folded; null: on all), and on the schema, may be another; 0 if there is none. */
  lastAfter(index: LogIndex, tables: Iterable<string> | null): LogIndex {
    if (index < this.#from) return Math.max(this.#from, this.#index);
    let last = tables === null ? this.#index : this.#schema;
    for (const name of tables ?? []) {
      last = Math.max(last, this.#tables.get(name)?.index ?? 0);
    }
    return last > index ? last : 0;
  }

  *#candidates(
    wanted: ReadonlySet<string> | null,
  ): Generator<Latest | undefined> {
    if (wanted === null) yield* this.#tables.values();
    else for (const name of wanted) yield this.#tables.get(name);
  }

  #note(index: LogIndex, named: Names, into: Set<string>): void {
    this.#index = index;
    const schema = this.#schema === index ? index : 0;
    for (const [folded, name] of named) {
      into.add(folded);
      const latest = this.#tables.get(folded);
      if (latest === undefined) {
        this.#tables.set(folded, { name, index, schema });
      } else {
        latest.name = name;
        latest.index = index;
        if (schema > 0) latest.schema = schema;
      }
    }
  }

  #lose(to: LogIndex): void {
    this.#from = Math.max(this.#from, to);
    this.#index = Math.max(this.#index, to);
    this.#tables.clear();
  }

  /** Forgets the half that changed longest ago. */
  #forget(): void {
    const oldest = [...this.#tables].sort(([, a], [, b]) => a.index - b.index)
      .slice(0, this.#tables.size >>> 1);
    for (const [folded, { index }] of oldest) {
      this.#tables.delete(folded);
      this.#from = Math.max(this.#from, index);
    }
  }
}

function namesOf(bytes: Uint8Array): Names {
  let names = decoded.get(bytes);
  if (names === undefined) {
    names = tablesIn(bytes).map((name) => [foldName(name), name] as const);
    decoded.set(bytes, names);
  }
  return names;
}
