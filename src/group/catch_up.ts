import type { RaftGroup } from "./group.ts";

/**
 * Whether a started member has applied what the cluster had committed when it
 * started. Its own commit index does not show that, since it never passes its own log.
 */
export class CatchUp {
  #group: RaftGroup | null = null;
  #asking = false;
  #done = false;

  /** Whether it has, in the group of the last {@linkcode attempt}. */
  get done(): boolean {
    return this.#done;
  }

  /** Asks the leader, if there is one and it was not asked before. A new group begins anew. */
  attempt(group: RaftGroup | null): void {
    if (group !== this.#group) {
      this.#group = group;
      this.#asking = false;
      this.#done = false;
    }
    if (this.#done || this.#asking || !group?.core.leader) return;
    this.#asking = true;
    group.readIndex((index) => {
      if (this.#group !== group) return;
      this.#asking = false;
      this.#done = index !== null;
    });
  }
}
