/** What compiling a statement revealed. */
export interface Observed {
  /** It changes the schema. */
  schema: boolean;
  /** Tables and views that it makes, alters or drops, also by an index or a trigger of theirs. */
  touches: Set<string>;
  /** It inserts, updates or deletes rows, not counting the schema's own. */
  data: boolean;
  /** The table that the statement itself (no trigger) inserts into; null if none. */
  insertsInto: string | null;
  /** Tables and views whose rows it, its triggers or its foreign keys change. */
  writes: Set<string>;
  /** A trigger changes rows, so that there may be changes when no row of its own table was. */
  indirect: boolean;
  /** A trigger belongs to it, or a view that it reads. */
  triggers: boolean;
  /** It defers foreign keys to the end of the transaction. */
  defersForeignKeys: boolean;
  /** Tables it, or a virtual table that it opens, reads, the view of locks also by its function; folded. */
  reads: Set<string>;
  /** It asks for `changes()` or the like, not counting a virtual table that it opens. */
  counters: boolean;
}

/** Of a statement that does nothing. */
export function nothingObserved(): Observed {
  return {
    schema: false,
    touches: new Set(),
    data: false,
    insertsInto: null,
    writes: new Set(),
    indirect: false,
    triggers: false,
    defersForeignKeys: false,
    reads: new Set(),
    counters: false,
  };
}
