import type { Model } from "./operation.ts";

/** A call on a slot that holds one number, or none. */
export type SlotInput =
  /** Puts a number into it if it is empty; answers whether it was. */
  | { readonly f: "fill"; readonly key: string; readonly value: number }
  /** Empties it; answers what was there. */
  | { readonly f: "take"; readonly key: string };

/** Slots, one for each key: what is put is taken once. */
export const slotModel: Model<
  number | null,
  SlotInput,
  number | boolean | null
> = {
  init: () => null,
  step: (state, input, output) => {
    if (input.f === "take") {
      return { ok: output === undefined || output === state, state: null };
    }
    const empty = state === null;
    return {
      ok: output === undefined || output === empty,
      state: empty ? input.value : state,
    };
  },
  key: (state) => `${state}`,
  partition: ({ key }) => key,
  readOnly: (_, output) => output === false || output === null,
};
