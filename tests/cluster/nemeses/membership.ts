import { poll, type TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import { type NemesisKind, shuffled } from "./nemesis.ts";

const CHANGE_MS = 10_000;
/** All members have their votes back in this time, ms. */
const HEAL_MS = 60_000;

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
  takesVotes: true,
  create: (cluster, random) => {
    const change = async (action: string, node: Node): Promise<string> => {
      for (const asked of shuffled(cluster, random)) {
        const result = await cluster.api(asked)
          .changeCluster(action, { node_id: node }, CHANGE_MS);
        if (result.type === "ok") return "ok";
      }
      return "refused";
    };
    return {
      start: async () => {
        const victim = shuffled(cluster, random)[0]!;
        return `demote ${victim}: ${await change("demote", victim)}`;
      },
      // Also one that was said to be refused: a leader that was stopped may have carried it out since.
      stop: () =>
        poll("all members to vote again", HEAL_MS, async () => {
          const learners = await learnersOf(cluster);
          for (const node of learners ?? []) await change("promote", node);
          return learners?.length === 0;
        }),
    };
  },
};

/** Who has no vote, as the leader sees it; undefined if there is none. */
async function learnersOf(cluster: TestCluster): Promise<Node[] | undefined> {
  const leader = await cluster.leader();
  if (leader === undefined) return undefined;
  const answer = await cluster.api(leader).cluster(1000);
  if (answer.type !== "ok") return undefined;
  return answer.value.members.filter(({ role }) => role === "learner")
    .map(({ node_id }) => node_id);
}

/** Changes of the configuration. */
export const MEMBERSHIP_NEMESES: readonly NemesisKind[] = [
  transfer,
  membership,
];
