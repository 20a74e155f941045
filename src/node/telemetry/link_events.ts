import type { PeerIdentity } from "../../network/port.ts";
import { type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { OwnEvents } from "./own_events.ts";

/**
 * Tells of links with the other members of the cluster. Links are broken and made anew while a cluster forms, as those
 * who have none yet become its members: contact begins after that.
 */
export class LinkEvents {
  readonly #events: OwnEvents;
  readonly #linked = new Set<NodeId>();

  /** Notes them in `events`. */
  constructor(events: OwnEvents) {
    this.#events = events;
  }

  /** A link is up. `clusterId` is this member's; empty if it has none yet. */
  up({ id, clusterId: theirs }: PeerIdentity, clusterId: string): void {
    if (clusterId === "" || theirs === "") return;
    const about = nodeIdOf(id);
    this.#linked.add(about);
    const text = `the link to node ${about} is up`;
    this.#events.note({ kind: "contact_regained", about, text });
  }

  /** A link that was up broke. */
  down(about: NodeId): void {
    if (!this.#linked.delete(about)) return;
    const text = `the link to node ${about} is down`;
    this.#events.note({ kind: "contact_lost", about, text });
  }
}
