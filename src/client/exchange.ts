import { type ErrorCode, HiqliteError, HTTP_STATUS } from "../errors.ts";
import type { CommandFailure } from "../state/sql/types.ts";
import { pause } from "./abort.ts";
import { StatementError } from "./statement_error.ts";
import {
  resultFromWire,
  type WireError,
  type WireResult,
} from "../api/wire.ts";

/** What may be done when it is not known whether a request arrived. */
export type Repeatable =
  /** Ask again: it changes nothing, or carries a key that lets it apply once. */
  | "yes"
  /** As `yes`; without an answer the outcome is unknown. */
  | "keyed"
  /** Never ask again. */
  | "no";

/** A request for whichever member answers. */
export interface ExchangeRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The JSON body, given how long the member may take, ms. */
  readonly body?: (timeoutMs: number) => string;
  readonly repeatable: Repeatable;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** How every member is reached. */
export interface Reach {
  readonly secret: string;
  readonly fetch: typeof fetch;
  /** A member that keeps us waiting is asked for a sign of life this often, ms. */
  readonly probeMs: number;
}

/** How one attempt ended. */
export type Exchange =
  | { readonly kind: "answer"; readonly value: unknown }
  /** An error that repeating cannot mend. */
  | { readonly kind: "failed"; readonly error: HiqliteError }
  /** Nothing was done; another time or another member may do it. */
  | Again<"refused">
  /** It may have been done; the error's code is `outcome_unknown`. */
  | Again<"lost">;

interface Again<K> {
  readonly kind: K;
  readonly error: HiqliteError;
  /** What the member asked us to wait, ms. */
  readonly waitMs: number;
}

/** One attempt at one member. */
export interface Attempt extends Reach {
  readonly url: string;
  readonly request: ExchangeRequest;
  /** How long the member may take, ms. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The longest a member is asked to look for a leader before another member is tried, ms. */
const MEMBER_TIMEOUT_MS = 4000;

/** The longest `Retry-After` that is honoured, ms. */
const WAIT_MS_MAX = 5000;

/** Sends a request to one member; never throws for what happens on the way. */
export async function exchange(attempt: Attempt): Promise<Exchange> {
  const { request, url } = attempt;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  attempt.signal.addEventListener("abort", abort, { once: true });
  let dead = false;
  const answered = probe(attempt, () => {
    dead = true;
    abort();
  });
  try {
    const response = await attempt.fetch(`${url}${request.path}`, {
      method: request.method,
      headers: headersOf(attempt),
      // A redirect would carry the secret to wherever it points.
      redirect: "error",
      signal: controller.signal,
      ...(request.body === undefined ? {} : {
        body: request.body(Math.min(attempt.timeoutMs, MEMBER_TIMEOUT_MS)),
      }),
    });
    return outcomeOf(response, await response.text(), attempt);
  } catch (cause) {
    // Encoding the request failed, before anything was sent.
    if (cause instanceof HiqliteError) return { kind: "failed", error: cause };
    return lost(
      dead
        ? `${url} gave no sign of life`
        : attempt.signal.aborted
        ? `${url} did not answer in time`
        : `${url}: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  } finally {
    await answered();
    attempt.signal.removeEventListener("abort", abort);
  }
}

function headersOf({ secret, request }: Attempt): Record<string, string> {
  return {
    "x-api-secret": secret,
    ...(request.body === undefined
      ? {}
      : { "content-type": "application/json" }),
    ...request.headers,
  };
}

/**
 * While a member keeps us waiting, asks it for a sign of life: so a slow
 * statement may take its time, and a stopped machine does not take ours.
 * Answers a function that ends the asking.
 */
function probe(attempt: Attempt, giveUp: () => void): () => Promise<void> {
  let asking: Promise<void> | undefined;
  let answered: AbortController | undefined;
  const timer = setTimeout(() => {
    answered = new AbortController();
    asking = ask(attempt, answered.signal, giveUp);
  }, attempt.probeMs);
  return async () => {
    clearTimeout(timer);
    answered?.abort();
    await asking;
  };
}

async function ask(
  { fetch, url, probeMs }: Attempt,
  answered: AbortSignal,
  giveUp: () => void,
): Promise<void> {
  while (!answered.aborted) {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), probeMs);
    try {
      const signal = AbortSignal.any([answered, late.signal]);
      const response = await fetch(`${url}/ping`, { signal });
      await response.body?.cancel();
      if (!response.ok) throw new TypeError(`status ${response.status}`);
    } catch {
      if (!answered.aborted) giveUp();
      return;
    } finally {
      clearTimeout(timer);
    }
    await pause(probeMs, answered);
  }
}

function outcomeOf(
  response: Response,
  text: string,
  { url, request }: Attempt,
): Exchange {
  const json = jsonOf(text);
  const health = request.path === "/health" || request.path === "/ready";
  if (
    response.ok || (health && response.status === 503 && json !== undefined)
  ) {
    const plain = request.path === "/metrics";
    if (json !== undefined || plain) {
      return { kind: "answer", value: plain ? text : json };
    }
    return lost(`${url} answered ${response.status} without JSON`);
  }
  const wire = errorOf(json);
  if (wire === undefined) {
    if (response.status >= 500) {
      return lost(`${url} answered ${response.status}`);
    }
    return {
      kind: "failed",
      error: new HiqliteError(
        "invalid",
        `${url} answered ${response.status} to ${request.path} without an error of this API; is it a member's API address?`,
      ),
    };
  }
  const error = new HiqliteError(wire.code, wire.message);
  switch (wire.code) {
    case "no_leader":
    case "overloaded":
    case "shutting_down":
      return { kind: "refused", error, waitMs: waitMsOf(response, wire.code) };
    case "outcome_unknown":
    case "internal":
    case "storage":
      return lost(`${url}: ${wire.message}`);
    default:
      return { kind: "failed", error: refusalOf(json, error, wire) };
  }
}

/** A refused statement knows its place in the log and what a batch kept. */
function refusalOf(
  json: unknown,
  error: HiqliteError,
  wire: WireError,
): HiqliteError {
  const { index, results } = json as { index?: number; results?: WireResult[] };
  if (index === undefined || results === undefined) return error;
  return new StatementError({
    ok: false,
    error: wire as CommandFailure,
    results: results.map(resultFromWire),
  }, index);
}

/** Another member may have a leader at once; a busy one is left alone as long as it asks. */
function waitMsOf(response: Response, code: ErrorCode): number {
  if (code !== "overloaded") return 0;
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return seconds > 0 ? Math.min(seconds * 1000, WAIT_MS_MAX) : 0;
}

function errorOf(
  json: unknown,
): (WireError & { readonly code: ErrorCode }) | undefined {
  const error = (json as { error?: WireError } | undefined)?.error;
  return typeof error === "object" && error !== null &&
      Object.hasOwn(HTTP_STATUS, error.code)
    ? error as WireError & { readonly code: ErrorCode }
    : undefined;
}

function jsonOf(text: string): unknown {
  try {
    const json = JSON.parse(text);
    return typeof json === "object" && json !== null ? json : undefined;
  } catch {
    return undefined;
  }
}

function lost(message: string, cause?: unknown): Exchange {
  return {
    kind: "lost",
    error: new HiqliteError("outcome_unknown", message, { cause }),
    waitMs: 0,
  };
}
