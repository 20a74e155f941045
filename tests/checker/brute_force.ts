import type { Model, Operation } from "./operation.ts";

/** The definition of linearizability, tried out: every order, with no memory. For a handful of operations. */
export function isLinearizable<State, Input, Output>(
  model: Model<State, Input, Output>,
  operations: readonly Operation<Input, Output>[],
  state: State = model.init(),
): boolean {
  if (operations.every((each) => each.return === Infinity)) return true;
  return operations.some((next) => {
    if (operations.some((each) => each.return < next.call)) return false;
    const step = model.step(state, next.input, next.output);
    if (!step.ok) return false;
    const rest = operations.filter((each) => each !== next);
    return isLinearizable(model, rest, step.state);
  });
}
