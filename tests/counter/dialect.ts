import type { Entry } from "../../src/raft/types.ts";
import { decodeAnswer } from "../../src/state/answer.ts";
import { ByteReader } from "../../src/util/bytes.ts";
import type { Operation } from "../sim/command.ts";
import type { Dialect } from "../sim/dialect.ts";
import { LIMITS, type Model } from "../sim/kv_model.ts";
import { ADD_BYTES, CounterState, readSum, writeAdd } from "./state.ts";

/** Counters by key in the simulator: whatever would change a key adds to it and is answered the sum. */
export const COUNTER_DIALECT: Dialect = {
  write: (writer, operation, { attempt, padding }) => {
    writeAdd(writer, amountOf(operation), operation.key);
    writer.u53(attempt).raw(new Uint8Array(padding));
  },
  attemptOf: (body) => new ByteReader(body, ADD_BYTES).u53(),
  valueOf: (body) => String(readSum(body)),
  operate: (operation, before) => {
    const sum = String(Number(before) + amountOf(operation));
    return { value: sum, answer: sum };
  },
  model: (bytes) => new CounterModel(bytes),
  close: () => {},
};

function amountOf(operation: Operation): number {
  return operation.kind === "read" ? 0 : operation.value;
}

class CounterModel implements Model {
  readonly #state: CounterState;

  constructor(bytes: Uint8Array) {
    this.#state = new CounterState(bytes, { limits: LIMITS });
  }

  get clockMs(): number {
    return this.#state.clockMs;
  }

  apply(entries: readonly Entry[], duplicate: () => void): Uint8Array[] {
    const { answers } = this.#state.apply(entries);
    answers.forEach((answer, i) => {
      const repeated = answer.length > 0 &&
        decodeAnswer(answer).index !== entries[i]!.index;
      if (repeated) duplicate();
    });
    return answers;
  }

  read(key: number): string {
    return String(this.#state.sum(key));
  }

  encode(): Uint8Array {
    return this.#state.encode();
  }

  dump(): string {
    return this.#state.dump();
  }

  close(): void {}
}
