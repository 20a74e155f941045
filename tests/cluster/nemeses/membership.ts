import type { Node } from "../network.ts";
import { type NemesisKind, shuffled } from "./nemesis.ts";

const CHANGE_MS = 10_000;

/** Moves leadership to a random member; a refusal is an answer. */
const transfer: NemesisKind = {
  name: "transfer",
  create: (cluster, random) => ({
    start: async () => {
      const [asked, target] = shuffled(cluster, random) as [Node, Node];
      const body = { node_id: target };
      const result = await cluster.api(asked)
        .changeCluster("transfer", body, CHANGE_MS);
      return `transfer to ${target}: ${result.type}`;
    },
    stop: () => Promise.resolve(),
  }),
};

/** Takes a member's vote away, and gives it back. */
const membership: NemesisKind = {
  name: "membership",
  create: (cluster, random) => {
    let victim: Node | undefined;
    const change = async (action: string): Promise<string> => {
      for (const node of shuffled(cluster, random)) {
        const result = await cluster.api(node)
          .changeCluster(action, { node_id: victim }, CHANGE_MS);
        if (result.type === "ok") return "ok";
      }
      return "refused";
    };
    return {
      start: async () => {
        victim = shuffled(cluster, random)[0];
        return `demote ${victim}: ${await change("demote")}`;
      },
      stop: async () => {
        await change("promote");
      },
    };
  },
};

/** Changes of the configuration. */
export const MEMBERSHIP_NEMESES: readonly NemesisKind[] = [
  transfer,
  membership,
];
