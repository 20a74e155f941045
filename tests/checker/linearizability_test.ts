import { deepEqual, equal, ok } from "node:assert/strict";
import {
  type Random,
  randomBetween,
  SeededRandom,
} from "../../src/util/random.ts";
import { isLinearizable } from "./brute_force.ts";
import { keyValueModel } from "./key_value.ts";
import { checkLinearizability } from "./linearizability.ts";
import type { Operation } from "./operation.ts";
import {
  type RegisterInput,
  registerModel,
  type RegisterOutput,
} from "./register.ts";
import { simulateHistory } from "./simulated_history.ts";

type Call = Operation<RegisterInput, RegisterOutput>;

/** A call as `[input, output, call, return]`. */
function calls(
  ...rows: [RegisterInput, RegisterOutput | undefined, number, number][]
): Call[] {
  return rows.map(([input, output, call, end], process) => ({
    process,
    input,
    output,
    call,
    return: end,
  }));
}

function applyRegister(
  state: number | null,
  input: RegisterInput,
): { output: RegisterOutput; state: number | null } {
  switch (input.f) {
    case "read":
      return { output: state, state };
    case "write":
      return { output: null, state: input.value };
    case "cas": {
      const output = state === input.from;
      return { output, state: output ? input.to : state };
    }
  }
}

function smallInput(random: Random): RegisterInput {
  const value = randomBetween(random, 0, 3);
  switch (randomBetween(random, 0, 3)) {
    case 0:
      return { f: "read" };
    case 1:
      return { f: "write", value };
    default:
      return { f: "cas", from: value, to: randomBetween(random, 0, 3) };
  }
}

/** Changes one answer to another that the operation could give. */
function mutated(history: readonly Call[], random: Random): Call[] {
  const at = randomBetween(random, 0, history.length);
  return history.map((each, i) => {
    if (i !== at || each.output === undefined) return each;
    if (typeof each.output === "boolean") {
      return { ...each, output: !each.output };
    }
    if (each.input.f === "write") return each;
    return { ...each, output: randomBetween(random, 0, 3) };
  });
}

const read: RegisterInput = { f: "read" };

Deno.test("checkLinearizability() accepts either order of concurrent calls", () => {
  const write: RegisterInput = { f: "write", value: 1 };
  const before = calls([write, null, 0, 9], [read, null, 1, 2]);
  const after = calls([write, null, 0, 9], [read, 1, 1, 2]);
  equal(checkLinearizability(registerModel, before).verdict, "linearizable");
  equal(checkLinearizability(registerModel, after).verdict, "linearizable");
});

Deno.test("checkLinearizability() rejects a read that goes back", () => {
  const history = calls(
    [{ f: "write", value: 1 }, null, 0, 9],
    [read, 1, 1, 2],
    [read, null, 3, 4],
  );
  const { verdict, counterexample } = checkLinearizability(
    registerModel,
    history,
  );
  equal(verdict, "illegal");
  deepEqual(counterexample?.stuck, history[2]);
  deepEqual(counterexample?.prefix, [history[0], history[1]]);
});

Deno.test("checkLinearizability() lets an open write take effect later or never", () => {
  const open: [RegisterInput, undefined, number, number] = [
    { f: "write", value: 1 },
    undefined,
    0,
    Infinity,
  ];
  const late = calls(open, [read, null, 1, 2], [read, 1, 3, 4]);
  const never = calls(open, [read, null, 1, 2], [read, null, 3, 4]);
  const twice = calls(
    open,
    [read, 1, 1, 2],
    [{ f: "write", value: 2 }, null, 3, 4],
    [read, 1, 5, 6],
  );
  equal(checkLinearizability(registerModel, late).verdict, "linearizable");
  equal(checkLinearizability(registerModel, never).verdict, "linearizable");
  equal(checkLinearizability(registerModel, twice).verdict, "illegal");
});

Deno.test("checkLinearizability() judges each key by itself and names the one at fault", () => {
  const history = calls(
    [{ f: "write", key: "a", value: 1 }, null, 0, 1],
    [{ f: "read", key: "b" }, null, 2, 3],
    [{ f: "read", key: "b" }, 1, 4, 5],
  );
  const result = checkLinearizability(registerModel, history);
  equal(result.verdict, "illegal");
  equal(result.counterexample?.partition, "b");
});

