import type { Network } from "../../network/port.ts";
import {
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import type { NodeId } from "../../raft/types.ts";
import type { MemberSlow, SlowReport, SlowReports } from "../telemetry_port.ts";
import { slowFrom } from "./told_check.ts";

/** Asks a peer for its slow statements. */
const SLOW = "telemetry.slow";
/** So long the others are waited for, ms. */
const ASK_MS = 1_000;

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
    if (this.#network.peer(node) === undefined) return undefined;
    const nothing = new Uint8Array(0);
    const answer = await this.#requests.askWithin(ASK_MS, node, SLOW, nothing);
    return answer.kind === "ok" ? slowFrom(answer.body) : undefined;
  }
}
