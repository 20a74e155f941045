import type { Model, Step } from "./operation.ts";

/** A call on a key of text values; a key never written holds the empty text. */
export type KeyValueInput =
  | { readonly f: "get"; readonly key: string }
  | { readonly f: "put"; readonly key: string; readonly value: string }
  | { readonly f: "append"; readonly key: string; readonly value: string };

/** The text a get answered; anything for the others. */
export type KeyValueOutput = string;

/** A text, by the way it was written: a search makes millions of long ones that share their beginnings. */
export class SharedText {
  readonly text: string;
  /** Different for different texts; equal ones written in different pieces may differ too. */
  readonly id: number;
  readonly #piece: string;
  readonly #ids: { next: number };
  /** What was appended to it, as a list through the siblings: a `Map` for each would be most of the memory. */
  #child: SharedText | undefined;
  #sibling: SharedText | undefined;

  /** The text `before` and then `piece`, counted in `ids`. */
  constructor(before: string, piece: string, ids: { next: number }) {
    this.text = before + piece;
    this.id = ids.next++;
    this.#piece = piece;
    this.#ids = ids;
  }

  /** This text with `piece` behind it. */
  append(piece: string): SharedText {
    let child = this.#child;
    while (child !== undefined && child.#piece !== piece) {
      child = child.#sibling;
    }
    if (child === undefined) {
      child = new SharedText(this.text, piece, this.#ids);
      child.#sibling = this.#child;
      this.#child = child;
    }
    return child;
  }
}

/** The value of a key, and the empty text that all its values grow from. */
export interface KeyValueState {
  readonly empty: SharedText;
  readonly value: SharedText;
}

/** Text values with get, put and append, one partition per key. */
export const keyValueModel: Model<
  KeyValueState,
  KeyValueInput,
  KeyValueOutput
> = {
  init: () => {
    const empty = new SharedText("", "", { next: 0 });
    return { empty, value: empty };
  },
  step: stepKeyValue,
  key: (state) => state.value.id,
  partition: (input) => input.key,
  readOnly: (input) => input.f === "get",
};

function stepKeyValue(
  state: KeyValueState,
  input: KeyValueInput,
  output: KeyValueOutput | undefined,
): Step<KeyValueState> {
  const { empty, value } = state;
  switch (input.f) {
    case "get":
      return { ok: output === undefined || output === value.text, state };
    case "put":
      return { ok: true, state: { empty, value: empty.append(input.value) } };
    case "append":
      return { ok: true, state: { empty, value: value.append(input.value) } };
  }
}
