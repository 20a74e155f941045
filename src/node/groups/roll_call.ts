import type { PeerIdentity } from "../../network/port.ts";
import {
  decodeJson,
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import type { NodeId } from "../../raft/types.ts";

/** The request that asks a node which start of it runs. */
export const START = "start";
const NOTHING = new Uint8Array(0);

/** Tells which start of this node runs. */
export function startHandler(self: () => PeerIdentity): PeerHandler {
  return (_from, _body, answer) =>
    answer(true, encodeJson({ start: self().start }));
}

/**
 * Asks nodes which start of them runs now. What a link once said is not enough: it may be one to a process that
 * ended since. A start that answers was alive after it was asked, so every other start that was known
 * by then came before it, and has ended.
 */
export class RollCall {
  /** What the call is about; another one makes it useless. */
  readonly subject: string;
  readonly #starts = new Map<NodeId, string>();

  /** Asks at once. */
  constructor(
    subject: string,
    nodes: Iterable<NodeId>,
    requests: PeerRequests,
  ) {
    this.subject = subject;
    for (const node of nodes) {
      requests.ask(node, START, NOTHING, (answer) => {
        if (answer.kind !== "ok") return;
        const { start } = decodeJson(answer.body) as { start?: unknown } ?? {};
        if (typeof start === "string") this.#starts.set(node, start);
      });
    }
  }

  /** The start of a node that answered; undefined for silence, which says nothing. */
  startOf(node: NodeId): string | undefined {
    return this.#starts.get(node);
  }
}
