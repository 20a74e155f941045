import { type Random, randomBetween } from "../../src/util/random.ts";
import type { Model, Operation } from "./operation.ts";

/** What to simulate. */
export interface SimulationOptions<Input> {
  readonly random: Random;
  readonly processes: number;
  readonly operations: number;
  /** Draws the next call. */
  readonly input: (random: Random) => Input;
  /** Percentage of calls whose outcome stays open; half of them take effect. @default {0} */
  readonly openPercent?: number;
}

interface Running<Input, Output> {
  readonly id: number;
  readonly process: number;
  readonly input: Input;
  readonly call: number;
  /** Set when it has taken effect. */
  answer: { readonly output: Output } | undefined;
}

/**
 * A history that is linearizable by construction: every call takes effect in one
 * step on `apply`'s single copy, at some moment between invocation and answer.
 */
export function simulateHistory<State, Input, Output>(
  model: Pick<Model<State, Input, Output>, "init">,
  apply: (state: State, input: Input) => { output: Output; state: State },
  options: SimulationOptions<Input>,
): Operation<Input, Output>[] {
  const { random, processes, operations, input, openPercent = 0 } = options;
  const done: Operation<Input, Output>[] = [];
  const idle = Array.from({ length: processes }, (_, i) => i);
  const running: Running<Input, Output>[] = [];
  let state = model.init();
  let [invoked, position, nextProcess] = [0, 0, processes];
  while (invoked < operations || running.length > 0) {
    position++;
    const pick = randomBetween(random, 0, idle.length + running.length);
    if (pick < idle.length) {
      if (invoked === operations) continue;
      const process = idle.splice(pick, 1)[0]!;
      const call = { id: invoked++, process, input: input(random) };
      running.push({ ...call, call: position, answer: undefined });
      continue;
    }
    const at = pick - idle.length;
    const current = running[at]!;
    if (current.answer === undefined && randomBetween(random, 0, 2) === 0) {
      const { output, state: next } = apply(state, current.input);
      state = next;
      current.answer = { output };
      continue;
    }
    const open = randomBetween(random, 0, 100) < openPercent;
    if (current.answer === undefined && !open) continue;
    running.splice(at, 1);
    idle.push(open ? nextProcess++ : current.process);
    done.push({
      process: current.process,
      input: current.input,
      output: open ? undefined : current.answer!.output,
      call: current.call,
      return: open ? Infinity : position,
    });
  }
  return done.sort((a, b) => a.call - b.call);
}
