import type { PeerIdentity } from "../../network/port.ts";
import { type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";

/** When anything came from each of the other members. Called for every frame: it allocates with the first of a link only. */
export class Contacts {
  readonly #clock: Clock;
  readonly #last = new Map<NodeId, { ms: number }>();
  /** By the object that a link tells of its peer. */
  readonly #known = new WeakMap<PeerIdentity, { ms: number }>();

  /** Has heard nobody. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something came from a peer. */
  heard(from: PeerIdentity): void {
    let last = this.#known.get(from);
    if (last === undefined) {
      const node = nodeIdOf(from.id);
      last = this.#last.get(node) ?? { ms: 0 };
      this.#last.set(node, last);
      this.#known.set(from, last);
    }
    last.ms = this.#clock.monotonic();
  }

  /** Since when nothing came from a node, as an age in ms; null if nothing ever did. */
  ageMs(node: NodeId): number | null {
    const last = this.#last.get(node);
    return last === undefined
      ? null
      : Math.max(0, this.#clock.monotonic() - last.ms);
  }

  /** Who was heard. */
  get nodes(): readonly NodeId[] {
    return [...this.#last.keys()];
  }
}
