import type { Model, Step } from "./operation.ts";

/** A call on a register; null is the value of one that was never written. */
export type RegisterInput =
  | { readonly f: "read"; readonly key?: string }
  | { readonly f: "write"; readonly key?: string; readonly value: number }
  | {
    readonly f: "cas";
    readonly key?: string;
    readonly from: number;
    readonly to: number;
  };

/** The answer: the value read, whether the compare-and-set found what it expected, or null for a write. */
export type RegisterOutput = number | boolean | null;

/** Integer registers with read, write and compare-and-set, one per key. */
export const registerModel: Model<
  number | null,
  RegisterInput,
  RegisterOutput
> = {
  init: () => null,
  step: stepRegister,
  key: (state) => `${state}`,
  partition: (input) => input.key ?? "",
  readOnly: (input, output) => input.f === "read" || output === false,
};

function stepRegister(
  state: number | null,
  input: RegisterInput,
  output: RegisterOutput | undefined,
): Step<number | null> {
  switch (input.f) {
    case "read":
      return { ok: output === undefined || output === state, state };
    case "write":
      return { ok: true, state: input.value };
    case "cas": {
      const matches = state === input.from;
      const ok = output === undefined || output === matches;
      return { ok, state: matches ? input.to : state };
    }
  }
}
