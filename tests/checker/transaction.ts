/** A step of a transaction: append a value that nobody else appends, or read the whole list. */
export type ListStep =
  | readonly ["append", string, number]
  | readonly ["r", string, readonly number[] | null];

/** A transaction of the history. */
export interface Transaction {
  /** `info` may have been applied; so is treated what never got an answer. */
  readonly outcome: "ok" | "fail" | "info";
  /** Reads have their answer if the outcome is `ok`. */
  readonly steps: readonly ListStep[];
  readonly process: number;
  /** Positions of the invocation and the answer. */
  readonly call: number;
  readonly return: number;
}

/** The transaction as text for a message. */
export function describe(transaction: Transaction): string {
  return `[process ${transaction.process}, event ${transaction.call}: ${
    JSON.stringify(transaction.steps)
  }]`;
}
