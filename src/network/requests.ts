import type { Lane, Network, PeerIdentity } from "./port.ts";
import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  type ResponseFrame,
} from "./frame.ts";
import type { NodeId } from "../raft/types.ts";
import { FrameBatches } from "./frame_batches.ts";
import { NO_BYTES } from "../util/bytes.ts";
import type { Logger } from "../util/logger.ts";

/** How a request to another member ended. */
export type PeerAnswer =
  | { readonly kind: "ok"; readonly body: Uint8Array }
  /** The other member refused; `body` says why. */
  | { readonly kind: "error"; readonly body: Uint8Array }
  /** It was never sent. */
  | { readonly kind: "unsent" }
  /** The link broke, or time ran out: it may have been done. */
  | { readonly kind: "lost" };

/** Serves a request; it answers once, at any time. What it throws or rejects with is the answer. */
export type PeerHandler = (
  from: PeerIdentity,
  body: Uint8Array,
  answer: (ok: boolean, body: Uint8Array) => void,
) => void | Promise<void>;

interface PendingRequest {
  readonly node: NodeId;
  readonly done: (answer: PeerAnswer) => void;
}

/** Requests and answers between members, over their links. */
export class PeerRequests {
  readonly #batches: FrameBatches;
  readonly #logger: Logger;
  #handlers: ReadonlyMap<string, PeerHandler> = new Map();
  readonly #pending = new Map<number, PendingRequest>();
  /** Not 1 for every process: a late answer to a former one must find nobody who waits. */
  #nextId = crypto.getRandomValues(new Uint32Array(1))[0]! || 1;

  /** Sends over `network`; serves nothing until {@linkcode serve}. */
  constructor(network: Network, logger: Logger) {
    this.#batches = new FrameBatches(network);
    this.#logger = logger;
  }

  /** Serves requests with `handlers`, by method name. */
  serve(handlers: Record<string, PeerHandler>): void {
    this.#handlers = new Map(Object.entries(handlers));
  }

  /** Asks a member; `done` is called once. It ends at the latest when the link breaks or {@linkcode cancel} is called. */
  ask(
    node: NodeId,
    method: string,
    body: Uint8Array,
    done: (answer: PeerAnswer) => void,
    lane: Lane = "bulk",
  ): number {
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    this.#pending.set(id, { node, done });
    const frame = encodeRequest({ id, method, body });
    this.#batches.send(
      node,
      lane,
      frame,
      () => this.#take(id)?.done({ kind: "unsent" }),
    );
    return id;
  }

  /** Gives up waiting for a request. */
  cancel(id: number): void {
    this.#take(id)?.done({ kind: "lost" });
  }

  /** Asks and waits at most `timeoutMs`. */
  askWithin(
    timeoutMs: number,
    node: NodeId,
    method: string,
    body: Uint8Array,
    lane?: Lane,
  ): Promise<PeerAnswer> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.cancel(id), timeoutMs);
      const id = this.ask(node, method, body, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      }, lane);
    });
  }

  /** A request frame arrived. */
  onRequest(
    from: PeerIdentity,
    node: NodeId,
    lane: Lane,
    body: Uint8Array,
  ): void {
    const request = decodeRequest(body);
    const answer = (ok: boolean, result: Uint8Array): void => {
      const frame = encodeResponse({ id: request.id, ok, body: result });
      this.#batches.send(node, lane, frame);
    };
    const handler = this.#handlers.get(request.method);
    if (handler === undefined) {
      return answer(false, new TextEncoder().encode("unknown method"));
    }
    const failed = ({ message }: Error): void => {
      this.#logger.warn(
        `request ${request.method} of ${from.id} failed: ${message}`,
      );
      answer(false, new TextEncoder().encode(message));
    };
    // Nothing that a peer asks for may end this member.
    try {
      handler(from, request.body, answer)?.catch(failed);
    } catch (error) {
      failed(error as Error);
    }
  }

  /** A response frame arrived; one nobody waits for any more is dropped. */
  onResponse(node: NodeId, body: Uint8Array): void {
    const response: ResponseFrame = decodeResponse(body);
    if (this.#pending.get(response.id)?.node !== node) return;
    this.#take(response.id)!.done({
      kind: response.ok ? "ok" : "error",
      body: response.body,
    });
  }

  /** The link to a member broke: what was asked of it may have been done. */
  linkDown(node: NodeId): void {
    for (const [id, pending] of [...this.#pending]) {
      if (pending.node === node) this.cancel(id);
    }
  }

  /** Ends everything that waits. */
  close(): void {
    for (const id of [...this.#pending.keys()]) this.cancel(id);
  }

  #take(id: number): PendingRequest | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }
}

/** JSON for rare requests. */
export function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Reads {@linkcode encodeJson}; null if it is not JSON. */
export function decodeJson(bytes: Uint8Array): unknown {
  try {
    return bytes === NO_BYTES ? null : JSON.parse(
      new TextDecoder().decode(bytes),
    );
  } catch {
    return null;
  }
}
