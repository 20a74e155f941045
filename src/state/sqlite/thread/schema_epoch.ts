/** Hears of changes of the schema, around their COMMIT. */
export interface SchemaChanges {
  /** A change is about to be committed. */
  beginChange(): void;
  /** The change is committed or undone. */
  endChange(): void;
}

/**
 * Tells every thread that the schema has changed, so that cached statements know their
 * columns: a counter in shared memory, odd while a change is being committed.
 */
export class SchemaEpoch implements SchemaChanges {
  /** The memory to hand to other threads. */
  readonly memory: SharedArrayBuffer;
  readonly #counter: Int32Array;

  /** Starts a counter, or joins the one in `memory`. */
  constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#counter = new Int32Array(memory);
  }

  /** The counter now. */
  get value(): number {
    return Atomics.load(this.#counter, 0);
  }

  /** See `SchemaChanges`. */
  beginChange(): void {
    Atomics.add(this.#counter, 0, 1);
  }

  /** See `SchemaChanges`. */
  endChange(): void {
    Atomics.add(this.#counter, 0, 1);
  }
}
