import type { Entry } from "../../src/raft/types.ts";
import { hashAnswer } from "../../src/state/answer.ts";
import type { PreparedEntry } from "../../src/state/port.ts";
import { ByteReader } from "../../src/util/bytes.ts";
import type { Operation } from "../sim/command.ts";
import type { Dialect } from "../sim/dialect.ts";
import { LIMITS, type Model, type ModelApplied } from "../sim/kv_model.ts";
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
  hash: (answer) => hashAnswer(answer, (_, start) => start),
  model: (bytes) => new CounterModel(bytes),
  close: () => {},
};

function amountOf(operation: Operation): number {
  return "value" in operation ? operation.value : 0;
}

class CounterModel implements Model {
  readonly #state: CounterState;

  constructor(bytes: Uint8Array) {
    this.#state = new CounterState(bytes, { limits: LIMITS });
  }

  get clockMs(): number {
    return this.#state.clockMs;
  }

  apply(entries: readonly Entry[]): ModelApplied {
    return { answers: this.#state.apply(entries).answers, divergence: null };
  }

  prepare(): PreparedEntry[] {
    throw new Error("A counter runs no command before it is replicated");
  }

  commitPrepared(): void {}

  rollbackPrepared(): void {}

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
