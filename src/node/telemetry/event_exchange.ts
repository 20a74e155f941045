import type { Network } from "../../network/port.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import type { NodeId } from "../../raft/types.ts";
import type {
  MemberEvent,
  MemberEvents,
  MemberEventsRequest,
} from "../telemetry_port.ts";
import { askPeer } from "./ask_peer.ts";
import { EVENTS_KEPT, type OwnEvents } from "./own_events.ts";
import { eventsFrom } from "./told_check.ts";

/** Asks a peer for its events. */
const EVENTS = "telemetry.events";
const LIMIT = 500;

/** Brings together what happened to all members, each of which keeps its own events. */
export class EventExchange {
  readonly #network: Network;
  readonly #requests: PeerRequests;
  readonly #own: OwnEvents;

  /** Knows this member's own. */
  constructor(network: Network, requests: PeerRequests, own: OwnEvents) {
    this.#network = network;
    this.#requests = requests;
    this.#own = own;
  }

  /** What this member serves to others. */
  handlers(): Record<string, PeerHandler> {
    return {
      [EVENTS]: (_from, body, answer) => {
        const asked = decodeJson(body) as Partial<Wanted> | null;
        const { after, limit } = asked ?? {};
        const events = this.#own.after(
          typeof after === "number" ? after : 0,
          typeof limit === "number" && limit > 0 && limit <= EVENTS_KEPT
            ? limit
            : LIMIT,
        );
        answer(true, encodeJson(events));
      },
    };
  }

  /** See {@linkcode MemberTelemetry.events}; `self` is this member's node, `others` are the nodes that belong to it. */
  async collect(
    { after = {}, limit = LIMIT }: MemberEventsRequest,
    self: NodeId,
    others: readonly NodeId[],
  ): Promise<MemberEvents> {
    const answers = await Promise.all(others.map(async (node) => {
      const wanted: Wanted = { after: after[node] ?? 0, limit };
      return [node, await this.#ask(node, wanted)] as const;
    }));
    const events = [
      ...this.#own.after(after[self] ?? 0, limit),
      ...answers.flatMap(([, events]) => events ?? []),
    ];
    events.sort((a, b) => a.number - b.number || a.nodeId - b.nodeId);
    return {
      events: events.slice(-limit),
      silent: answers.filter(([, events]) => events === undefined)
        .map(([node]) => node),
    };
  }

  async #ask(
    node: NodeId,
    wanted: Wanted,
  ): Promise<readonly MemberEvent[] | undefined> {
    const at = { network: this.#network, requests: this.#requests };
    const told = await askPeer(at, node, EVENTS, encodeJson(wanted));
    // Nobody speaks for another one.
    return told &&
      eventsFrom(told)?.filter(({ nodeId }) => nodeId === node);
  }
}

interface Wanted {
  readonly after: number;
  readonly limit: number;
}
