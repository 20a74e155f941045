import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { SeededRandom } from "../../src/util/random.ts";
import type { TestCluster } from "./harness.ts";
import { drawPairs, NEMESES, nemesisNamed } from "./nemeses/all.ts";
import {
  happened,
  type NemesisKind,
  type Outcome,
  refused,
  together,
} from "./nemeses/nemesis.ts";

Deno.test("takesMajority is a property of the faults that leave no majority", () => {
  const names = NEMESES.filter(({ takesMajority }) => takesMajority)
    .map(({ name }) => name);
  deepEqual(names, ["kill-majority", "kill-all", "power-cut-all"]);
});

Deno.test("no pair waits for members to be ready while a majority is down", () => {
  const pairs = drawPairs(10_000, new SeededRandom(1), 5).map(nemesisNamed);
  ok(pairs.length > 100);
  for (const { name } of pairs) {
    const [a, b] = name.split("+").map(nemesisNamed) as [
      NemesisKind,
      NemesisKind,
    ];
    ok(!(a.needsMajority && b.takesMajority), name);
    ok(!(b.needsMajority && a.takesMajority), name);
  }
});

Deno.test("nemesisNamed() refuses faults that cannot meet, and says why", () => {
  const refusals: readonly [string, RegExp][] = [
    ["rolling-restart+power-cut-all", /while a majority is down/],
    ["kill-one+kill-all+rolling-restart", /while a majority is down/],
    ["bit-flip+wiped-volume", /damage two disks/],
    ["full-disk+power-cut-one", /two disks at the same place/],
    ["flood", /no nemesis "flood"/],
  ];
  for (const [name, reason] of refusals) {
    throws(() => nemesisNamed(name), reason);
  }
});

function kind(name: string, outcome: Outcome): NemesisKind {
  const nothing = Promise.resolve();
  const start = (): Promise<Outcome> => Promise.resolve(outcome);
  return { name, create: () => ({ start, stop: () => nothing }) };
}

Deno.test("of two faults at a time the refused ones are counted as refused, not as faults", async () => {
  const [yes, no] = [kind("a", happened("a")), kind("b", refused("b"))];
  const counts = async (one: NemesisKind, other: NemesisKind) => {
    const cluster = undefined as unknown as TestCluster;
    return await together(one, other).create(cluster, new SeededRandom(1))
      .start();
  };
  deepEqual(await counts(yes, no), {
    said: "a, b",
    happened: true,
    refused: 1,
  });
  equal((await counts(yes, yes)).refused, 0);
  deepEqual(await counts(no, no), {
    said: "b, b",
    happened: false,
    refused: 2,
  });
});

/** A cluster whose members answer every change alike; 1 leads. */
function answering(type: "fail" | "info"): TestCluster {
  const answer = Promise.resolve({ type, error: "not now" });
  return {
    nodes: [1, 2, 3],
    leader: () => Promise.resolve(1),
    api: () => ({ changeCluster: () => answer }),
  } as unknown as TestCluster;
}

for (const name of ["transfer", "membership"]) {
  Deno.test(`a ${name} that is refused is no fault, one of unknown outcome may be`, async () => {
    const start = (cluster: TestCluster) =>
      nemesisNamed(name).create(cluster, new SeededRandom(1)).start();
    const no = await start(answering("fail"));
    deepEqual([no.happened, no.refused], [false, 1]);
    match(no.said, /: not now$/);
    const perhaps = await start(answering("info"));
    deepEqual([perhaps.happened, perhaps.refused], [true, 0]);
  });
}

Deno.test("a transfer goes to a member that does not lead", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const { said } = await nemesisNamed("transfer")
      .create(answering("fail"), new SeededRandom(seed)).start();
    match(said, /^transfer to [23]:/);
  }
});
