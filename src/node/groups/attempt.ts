import { type Answer, decodeAnswer } from "../../state/answer.ts";
import { MalformedBytesError } from "../../util/bytes.ts";
import type { ProposalResult } from "../../group/proposals.ts";
import {
  decodeJson,
  encodeJson,
  type PeerAnswer,
} from "../../network/requests.ts";

/** What one attempt at a write came to. */
export type Attempt =
  | { readonly kind: "applied"; readonly answer: Uint8Array }
  /** Certainly not applied by this attempt. */
  | {
    readonly kind: "refused";
    readonly reason: string;
    readonly detail: string;
  }
  /** It may have been applied, or may be later. */
  | { readonly kind: "unknown" };

/** An attempt whose time was over, or whose link broke. */
export const UNKNOWN: Attempt = Object.freeze({ kind: "unknown" });

/** How a leader refuses on the wire. */
export function encodeRefused(reason: string, detail: string): Uint8Array {
  return encodeJson({ reason, detail });
}

/** An attempt at this member's own group. */
export function fromProposal(result: ProposalResult): Attempt {
  return result.kind === "unknown" ? UNKNOWN : result;
}

/** An attempt at another member. */
export function fromPeer(answer: PeerAnswer): Attempt {
  switch (answer.kind) {
    case "ok":
      return { kind: "applied", answer: answer.body };
    case "unsent":
      return {
        kind: "refused",
        reason: "unreachable",
        detail: "no link to the leader",
      };
    case "lost":
      return UNKNOWN;
    case "error": {
      const refusal = decodeJson(answer.body) as
        | { reason: string; detail: string }
        | null;
      return refusal === null || refusal.reason === "unknown"
        ? UNKNOWN
        : { kind: "refused", ...refusal };
    }
  }
}

/** The answer of an attempt; null if it has none, or one that cannot be read. */
export function answerOf(attempt: Attempt | null): Answer | null {
  if (attempt?.kind !== "applied") return null;
  try {
    return decodeAnswer(attempt.answer);
  } catch (error) {
    if (error instanceof MalformedBytesError) return null;
    throw error;
  }
}
