import type { RaftGroup } from "../../group/group.ts";
import type { Clock } from "../../util/clock.ts";

/** A leader whose group applied nothing for so long proposes an entry. */
const IDLE_MS = 10_000;
const PROPOSAL_MS = 5_000;

/** What the walk needs from its node. */
export interface IdleWalkPorts {
  readonly clock: Clock;
  group(): RaftGroup | null;
  tellTime(timeoutMs: number): Promise<unknown>;
}

/**
 * Members sum up their contents with the entries they apply; without writes the leader proposes entries that
 * carry nothing but the time, so that a difference between members is found in a quiet cluster, too.
 */
export class IdleWalk {
  readonly #ports: IdleWalkPorts;
  #applied = 0;
  #sinceMs: number;

  /** Proposes nothing until {@linkcode tick} is called. */
  constructor(ports: IdleWalkPorts) {
    this.#ports = ports;
    this.#sinceMs = ports.clock.monotonic();
  }

  /** Proposes an entry if it is time to; called a few times a second. */
  tick(): void {
    const group = this.#ports.group();
    const now = this.#ports.clock.monotonic();
    const applied = group?.machine.applied.index ?? 0;
    if (applied !== this.#applied) {
      this.#applied = applied;
      this.#sinceMs = now;
    }
    const leads = group?.core.role === "leader" && !group.diskFull;
    if (!leads || now - this.#sinceMs < IDLE_MS) return;
    this.#sinceMs = now;
    // Whoever leads later tries again.
    this.#ports.tellTime(PROPOSAL_MS).catch(() => {});
  }
}
