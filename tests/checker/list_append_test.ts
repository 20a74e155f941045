import { deepEqual, ok } from "node:assert/strict";
import {
  type Random,
  randomBetween,
  SeededRandom,
} from "../../src/util/random.ts";
import type { HistoryEvent } from "./history.ts";
import { checkListAppend } from "./list_append.ts";
import type { Operation } from "./operation.ts";
import { simulateHistory } from "./simulated_history.ts";
import type { ListStep } from "./transaction.ts";

type Outcome = "ok" | "fail" | "info";

/** Transactions that all run at the same time, so that real time orders none of them. */
function concurrent(...rows: [Outcome, ...ListStep[]][]): HistoryEvent[] {
  const event = (
    type: HistoryEvent["type"],
    process: number,
  ): HistoryEvent => ({
    process,
    type,
    f: "txn",
    value: rows[process]!.slice(1),
    time: 0,
  });
  return [
    ...rows.map((_, process) => event("invoke", process)),
    ...rows.map(([outcome], process) => event(outcome, process)),
  ];
}

/** Acknowledged transactions, one after the other. */
function sequential(...rows: ListStep[][]): HistoryEvent[] {
  return rows.flatMap((value) =>
    (["invoke", "ok"] as const).map((type) => ({
      process: 0,
      type,
      f: "txn",
      value,
      time: 0,
    }))
  );
}

function anomalies(events: readonly HistoryEvent[]): string[] {
  return [...new Set(checkListAppend(events).map(({ anomaly }) => anomaly))];
}

Deno.test("checkListAppend() accepts a serial history", () => {
  const events = sequential(
    [["append", "x", 1], ["r", "x", [1]]],
    [["r", "x", [1]], ["append", "x", 2], ["append", "y", 1]],
    [["r", "x", [1, 2]], ["r", "y", [1]], ["r", "z", null]],
  );
  deepEqual(checkListAppend(events), []);
});

Deno.test("checkListAppend() finds G0: appends interleaved differently per key", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1], ["append", "y", 1]],
      ["ok", ["append", "x", 2], ["append", "y", 2]],
      ["ok", ["r", "x", [1, 2]]],
      ["ok", ["r", "y", [2, 1]]],
    )),
    ["G0"],
  );
});

Deno.test("checkListAppend() finds G1a: a failed append that was read", () => {
  deepEqual(
    anomalies(concurrent(
      ["fail", ["append", "x", 1]],
      ["ok", ["r", "x", [1]]],
    )),
    ["G1a"],
  );
});

Deno.test("checkListAppend() finds G1b: a state between two appends of one transaction", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1], ["append", "x", 2]],
      ["ok", ["r", "x", [1]]],
      ["ok", ["r", "x", [1, 2]]],
    ))[0],
    "G1b",
  );
});

Deno.test("checkListAppend() finds G1c: two transactions that read each other", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1], ["r", "y", [1]]],
      ["ok", ["append", "y", 1], ["r", "x", [1]]],
    )),
    ["G1c"],
  );
});

Deno.test("checkListAppend() finds G-single: read skew", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1], ["append", "y", 1]],
      ["ok", ["r", "x", null], ["r", "y", [1]]],
      ["ok", ["r", "x", [1]]],
    )),
    ["G-single"],
  );
});

Deno.test("checkListAppend() finds G2: write skew", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["r", "x", null], ["append", "y", 1]],
      ["ok", ["r", "y", null], ["append", "x", 1]],
      ["ok", ["r", "x", [1]], ["r", "y", [1]]],
    )),
    ["G2"],
  );
});

Deno.test("checkListAppend() finds a lost update", () => {
  ok(
    anomalies(concurrent(
      ["ok", ["r", "x", null], ["append", "x", 1]],
      ["ok", ["r", "x", null], ["append", "x", 2]],
      ["ok", ["r", "x", [1, 2]]],
    )).includes("lost update"),
  );
});

Deno.test("checkListAppend() finds a stale read by real time alone", () => {
  deepEqual(
    anomalies(sequential([["append", "x", 1]], [["r", "x", null]], [[
      "r",
      "x",
      [1],
    ]])),
    ["G-single-realtime"],
  );
});

