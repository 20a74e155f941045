import { checkLinearizability } from "../checker/linearizability.ts";
import type { Model, Operation as Call } from "../checker/operation.ts";
import type { Operation } from "./command.ts";
import type { Dialect } from "./dialect.ts";
import { Violation } from "./violation.ts";

interface Recorded {
  readonly process: number;
  readonly operation: Operation;
  readonly call: number;
  return: number;
  answer: string | undefined;
  failed: boolean;
}

type Speech = Pick<Dialect, "operate" | "outcomes">;
type Step = Model<string, Operation, string>["step"];

/** The keys as a sequential program would see them. */
function keys(speech: Speech): Model<string, Operation, string> {
  return {
    init: () => "",
    step: stepOf(speech),
    key: (state) => state,
    partition: (input) => String(input.key),
  };
}

/** Of a key that may have several values its state is all of them. */
function stepOf({ operate, outcomes }: Speech): Step {
  if (outcomes === undefined) {
    return (state, input, output) => {
      const { value, answer } = operate(input, state);
      return { ok: output === undefined || output === answer, state: value };
    };
  }
  return (state, input, output) => {
    const values = new Set<string>();
    for (const before of state.split("|")) {
      for (const { value, answer } of outcomes(input, before)) {
        if (output === undefined || output === answer) values.add(value);
      }
    }
    return { ok: values.size > 0, state: [...values].sort().join("|") };
  };
}

/** What the clients did and saw, in one order. */
export class History {
  readonly #operations: Recorded[] = [];
  #position = 0;
  #processes = 0;
  /** The highest log index that any client knows to be part of what it saw. */
  newestIndex = 0;
  answered = 0;
  unknown = 0;

  readonly #dialect: Speech;

  /** Of clients that speak `dialect`. */
  constructor(dialect: Speech) {
    this.#dialect = dialect;
  }

  /** A client that has no operation under way. */
  newProcess(): number {
    return ++this.#processes;
  }

  /** An operation begins. */
  invoke(process: number, operation: Operation): number {
    const call = this.#position++;
    this.#operations.push({
      process,
      operation,
      call,
      return: Infinity,
      answer: undefined,
      failed: false,
    });
    return this.#operations.length - 1;
  }

  /** It ended with an answer. */
  answer(id: number, answer: string): void {
    const operation = this.#operations[id]!;
    operation.answer = answer;
    operation.return = this.#position++;
    this.answered++;
  }

  /** It certainly had no effect. */
  fail(id: number): void {
    this.#operations[id]!.failed = true;
  }

  /** Nobody knows whether it had an effect. */
  abandon(_id: number): void {
    this.unknown++;
  }

  /** Some order must explain all answers. Answers whether the search was finished. */
  check(): boolean {
    const calls: Call<Operation, string>[] = this.#operations
      .filter((o) => !o.failed)
      .filter((o) => o.answer !== undefined || o.operation.kind !== "read")
      .map((o) => ({
        process: o.process,
        input: o.operation,
        output: o.answer,
        call: o.call,
        return: o.return,
      }));
    const result = checkLinearizability(keys(this.#dialect), calls, {
      maxConfigurations: 300_000,
    });
    if (result.verdict === "illegal") {
      const { partition, stuck } = result.counterexample!;
      throw new Violation(
        "linearizability",
        `key ${partition}: no order explains ${JSON.stringify(stuck)}`,
      );
    }
    return result.verdict === "linearizable";
  }
}
