import type { ApiResult } from "../api.ts";
import { poll, type TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";
import {
  happened,
  type NemesisKind,
  type Outcome,
  refused,
  shuffled,
} from "./nemesis.ts";

const CHANGE_MS = 10_000;
/** All members have their votes back in this time, ms. */
const HEAL_MS = 60_000;

/** Moves leadership to a member that does not have it; a refusal is an answer. */
const transfer: NemesisKind = {
  name: "transfer",
  create: (cluster, random) => ({
    start: async () => {
      const leader = await cluster.leader();
      const [asked] = shuffled(cluster, random) as [Node];
      const target = shuffled(cluster, random)
        .find((node) => node !== leader)!;
      const result = await cluster.api(asked)
        .changeCluster("transfer", { node_id: target }, CHANGE_MS);
      return outcomeOf(`transfer to ${target}`, result);
    },
    stop: () => Promise.resolve(),
  }),
};

/** Takes a member's vote away, and gives it back. */
const membership: NemesisKind = {
  name: "membership",
  takesVotes: true,
  create: (cluster, random) => {
    const change = async (action: string, node: Node): Promise<Outcome> => {
      let unknown: Outcome | undefined;
      let outcome = refused(`${action} ${node}: nobody was asked`);
      for (const asked of shuffled(cluster, random)) {
        const result = await cluster.api(asked)
          .changeCluster(action, { node_id: node }, CHANGE_MS);
        outcome = outcomeOf(`${action} ${node}`, result);
        if (result.type === "ok") return outcome;
        if (result.type === "info") unknown = outcome;
      }
      return unknown ?? outcome;
    };
    return {
      start: async () => {
        const victim = shuffled(cluster, random)[0]!;
        return await change("demote", victim);
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

/** What a cluster made of a change; one of unknown outcome may have happened. */
function outcomeOf(what: string, result: ApiResult<unknown>): Outcome {
  if (result.type === "ok") return happened(`${what}: ok`);
  const said = `${what}: ${result.error}`;
  return result.type === "fail" ? refused(said) : happened(said);
}

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
