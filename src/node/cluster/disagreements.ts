import type { MemberId } from "../../raft/types.ts";
import type { Logger } from "../../util/logger.ts";

/**
 * That this member's state is not another's: said once, counted, and told until they agree again or
 * the other one is gone. What follows from it is decided elsewhere: without a majority, nothing can be.
 */
export class Disagreements {
  readonly #logger: Logger;
  readonly #open = new Map<MemberId, string>();
  #total = 0;

  /** Knows of none. */
  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** How many began since the start of this process. */
  get total(): number {
    return this.#total;
  }

  /** What differs now; null if nothing is known to. */
  get detail(): string | null {
    return this.#open.size === 0 ? null : [...this.#open.values()].join("; ");
  }

  /** This member's state differs from that of `other`, in a way that is described by `what`. */
  found(other: MemberId, what: string): void {
    if (this.#open.has(other)) return;
    this.#open.set(other, what);
    this.#total++;
    this.#logger.error(`Members differ: ${what}`);
  }

  /** Both agree about the last index that both tell of. */
  settled(other: MemberId): void {
    if (this.#open.delete(other)) {
      this.#logger.info(`The state is that of member ${other} again`);
    }
  }

  /** Only these belong to the cluster. */
  keep(members: readonly MemberId[]): void {
    for (const other of this.#open.keys()) {
      if (!members.includes(other)) this.#open.delete(other);
    }
  }
}
