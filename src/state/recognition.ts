import type { LogIndex } from "../raft/types.ts";

/** What is known of a write before it is applied. */
export type Recognition =
  | { readonly kind: "new" }
  | { readonly kind: "repeated"; readonly answer: Uint8Array }
  /** Applied at `index`; what it answered is forgotten. */
  | {
    readonly kind: "forgotten";
    readonly index: LogIndex;
    readonly message: string;
  }
  | { readonly kind: "full"; readonly message: string }
  | { readonly kind: "expired"; readonly message: string }
  | { readonly kind: "mismatch"; readonly message: string };

/** Nothing is known of it. */
export const NEW: Recognition = { kind: "new" };

/** No more keys can be remembered, so that none is forgotten too early. */
export function tooManyKeys(keys: number, windowMs: number): Recognition {
  return {
    kind: "full",
    message:
      `${keys} idempotency keys are remembered, the most there may be; each is for ${
        windowMs / 60_000
      } minutes: write without a key, or later`,
  };
}

/** The key stands for another body. */
export function otherWrite(index: LogIndex): Recognition {
  return {
    kind: "mismatch",
    message:
      `The idempotency key was used for another write, at index ${index}`,
  };
}

/** Only that it was applied is known. */
export function answerForgotten(index: LogIndex): Recognition {
  return {
    kind: "forgotten",
    index,
    message: `The write was applied at index ${index}; its answer is forgotten`,
  };
}
