import { type ErrorCode, HiqliteError } from "../errors.ts";
import { errorOf } from "../api/error_body.ts";
import { whyUnsent } from "./unsent.ts";
import { pause } from "../util/abort.ts";
import { startTimer } from "../util/timers.ts";
import { PING } from "../api/routes/status.ts";
import type { Route } from "../api/route.ts";

/** A request for whichever member answers. */
export interface ExchangeRequest {
  /** The route that is called. */
  readonly route: Route<unknown, unknown>;
  readonly headers: Readonly<Record<string, string>>;
  /** The JSON of the body, given how long the member may take, ms; undefined for none. */
  readonly encode: (timeoutMs: number) => unknown;
  /** Longest wait for the answer, ms; all attempts together. */
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
  | { readonly kind: "answer"; readonly body: unknown }
  /** An error that repeating cannot mend. */
  | { readonly kind: "failed"; readonly error: HiqliteError }
  /** Nothing was done; another time or another member may do it. */
  | Again<"refused">
  /** It may have been done; the error's code is `outcome_unknown`. */
  | Again<"lost">
  /** Nobody listens; the error's code is `no_leader`. Nothing was done, but over a connection of before, if there was one. */
  | Again<"closed">
  /** As `closed`, and nobody ever will as long as the address is not another one. */
  | Again<"nowhere">;

interface Again<K> {
  readonly kind: K;
  readonly error: HiqliteError;
  /** What the member asked us to wait, ms. */
  readonly waitMs: number;
}

/** One attempt at one member. */
export interface ExchangeAttempt extends Reach {
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
export async function exchange(attempt: ExchangeAttempt): Promise<Exchange> {
  const { request, url } = attempt;
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  attempt.signal.addEventListener("abort", abort, { once: true });
  let dead = false;
  const endProbe = probe(attempt, () => {
    dead = true;
    abort();
  });
  try {
    const { method, path } = request.route;
    const json = request.encode(Math.min(attempt.timeoutMs, MEMBER_TIMEOUT_MS));
    const response = await attempt.fetch(`${url}${path}`, {
      method,
      headers: {
        "x-api-secret": attempt.secret,
        ...(json === undefined ? {} : { "content-type": "application/json" }),
        ...request.headers,
      },
      // A redirect would carry the secret to wherever it points.
      redirect: "error",
      signal: controller.signal,
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    });
    return outcomeOf(response, await response.text(), attempt);
  } catch (cause) {
    // Encoding the request failed, before anything was sent.
    if (cause instanceof HiqliteError) return { kind: "failed", error: cause };
    const unsent = whyUnsent(cause);
    if (unsent !== null) {
      const message = `${url} ${unsent.message}`;
      const error = new HiqliteError("no_leader", message, { cause });
      return { kind: unsent.kind, error, waitMs: 0 };
    }
    return lost(
      dead
        ? `${url} gave no sign of life`
        : attempt.signal.aborted
        ? `${url} did not answer in time`
        : `${url}: ${cause instanceof Error ? cause.message : cause}`,
      cause,
    );
  } finally {
    await endProbe();
    attempt.signal.removeEventListener("abort", abort);
  }
}

/**
 * While a member keeps us waiting, asks it for a sign of life: so a slow
 * statement may take its time, and a stopped machine does not take ours.
 * Returns a function that ends the asking.
 */
function probe(
  attempt: ExchangeAttempt,
  giveUp: () => void,
): () => Promise<void> {
  let asking: Promise<void> | undefined;
  let ended: AbortController | undefined;
  const timer = startTimer(() => {
    ended = new AbortController();
    asking = ask(attempt, ended.signal, giveUp);
  }, attempt.probeMs);
  return async () => {
    clearTimeout(timer);
    ended?.abort();
    await asking;
  };
}

async function ask(
  { fetch, url, probeMs }: ExchangeAttempt,
  ended: AbortSignal,
  giveUp: () => void,
): Promise<void> {
  while (!ended.aborted) {
    const late = new AbortController();
    const timer = startTimer(() => late.abort(), probeMs);
    try {
      const signal = AbortSignal.any([ended, late.signal]);
      const response = await fetch(`${url}${PING.path}`, { signal });
      await response.body?.cancel();
      if (!response.ok) throw new TypeError(`status ${response.status}`);
    } catch {
      if (!ended.aborted) giveUp();
      return;
    } finally {
      clearTimeout(timer);
    }
    await pause(probeMs, ended);
  }
}

function outcomeOf(
  response: Response,
  text: string,
  { url, request }: ExchangeAttempt,
): Exchange {
  const { ok, status } = response;
  const { reply, path } = request.route;
  if (ok && reply.format === "text") return { kind: "answer", body: text };
  const json = jsonOf(text);
  if (json !== undefined && (ok || reply.accepts?.(status, json))) {
    return { kind: "answer", body: json };
  }
  if (ok) return lost(`${url} answered ${status} without JSON`);
  const problem = errorOf(json);
  if (problem === undefined) {
    if (status >= 500) return lost(`${url} answered ${status}`);
    return {
      kind: "failed",
      error: new HiqliteError(
        "invalid",
        /^This port speaks TLS/.test(text)
          ? `${url} speaks TLS: its URL begins with https://`
          : `${url} answered ${status} to ${path} without an error of this API; is it a member's API address?`,
      ),
    };
  }
  const { code, message } = problem;
  const error = new HiqliteError(code, message);
  switch (code) {
    case "no_leader":
    case "overloaded":
    case "shutting_down":
      return { kind: "refused", error, waitMs: waitMsOf(response, code) };
    case "outcome_unknown":
    case "internal":
    case "storage":
      return lost(`${url}: ${message}`);
    default:
      return { kind: "failed", error };
  }
}

/** Another member may have a leader at once; a busy one is left alone as long as it asks. */
function waitMsOf(response: Response, code: ErrorCode): number {
  if (code !== "overloaded") return 0;
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  return seconds > 0 ? Math.min(seconds * 1000, WAIT_MS_MAX) : 0;
}

function jsonOf(text: string): object | undefined {
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
