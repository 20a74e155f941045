import type { Entry } from "../../../src/raft/types.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import type { Pace } from "../../../src/state/kv/pace.ts";
import { ContentReads } from "../../../src/state/kv/reads.ts";
import { SnapshotBuild } from "../../../src/state/kv/snapshot/build.ts";
import { SnapshotLoad } from "../../../src/state/kv/snapshot/load.ts";
import { KvState } from "../../../src/state/kv/state.ts";
import type { PreparedEntry } from "../../../src/state/port.ts";
import { LIMITS, type Model, type ModelApplied } from "../kv_model.ts";
import { dumpOf, readMain } from "./dump.ts";
import { Bytes } from "./space.ts";

/** Everything at once. */
const AT_ONCE: Pace = {
  now: () => 0,
  soon: (next) => next(),
  turn: (next) => next(),
};

/** The caches' state as it is on a member that keeps it: the simulator's machine decides what of it a crash leaves. */
export class CacheModel implements Model {
  readonly #store = new MemoryKvStore();
  readonly #state: KvState;

  /** The state that {@linkcode CacheModel.encode} wrote, or an empty one. */
  constructor(bytes: Uint8Array) {
    if (bytes.length > 0) {
      const snapshot = new Bytes((read) => read());
      snapshot.append(bytes);
      new SnapshotLoad(snapshot, this.#store, AT_ONCE, (error) => {
        if (error !== null) throw error;
      });
    }
    this.#state = new KvState(this.#store, { limits: LIMITS });
  }

  get clockMs(): number {
    return this.#state.clockMs;
  }

  apply(entries: readonly Entry[]): ModelApplied {
    this.#state.begin(entries[0]!.index);
    const answers = entries.map((entry) => this.#state.apply(entry));
    this.#state.commit();
    return { answers, divergence: null };
  }

  prepare(): PreparedEntry[] {
    throw new Error("Caches run no command before it is replicated");
  }

  commitPrepared(): void {}

  rollbackPrepared(): void {}

  read(key: number): string {
    const reads = new ContentReads(() => this.#state.contents);
    return readMain(reads, key, this.clockMs);
  }

  encode(): Uint8Array {
    const bytes = new Bytes((read) => read());
    const space = { open: () => bytes };
    new SnapshotBuild(this.#state, space, AT_ONCE, false, (error) => {
      if (error !== null) throw error;
    });
    return bytes.all();
  }

  dump(): string {
    return dumpOf(this.#store);
  }

  close(): void {}
}
