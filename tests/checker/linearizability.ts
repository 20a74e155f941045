import type { Violation } from "./violation.ts";
import { CallList, type Entry } from "./call_list.ts";
import { ConfigurationCache } from "./configuration_cache.ts";
import type { Model, Operation } from "./operation.ts";

/** Limits of a check. */
export interface CheckOptions {
  /** Configurations remembered per partition before the verdict is `unknown`. @default {6_000_000} */
  readonly maxConfigurations?: number;
}

/** Why a history cannot be linearized. */
export interface Counterexample<Input, Output> {
  /** The partition; empty when the model has only one. */
  readonly partition: string;
  /** The longest order found that obeys the model and real time. */
  readonly prefix: readonly Operation<Input, Output>[];
  /** The operation that has to come next and cannot. */
  readonly stuck: Operation<Input, Output>;
}

/** What a check found. `unknown`: the limit was reached first. */
export interface CheckResult<Input, Output> {
  readonly verdict: "linearizable" | "illegal" | "unknown";
  /** Configurations visited in all partitions. */
  readonly configurations: number;
  readonly counterexample?: Counterexample<Input, Output>;
}

/** Configurations per partition in the first round. */
const FIRST_LOOK = 50_000;

/**
 * Decides whether a history is linearizable: the search of Wing and Gong with
 * Lowe's memory of configurations, one partition after the other
 * (Horn and Kroening's P-compositionality).
 */
export function checkLinearizability<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  options: CheckOptions = {},
): CheckResult<Input, Output> {
  const { maxConfigurations = 6_000_000 } = options;
  let open = partitions(model, operations);
  let configurations = 0;
  // A violation is mostly found soon in its own partition: look everywhere before looking long anywhere.
  for (const limit of [FIRST_LOOK, maxConfigurations]) {
    const unknown: typeof open = new Map();
    for (const [partition, part] of open) {
      const search = new Search(
        model,
        part,
        Math.min(limit, maxConfigurations),
      );
      const verdict = search.run();
      configurations += search.configurations;
      if (verdict === "unknown") unknown.set(partition, part);
      if (verdict === "illegal") {
        const counterexample = { partition, ...search.deepest() };
        return { verdict, configurations, counterexample };
      }
    }
    open = unknown;
  }
  const verdict = open.size > 0 ? "unknown" : "linearizable";
  return { verdict, configurations };
}

function partitions<Input, Output>(
  model: Pick<Model<never, Input, Output>, "partition">,
  operations: readonly Operation<Input, Output>[],
): Map<string, Operation<Input, Output>[]> {
  const parts = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const name = model.partition?.(operation.input) ?? "";
    const part = parts.get(name);
    if (part === undefined) parts.set(name, [operation]);
    else part.push(operation);
  }
  return parts;
}

/** One operation that has been given its place. */
interface Frame<State> {
  readonly entry: Entry;
  /** The state before it. */
  readonly state: State;
  /** Whether another choice at this place cannot help. */
  readonly forced: boolean;
}

/** The search through one partition. */
class Search<State, Input, Output> {
  readonly #model: Model<State, Input, Output>;
  readonly #operations: readonly Operation<Input, Output>[];
  readonly #calls: CallList;
  readonly #cache: ConfigurationCache;
  readonly #frames: Frame<State>[] = [];
  readonly #limit: number;
  #prefix: number[] = [];
  #stuck = -1;

  constructor(
    model: Model<State, Input, Output>,
    operations: readonly Operation<Input, Output>[],
    limit: number,
  ) {
    this.#model = model;
    this.#operations = operations;
    this.#calls = new CallList(operations);
    this.#cache = new ConfigurationCache(operations.length);
    this.#limit = limit;
  }

  get configurations(): number {
    return this.#cache.size;
  }

  run(): "linearizable" | "illegal" | "unknown" {
    let state = this.#model.init();
    let entry = this.#calls.first();
    while (this.#calls.pendingReturns > 0) {
      if (this.#cache.size > this.#limit) return "unknown";
      if (entry !== null && entry.kind === "call") {
        const next = this.#linearize(entry, state);
        if (next === undefined) {
          entry = entry.next;
        } else {
          state = next.state;
          entry = this.#calls.first();
        }
        continue;
      }
      this.#remember(entry);
      const frame = this.#backtrack();
      if (frame === undefined) return "illegal";
      state = frame.state;
      entry = frame.entry.next;
    }
    return "linearizable";
  }

  deepest(): Omit<Counterexample<Input, Output>, "partition"> {
    return {
      prefix: this.#prefix.map((id) => this.#operations[id]!),
      stuck: this.#operations[this.#stuck]!,
    };
  }

  /** Places a call next, unless the model forbids it or it leads where the search has been. */
  #linearize(entry: Entry, state: State): { state: State } | undefined {
    const { input, output, return: returned } = this.#operations[entry.id]!;
    const step = this.#model.step(state, input, output);
    if (!step.ok) return undefined;
    const key = this.#model.key(step.state);
    // An open outcome that changes nothing can as well never happen.
    if (returned === Infinity && key === this.#model.key(state)) {
      return undefined;
    }
    if (!this.#cache.add(entry.id, key)) return undefined;
    const forced = output !== undefined &&
      this.#model.readOnly?.(input, output) === true;
    this.#frames.push({ entry, state, forced });
    this.#calls.lift(entry);
    return { state: step.state };
  }

  /** Undoes choices up to the last one that had an alternative. */
  #backtrack(): Frame<State> | undefined {
    for (;;) {
      const frame = this.#frames.pop();
      if (frame === undefined) return undefined;
      this.#cache.remove(frame.entry.id);
      this.#calls.restore(frame.entry);
      // What never changes anything can be moved here from wherever else it would fit.
      if (!frame.forced) return frame;
    }
  }

  #remember(blocking: Entry | null): void {
    if (blocking === null) return;
    if (this.#stuck >= 0 && this.#frames.length <= this.#prefix.length) return;
    this.#prefix = this.#frames.map((frame) => frame.entry.id);
    this.#stuck = blocking.id;
  }
}

/** What is wrong with a history that should be linearizable. */
export function nonlinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
): readonly Violation[] {
  const { verdict, counterexample } = checkLinearizability(model, operations);
  if (verdict === "linearizable") return [];
  const message = `${counterexample?.partition}: ${
    JSON.stringify(counterexample?.stuck)
  } fits nowhere`;
  return [{ anomaly: verdict, message }];
}
