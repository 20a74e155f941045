import type { Network } from "../../network/port.ts";
import type { PeerRequests } from "../../network/requests.ts";
import type { NodeId } from "../../raft/types.ts";

/** So long others are waited for, ms. */
const ASK_MS = 1_000;

/** Asks a node for what it tells under `name`; undefined if it is not linked, or gives no answer within a second. */
export async function askPeer(
  { network, requests }: {
    readonly network: Pick<Network, "peer">;
    readonly requests: Pick<PeerRequests, "askWithin">;
  },
  node: NodeId,
  name: string,
  body: Uint8Array,
): Promise<Uint8Array | undefined> {
  if (network.peer(node) === undefined) return undefined;
  const answer = await requests.askWithin(ASK_MS, node, name, body);
  return answer.kind === "ok" ? answer.body : undefined;
}
