import type { Answer } from "../../state/answer.ts";
import type { ByteWriter } from "../../util/bytes.ts";

/** A command for a group's state machine. */
export interface Proposal {
  /** Appends the machine's own bytes; called again if the session has to be renewed. */
  body(writer: ByteWriter): void;
  /** A retry with the same key applies once; empty for none. */
  readonly idempotencyKey: string;
  /** The feature level that a member needs to read it. @default {1} */
  readonly level?: number;
  /** How long the leader may run it, ms; 0 for the leader's usual limit. @default {0} */
  readonly maxRunMs?: number;
  /** The life of the group that it is meant for; in any other one it is refused. @default the present one */
  readonly epoch?: number;
  /** The span that waits for it, as in HTTP; a leader elsewhere hears of it. @default none */
  readonly traceparent?: string | undefined;
  /** How long to wait for the answer, ms; a leader is looked for at most 10 s of it. */
  readonly timeoutMs: number;
}

/** Who waits for a proposal: one of the two is called, once, and neither may throw. */
export interface ProposalCaller {
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}