Deno.test("checkLinearizability() rejects a compare-and-set that answered against the state", () => {
  const cas: RegisterInput = { f: "cas", from: 1, to: 2 };
  const write: RegisterInput = { f: "write", value: 1 };
  for (const answer of [true, false]) {
    const history = calls([write, null, 0, 1], [cas, answer, 2, 3]);
    const { verdict } = checkLinearizability(registerModel, history);
    equal(verdict, answer ? "linearizable" : "illegal");
  }
});

Deno.test("checkLinearizability() answers unknown at its limit instead of growing", () => {
  const history = Array.from({ length: 16 }, (_, i): Call => ({
    process: i,
    input: { f: "write", value: i },
    output: null,
    call: 0,
    return: 1,
  }));
  history.push({ process: 16, input: read, output: 99, call: 2, return: 3 });
  const result = checkLinearizability(registerModel, history, {
    maxConfigurations: 1000,
  });
  equal(result.verdict, "unknown");
  ok(result.configurations <= 2 * 1001);
});

Deno.test("checkLinearizability() agrees with the definition on small histories", () => {
  const count = { linearizable: 0, illegal: 0, unknown: 0 };
  for (let seed = 1; seed <= 3000; seed++) {
    const random = new SeededRandom(seed);
    const history = mutated(
      simulateHistory(registerModel, applyRegister, {
        random,
        processes: 3,
        operations: 7,
        input: smallInput,
        openPercent: 20,
      }),
      random,
    );
    const { verdict } = checkLinearizability(registerModel, history);
    const expected = isLinearizable(registerModel, history);
    equal(verdict, expected ? "linearizable" : "illegal", `seed ${seed}`);
    count[verdict]++;
  }
  ok(count.illegal > 300 && count.linearizable > 300, JSON.stringify(count));
});

/** Makes one read answer a value that was overwritten for certain before it began. */
function withStaleRead(history: readonly Call[]): Call[] | undefined {
  const writes = history.filter((each) => each.input.f === "write");
  for (let i = history.length - 1; i >= 0; i--) {
    const each = history[i]!;
    if (each.input.f !== "read" || each.output === undefined) continue;
    const newer = writes.findLast((write) => write.return < each.call);
    const older = writes.findLast((write) =>
      newer !== undefined && write.return < newer.call
    );
    if (older === undefined) continue;
    const output = (older.input as { value: number }).value;
    return history.with(i, { ...each, output });
  }
  return undefined;
}

Deno.test("checkLinearizability() accepts long correct histories and rejects them with a stale read", () => {
  for (let seed = 1; seed <= 15; seed++) {
    let unique = 0;
    const history = simulateHistory(registerModel, applyRegister, {
      random: new SeededRandom(seed),
      processes: 6,
      operations: 200,
      input: (random): RegisterInput =>
        randomBetween(random, 0, 2) === 0
          ? { f: "read" }
          : { f: "write", value: unique++ },
      openPercent: 1,
    });
    const { verdict } = checkLinearizability(registerModel, history);
    equal(verdict, "linearizable", `seed ${seed}`);
    const stale = withStaleRead(history);
    ok(stale !== undefined, `seed ${seed}`);
    const second = checkLinearizability(registerModel, stale);
    equal(second.verdict, "illegal", `seed ${seed}`);
  }
});

Deno.test("keyValueModel() puts, appends and gets", () => {
  const history = (got: string): Parameters<
    typeof checkLinearizability<never, never, never>
  >[1] =>
    [
      [{ f: "put", key: "k", value: "a" }, ""],
      [{ f: "append", key: "k", value: "b" }, ""],
      [{ f: "get", key: "k" }, got],
      [{ f: "get", key: "other" }, ""],
    ].map(([input, output], i) => ({
      process: 0,
      input: input as never,
      output: output as never,
      call: 2 * i,
      return: 2 * i + 1,
    }));
  equal(
    checkLinearizability(keyValueModel, history("ab")).verdict,
    "linearizable",
  );
  equal(checkLinearizability(keyValueModel, history("ba")).verdict, "illegal");
});
