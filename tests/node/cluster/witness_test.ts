import assert from "node:assert/strict";
import { Disagreements } from "../../../src/node/cluster/disagreements.ts";
import {
  type KnownLeader,
  Witness,
} from "../../../src/node/cluster/witness.ts";
import type { PeerRequests } from "../../../src/network/requests.ts";
import { encodeJson } from "../../../src/network/requests.ts";
import type { Network } from "../../../src/network/port.ts";
import { silentLogger } from "../../../src/util/logger.ts";

const memberOf = (node: number): string => `${node}.000000000000000${node}`;

/** What a witness says: nothing, or whether it accuses node 1 and whom it follows. */
type Said = null | {
  readonly problem?: string;
  /** The node it follows, in term 7 unless it says another. */
  readonly follows?: number;
  readonly term?: number;
};

/** What node 1 of `voters` makes of what the others say. */
async function verdictOf(
  voters: readonly number[],
  answers: Readonly<Record<number, Said>>,
  nodes: readonly number[] = [],
) {
  const requests = {
    askWithin: (_ms: number, node: number) => {
      const said = answers[node];
      if (!said) return Promise.resolve({ kind: "lost" });
      const { problem = null, follows, term = 7 } = said;
      const leader: KnownLeader | null = follows === undefined
        ? null
        : { member: memberOf(follows), term };
      const leads = follows === node;
      const body = encodeJson({ problem, leads, leader, removed: false });
      return Promise.resolve({ kind: "ok", body });
    },
  } as unknown as PeerRequests;
  const witness = new Witness({
    network: {} as Network,
    requests,
    self: () => memberOf(1),
    testimony: () => ({
      boot: 1,
      process: "p",
      starts: ["p"],
      term: 1,
      current: 1,
      last: null,
      hashes: [],
    }),
    memorized: () => [],
    acknowledged: () => null,
    successor: () => null,
    leader: () => null,
    disagreements: new Disagreements(silentLogger),
    memorize: () => {},
  });
  return await witness.greet(voters.map(memberOf), nodes);
}

const old = { problem: "it is old" };

const CASES: readonly (readonly [
  string,
  readonly number[],
  Readonly<Record<number, Said>>,
  string,
])[] = [
  ["nobody", [1, 2, 3], { 2: {}, 3: {} }, "confirmed"],
  ["one of two others", [1, 2, 3], { 2: old, 3: {} }, "doubted"],
  ["the only one who answers", [1, 2, 3], { 2: old, 3: null }, "doubted"],
  ["both others", [1, 2, 3], { 2: old, 3: old }, "rolledBack"],
  ["the other of two", [1, 2], { 2: { ...old, follows: 2 } }, "doubted"],
  ["two of five", [1, 2, 3, 4, 5], { 2: old, 3: old, 4: {}, 5: {} }, "doubted"],
  [
    "three of five",
    [1, 2, 3, 4, 5],
    { 2: old, 3: old, 4: old, 5: {} },
    "rolledBack",
  ],
  [
    "the leader, whom a majority follows",
    [1, 2, 3],
    { 2: { follows: 3 }, 3: { ...old, follows: 3 } },
    "rolledBack",
  ],
  [
    "one who says that it leads, whom nobody follows",
    [1, 2, 3],
    { 2: {}, 3: { ...old, follows: 3 } },
    "doubted",
  ],
  [
    "a leader of another term than a majority follows",
    [1, 2, 3],
    { 2: { follows: 3, term: 8 }, 3: { ...old, follows: 3 } },
    "doubted",
  ],
  [
    "a follower of the leader that does not say so",
    [1, 2, 3],
    { 2: { ...old, follows: 3 }, 3: { follows: 3 } },
    "doubted",
  ],
];

for (const [who, voters, answers, verdict] of CASES) {
  Deno.test(`that a volume is old, said by ${who}: ${verdict}`, async () => {
    const { kind } = await verdictOf(voters, answers);
    assert.equal(kind, verdict);
  });
}

Deno.test("nodes that are no voters cannot outvote those who are", async () => {
  const answers = { 2: {}, 3: {}, 4: old, 5: old, 6: old };
  const verdict = await verdictOf([1, 2, 3], answers, [4, 5, 6]);
  assert.deepEqual(verdict, { kind: "doubted", node: 4, detail: "it is old" });
});
