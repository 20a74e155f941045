import type { Network } from "../../network/port.ts";
import {
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import type { NodeId } from "../../raft/types.ts";
import { NO_BYTES } from "../../util/bytes.ts";
import type { MemberSlow, SlowReport, SlowReports } from "../telemetry_port.ts";
import { askPeer } from "./ask_peer.ts";
import { slowFrom } from "./told_check.ts";

/** Asks a peer for its slow statements. */
const SLOW = "telemetry.slow";

/** Brings together the slow statements of all members, each of which keeps its own. */
export class SlowExchange {
  readonly #network: Network;
  readonly #requests: PeerRequests;
  readonly #own: () => SlowReport;

  /** Knows this member's own. */
  constructor(
    network: Network,
    requests: PeerRequests,
    own: () => SlowReport,
  ) {
    this.#network = network;
    this.#requests = requests;
    this.#own = own;
  }

  /** What this member serves to others. */
  handlers(): Record<string, PeerHandler> {
    return {
      [SLOW]: (_from, _body, answer) => answer(true, encodeJson(this.#own())),
    };
  }

  /** See {@linkcode MemberTelemetry.slow}; `self` is this member's node, `others` are the nodes that belong to it. */
  async collect(
    self: NodeId,
    others: readonly NodeId[],
  ): Promise<SlowReports> {
    const answers = await Promise.all(
      others.map(async (node) => [node, await this.#ask(node)] as const),
    );
    const members: MemberSlow[] = [{ nodeId: self, ...this.#own() }];
    const silent: NodeId[] = [];
    for (const [nodeId, told] of answers) {
      if (told === undefined) silent.push(nodeId);
      else members.push({ nodeId, ...told });
    }
    members.sort((a, b) => a.nodeId - b.nodeId);
    return { members, silent };
  }

  async #ask(node: NodeId): Promise<SlowReport | undefined> {
    const at = { network: this.#network, requests: this.#requests };
    const told = await askPeer(at, node, SLOW, NO_BYTES);
    return told && slowFrom(told);
  }
}
