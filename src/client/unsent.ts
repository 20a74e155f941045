/** Why `fetch` failed before it sent anything, and whether it may be otherwise later. */
export interface Unsent {
  readonly kind: "closed" | "nowhere";
  /** Follows the address. */
  readonly message: string;
}

const REASONS: readonly (Unsent & { readonly signs: RegExp })[] = [
  {
    kind: "closed",
    message: "refuses connections: no member listens there",
    signs: /^ECONNREFUSED$|client error \(Connect\).*\brefused\b/,
  },
  {
    kind: "closed",
    message: "cannot be looked up at present; nothing was sent",
    signs: /^EAI_AGAIN$|dns error: .*\bTemporary failure\b/,
  },
  {
    kind: "nowhere",
    message:
      "shows a certificate that is not believed: give its authority (ca), and look whether it names this host; nothing was sent",
    signs:
      /\bcertificate\b|^(?:CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)_/,
  },
  {
    kind: "nowhere",
    message: "speaks no TLS: its URL begins with http://; nothing was sent",
    signs: /client error \(Connect\): received corrupt message/,
  },
  {
    kind: "nowhere",
    message: "is not there: its host has no address; nothing was sent",
    signs: /^ENOTFOUND$|client error \(Connect\): dns error\b/,
  },
  {
    kind: "nowhere",
    message:
      "has a port that fetch() may not use, so that no member can be there; nothing was sent",
    signs: /^bad port$|Requests to port \d+ are blocked/,
  },
];

/**
 * Why `fetch` sent nothing: Deno says so in words, Node and Bun with a code. Null if it may
 * have; browsers do not tell.
 */
export function whyUnsent(error: unknown): Unsent | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { message } = cause;
    const code = String((cause as { code?: unknown }).code ?? "");
    for (const reason of REASONS) {
      if (!reason.signs.test(code) && !reason.signs.test(message)) continue;
      const told = /invalid peer certificate: (.{1,120})/.exec(message)?.[1];
      return told === undefined
        ? reason
        : { ...reason, message: `${reason.message} (${told})` };
    }
  }
  return null;
}
