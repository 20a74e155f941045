import { errorOf } from "../api/error_body.ts";
import { IDEMPOTENCY_KEY_HEADER } from "../api/idempotency_key.ts";
import { repeatOf } from "../api/repeat_of.ts";
import type { Repeat } from "../api/route.ts";
import { PROXIED_HEADER } from "../server/proxied_address.ts";
import { whyUnsent } from "../client/unsent.ts";
import { type ErrorCode, HiqliteError } from "../errors.ts";
import { pause } from "../util/abort.ts";
import { joinedBytes } from "../util/bytes.ts";
import type { RequestBodies } from "./request_bodies.ts";
import type { Upstream, Upstreams } from "./upstreams.ts";

/** What forwarding needs. */
export interface ForwardOptions {
  readonly upstreams: Upstreams;
  /** What members are told of where the request comes from, see `ProxiedAddresses`; null: nothing. */
  readonly from: string | null;
  readonly bodies: RequestBodies;
  /** Whose body it is, see `networkOf`. */
  readonly client: string;
  readonly fetch: typeof fetch;
  /** How long members are asked again before the client hears that none can, ms. @default {15_000} */
  readonly patienceMs?: number;
  /** Called for each attempt after the first. */
  readonly onRepeat?: () => void;
}

/** Between two rounds through all members, ms. */
const ROUND_MS = 50;

/** An answer that is read whole before any of it leaves: a member that dies meanwhile costs the client nothing. */
const WHOLE_BYTES = 1024 * 1024;

/** Headers that belong to one connection (RFC 9110 §7.6.1), and those that are told anew. */
const OWN_HEADERS: readonly string[] = [
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/** Methods that fetch() refuses to send: nothing gets to a member. */
const UNSENDABLE: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** What became of one attempt. */
type ForwardAttempt =
  | { readonly kind: "answer"; readonly response: Response }
  /** Nothing was done. */
  | { readonly kind: "refused"; readonly response: Response | null }
  /** Something may have been done. */
  | { readonly kind: "lost" };

/** A request that goes to whichever member can answer it. */
interface Forwarding {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Headers;
  readonly body: Uint8Array<ArrayBuffer> | null;
  readonly repeat: Repeat;
  readonly signal: AbortSignal;
}

/**
 * Sends a request on. Another member is asked where the first did nothing, and where a repetition is applied once:
 * a write without an `Idempotency-Key` gets one here.
 *
 * @throws {HiqliteError} `invalid`, `too_large`, `overloaded`, `no_leader`, `outcome_unknown`
 */
export async function forward(
  request: Request,
  options: ForwardOptions,
): Promise<Response> {
  if (UNSENDABLE.has(request.method)) {
    throw new HiqliteError(
      "invalid",
      `The method ${request.method} is none that members know; GET /openapi.json lists them`,
    );
  }
  const { host, pathname, search } = new URL(request.url);
  const repeat = repeatOf(request.method, pathname);
  const headers = new Headers(request.headers);
  for (const name of OWN_HEADERS) headers.delete(name);
  // Pages are told apart from those of others by the host that their browser asked.
  headers.set("x-forwarded-host", host);
  if (options.from === null) headers.delete(PROXIED_HEADER);
  else headers.set(PROXIED_HEADER, options.from);
  if (repeat === "keyed" && !headers.has(IDEMPOTENCY_KEY_HEADER)) {
    headers.set(IDEMPOTENCY_KEY_HEADER, crypto.randomUUID());
  }
  await using held = await options.bodies.take(request, options.client);
  return await firstAnswer({
    method: request.method,
    target: `${pathname}${search}`,
    headers,
    body: held.bytes,
    repeat,
    signal: request.signal,
  }, options);
}

async function firstAnswer(
  forwarding: Forwarding,
  options: ForwardOptions,
): Promise<Response> {
  const until = performance.now() + (options.patienceMs ?? 15_000);
  const reads = forwarding.method === "GET" || forwarding.method === "HEAD";
  let refusal: Response | null = null;
  let lost = false;
  for (let first = true;;) {
    for (const upstream of options.upstreams.order(reads)) {
      if (!first) options.onRepeat?.();
      first = false;
      const attempt = await attemptAt(upstream, forwarding, options.fetch);
      if (attempt.kind === "answer") {
        await refusal?.body?.cancel();
        return attempt.response;
      }
      forwarding.signal.throwIfAborted();
      if (attempt.kind === "lost") {
        // Whether what changes nothing was answered matters to nobody.
        lost ||= forwarding.repeat !== "safe";
        if (forwarding.repeat === "never") throw unknown();
        continue;
      }
      await refusal?.body?.cancel();
      refusal = attempt.response;
    }
    if (performance.now() >= until) break;
    await pause(ROUND_MS, forwarding.signal);
  }
  if (lost) throw unknown();
  if (refusal !== null) return refusal;
  throw new HiqliteError("no_leader", "No member of the cluster answers");
}

function unknown(): HiqliteError {
  return new HiqliteError(
    "outcome_unknown",
    "The member that had the request was lost before it answered",
  );
}

async function attemptAt(
  { url, silent }: Upstream,
  { method, target, headers, body, signal }: Forwarding,
  fetch: ForwardOptions["fetch"],
): Promise<ForwardAttempt> {
  const ended = AbortSignal.any([silent, signal]);
  try {
    const response = await fetch(`${url}${target}`, {
      method,
      headers,
      body,
      // It is the client's: followed, it would carry the secret to wherever it points.
      redirect: "manual",
      signal: ended,
    });
    if (response.status === 503) return await refusedOr(response);
    return { kind: "answer", response: await whole(response) };
  } catch (error) {
    return whyUnsent(error) === null
      ? { kind: "lost" }
      : { kind: "refused", response: null };
  }
}

/** What says that another member may do it, or this one a little later. */
const ELSEWHERE: ReadonlySet<ErrorCode> = new Set([
  "no_leader",
  "shutting_down",
]);

async function refusedOr(response: Response): Promise<ForwardAttempt> {
  const text = await response.text();
  const again = new Response(text, passed(response));
  const code = errorOf(jsonOf(text))?.code;
  if (code === "outcome_unknown") return { kind: "lost" };
  return code !== undefined && ELSEWHERE.has(code)
    ? { kind: "refused", response: again }
    : { kind: "answer", response: again };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An answer whose beginning is here. Streams of events leave as they come. @throws what the member's end throws */
async function whole(response: Response): Promise<Response> {
  const { body } = response;
  const stream = /^text\/event-stream/i.test(
    response.headers.get("content-type") ?? "",
  );
  if (body === null || stream) return new Response(body, passed(response));
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < WHOLE_BYTES) {
    const { done, value } = await reader.read();
    if (done) return new Response(joinedBytes(chunks, bytes), passed(response));
    chunks.push(value);
    bytes += value.length;
  }
  const rest = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = chunks.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return new Response(rest, passed(response));
}

function passed({ status, headers }: Response): ResponseInit {
  const kept = new Headers(headers);
  for (const name of OWN_HEADERS) kept.delete(name);
  // fetch() has undone it.
  kept.delete("content-encoding");
  return { status, headers: kept };
}