Deno.test("checkListAppend() finds an acknowledged append that never appears", () => {
  deepEqual(
    anomalies(sequential(
      [["append", "x", 1]],
      [["append", "x", 2]],
      [["r", "x", [1]]],
    )),
    ["G-single-realtime"],
  );
});

Deno.test("checkListAppend() finds orders that contradict each other", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1]],
      ["ok", ["append", "x", 2]],
      ["ok", ["r", "x", [1, 2]]],
      ["ok", ["r", "x", [2]]],
    )),
    ["incompatible order"],
  );
});

Deno.test("checkListAppend() finds elements that are phantoms or appear twice", () => {
  deepEqual(
    anomalies(concurrent(
      ["ok", ["append", "x", 1]],
      ["ok", ["r", "x", [1, 1]]],
    )),
    ["duplicate element"],
  );
  deepEqual(anomalies(concurrent(["ok", ["r", "x", [7]]])), [
    "phantom element",
  ]);
});

Deno.test("checkListAppend() finds a transaction that does not see its own append", () => {
  deepEqual(
    anomalies(concurrent(["ok", ["append", "x", 1], ["r", "x", null]])),
    ["internal"],
  );
});

Deno.test("checkListAppend() lets an unknown append be there or not", () => {
  const info: [Outcome, ListStep] = ["info", ["append", "x", 1]];
  deepEqual(anomalies(concurrent(info, ["ok", ["r", "x", [1]]])), []);
  deepEqual(anomalies(concurrent(info, ["ok", ["r", "x", null]])), []);
});

type Lists = Readonly<Record<string, readonly number[]>>;

function applySteps(
  state: Lists,
  steps: readonly ListStep[],
): { output: ListStep[]; state: Lists } {
  let lists = state;
  const output = steps.map((step): ListStep => {
    const [f, key, value] = step;
    const list = lists[key] ?? [];
    if (f === "r") return ["r", key, list];
    lists = { ...lists, [key]: [...list, value] };
    return step;
  });
  return { output, state: lists };
}

function simulated(seed: number): Operation<ListStep[], ListStep[]>[] {
  let unique = 0;
  const step = (random: Random): ListStep => {
    const key = "xyz"[randomBetween(random, 0, 3)]!;
    const append = randomBetween(random, 0, 2) === 0;
    return append ? ["append", key, ++unique] : ["r", key, null];
  };
  return simulateHistory({ init: (): Lists => ({}) }, applySteps, {
    random: new SeededRandom(seed),
    processes: 5,
    operations: 200,
    input: (random) => [step(random), step(random), step(random)],
    openPercent: 3,
  });
}

function eventsOf(
  operations: readonly Operation<ListStep[], ListStep[]>[],
): HistoryEvent[] {
  return operations.flatMap((each, process) => {
    const invoke = { process, f: "txn", time: each.call, value: each.input };
    const end = { process, f: "txn", time: each.return, value: each.output };
    const type = each.return === Infinity ? "info" : "ok";
    return [{ ...invoke, type: "invoke" as const }, { ...end, type } as const];
  }).sort((a, b) => a.time - b.time);
}

Deno.test("checkListAppend() accepts simulated histories and rejects them with a stale read", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const operations = simulated(seed);
    deepEqual(checkListAppend(eventsOf(operations)), [], `seed ${seed}`);
    const at = operations.findLastIndex(({ output }) =>
      output !== undefined && output[0]![0] === "r" &&
      output[0]![2]!.length > 20
    );
    ok(at >= 0, `seed ${seed}`);
    const [first, ...rest] = operations[at]!.output!;
    const key = first![1];
    const stale: ListStep = ["r", key, (first![2] as number[]).slice(0, -15)];
    if (rest.some((step) => step[1] === key)) continue;
    const planted = operations.with(at, {
      ...operations[at]!,
      output: [stale, ...rest],
    });
    ok(checkListAppend(eventsOf(planted)).length > 0, `seed ${seed}`);
  }
});
