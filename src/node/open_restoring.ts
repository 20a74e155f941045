import * as fs from "node:fs";
import type { NodeConfig } from "../config/types.ts";
import type { DialPeer } from "../network/dialing.ts";
import { GroupRouter } from "../network/group_router.ts";
import { PeerLinks } from "../network/links.ts";
import { decodeJson, encodeJson, PeerRequests } from "../network/requests.ts";
import type { NodeId } from "../raft/types.ts";
import { LEVELS } from "../state/level.ts";
import { systemClock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import { systemTimers } from "../util/timers.ts";
import type { LinkAcceptor } from "../network/port.ts";
import { linksOf, selfOf } from "./cluster/addresses.ts";
import { secretsOf } from "./open.ts";
import { peerDialer } from "./peer_dialer.ts";
import { PROBE } from "./cluster/founding.ts";
import {
  type RestoreTurn,
  restoreTurn,
  type RestoreWish,
} from "./cluster/restore_turn.ts";
import {
  DataDir,
  type Identity,
  IDENTITY_FILE,
  LOGS,
  memberIdOf,
  newIdentity,
  STATE,
} from "./volume/identity.ts";

/** How long a node has to answer, ms. */
const ASK_MS = 2_000;
/** Between two rounds of questions, ms. */
const REST_MS = 250;

/** A node that waits for its turn: it speaks to the others, and is a member of nothing. */
export interface RestoringNode {
  /** Takes the connections of peers. */
  readonly links: LinkAcceptor;
  /** Resolves when it is clear what to do. */
  turn(): Promise<RestoreTurn>;
  close(): Promise<void>;
}

/** Opens a node that was told to restore `source` with all the others; it touches no data. */
export async function openRestoring(
  config: NodeConfig,
  source: string,
  logger: Logger,
): Promise<RestoringNode> {
  const identity = newIdentity(config.nodeId);
  const { nodeId, nodes, learnerOnly } = config;
  const { network, requests } = linked(
    config,
    identity,
    logger,
    await peerDialer(config, logger),
  );
  requests.serve({
    [PROBE]: (_from, _body, answer) =>
      answer(
        true,
        encodeJson({
          member: memberIdOf(identity),
          clusterId: "",
          learnerOnly,
          founding: null,
          waitsFor: source,
        }),
      ),
  });
  const ask = async (node: NodeId): Promise<RestoreWish | null> => {
    const answer = await requests.askWithin(
      ASK_MS,
      node,
      PROBE,
      encodeJson(null),
      "control",
    );
    return answer.kind === "ok"
      ? decodeJson(answer.body) as RestoreWish | null
      : null;
  };
  network.start();
  return {
    links: network,
    turn: () =>
      restoreTurn({
        self: nodeId,
        nodes: nodes.map(({ id }) => id),
        source,
        clock: systemClock,
        logger,
        ask,
        rest: () =>
          new Promise((resolve) => void systemTimers.after(REST_MS, resolve)),
      }),
    close: async () => {
      requests.close();
      await network.close();
    },
  };
}

/** Links to the other nodes, and what is asked over them. */
function linked(
  config: NodeConfig,
  identity: Identity,
  logger: Logger,
  dial: DialPeer,
): { readonly network: PeerLinks; readonly requests: PeerRequests } {
  const engine = { name: "none", version: "0" };
  const parts = { config, levels: LEVELS, following: [], engine };
  const network = new PeerLinks({
    self: selfOf(identity, parts),
    secrets: secretsOf(config),
    peers: linksOf(identity, config),
    logger,
    dial,
    events: {
      frame: (from, lane, bytes) => router.onFrame(from, lane, bytes),
      linkUp: () => {},
      linkDown: (node) => requests.linkDown(node),
    },
  });
  const requests: PeerRequests = new PeerRequests(network, logger);
  const router: GroupRouter = new GroupRouter({
    network,
    requests,
    logger,
    clusterId: () => "",
    group: () => undefined,
  });
  return { network, requests };
}

/** What the data of a stopped member was begun with by `HQL_BACKUP_RESTORE`; undefined if by nothing. */
export async function restoredBefore(
  { dataDir }: NodeConfig,
): Promise<string | undefined> {
  if (!fs.existsSync(dataDir)) return undefined;
  const dir = await DataDir.open(dataDir);
  try {
    const found = dir.loadIdentity(null);
    return found.kind === "intact" ? found.identity.restored : undefined;
  } finally {
    dir.close();
  }
}

/** Moves what a stopped member has aside, so that it joins the cluster that was begun with `source`; where it is now, or null if there was nothing. */
export async function makeWay(
  { dataDir, nodeId }: NodeConfig,
  source: string,
): Promise<string | null> {
  const dir = await DataDir.open(dataDir);
  try {
    const names = [LOGS, STATE, IDENTITY_FILE];
    const used = names.some((name) => dir.has(name));
    const { kept } = used ? dir.quarantine(names, new Date()) : { kept: null };
    dir.saveIdentity({ ...newIdentity(nodeId), restored: source });
    return kept;
  } finally {
    dir.close();
  }
}
