import type { Entry } from "../../../src/raft/types.ts";
import { CacheMachine } from "../../../src/state/kv/machine.ts";
import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import type { ApplyDone } from "../../../src/state/port.ts";
import { Bytes } from "../caches/space.ts";

/** The caches of one life on one member; `heard` is told of what was applied. */
export class WatchedCaches extends CacheMachine {
  readonly #heard: (entries: readonly Entry[]) => void;

  constructor(
    later: (event: () => void) => void,
    soon: (next: () => void) => void,
    heard: (entries: readonly Entry[]) => void,
  ) {
    super({
      store: new PromptStore(later),
      stores: { replacement: () => new PromptStore(later), adopt: () => {} },
      space: { open: () => new Bytes(later) },
      pace: { now: () => 0, soon, turn: later },
    });
    this.#heard = heard;
  }

  override apply(
    entries: readonly Entry[],
    answers: boolean,
    done: ApplyDone,
  ): void {
    super.apply(entries, answers, (error, results, events) => {
      if (error === null) this.#heard(entries);
      done(error, results, events);
    });
  }
}

/** One whose checkpoints need nothing of the platform. */
class PromptStore extends MemoryKvStore {
  readonly #later: (event: () => void) => void;

  constructor(later: (event: () => void) => void) {
    super();
    this.#later = later;
  }

  override checkpoint(done: (error: Error | null) => void): void {
    this.#later(() => done(null));
  }
}
